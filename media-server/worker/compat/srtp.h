// The part of libsrtp 3's API that mediasoup-worker uses, over the distribution's libsrtp 2.
// Two things differ: a policy is an opaque object that is filled by calls, and packets are protected from one
// buffer into another, with the output's capacity given, instead of in place.
#pragma once
#define srtp_policy_t srtp2_policy_t
#include <srtp2/srtp.h>
#undef srtp_policy_t
#include "srtp-crypto.h"
#include <cstdint>
#include <cstring>

struct Srtp3Policy
{
	srtp2_policy_t policy;
	uint8_t key[SRTP_MAX_KEY_LEN];
};

using srtp_policy_t = Srtp3Policy*;

inline constexpr auto srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
inline constexpr auto srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

inline srtp_err_status_t srtp_policy_create(srtp_policy_t* policy)
{
	*policy = new Srtp3Policy();

	return srtp_err_status_ok;
}

inline void srtp_policy_destroy(srtp_policy_t policy)
{
	delete policy;
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->policy.ssrc = ssrc;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile)
{
	const auto status = srtp_crypto_policy_set_from_profile_for_rtp(&policy->policy.rtp, profile);

	if (status != srtp_err_status_ok)
	{
		return status;
	}

	return srtp_crypto_policy_set_from_profile_for_rtcp(&policy->policy.rtcp, profile);
}

// libsrtp 2 takes key and salt as one buffer. The last two arguments are a master key identifier, which mediasoup
// never gives.
inline srtp_err_status_t srtp_policy_add_key(
  srtp_policy_t policy,
  const uint8_t* key,
  size_t keyLength,
  const uint8_t* salt,
  size_t saltLength,
  const uint8_t* /*mki*/,
  size_t /*mkiLength*/)
{
	if (keyLength + saltLength > sizeof(policy->key))
	{
		return srtp_err_status_bad_param;
	}

	std::memcpy(policy->key, key, keyLength);
	std::memcpy(policy->key + keyLength, salt, saltLength);
	policy->policy.key = policy->key;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow)
{
	policy->policy.allow_repeat_tx = allow;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, size_t packets)
{
	policy->policy.window_size = packets;

	return srtp_err_status_ok;
}

// libsrtp 2 copies what it needs, so the policy may be destroyed afterwards, as with libsrtp 3.
inline srtp_err_status_t srtp_create(srtp_t* session, srtp_policy_t policy)
{
	return srtp_create(session, &policy->policy);
}

inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc)
{
	return srtp_remove_stream(session, ssrc);
}

// Protection makes a packet longer by its tag (and index), so an output that cannot hold the input plus the longest
// trailer is refused before libsrtp 2, which is not told the capacity, could write past its end.
template<typename Transform>
inline srtp_err_status_t transformPacket(
  Transform transform,
  size_t trailerLength,
  srtp_t session,
  const uint8_t* input,
  size_t inputLength,
  uint8_t* output,
  size_t* outputLength)
{
	if (*outputLength < inputLength + trailerLength)
	{
		return srtp_err_status_buffer_small;
	}

	if (output != input)
	{
		std::memcpy(output, input, inputLength);
	}

	int length        = static_cast<int>(inputLength);
	const auto status = transform(session, output, &length);

	*outputLength = static_cast<size_t>(length);

	return status;
}

inline srtp_err_status_t srtp_protect(
  srtp_t session, const uint8_t* input, size_t inputLength, uint8_t* output, size_t* outputLength, size_t /*mki*/)
{
	return transformPacket(
	  [](srtp_t s, void* packet, int* length) { return srtp_protect(s, packet, length); },
	  SRTP_MAX_TRAILER_LEN, session, input, inputLength, output, outputLength);
}

inline srtp_err_status_t srtp_protect_rtcp(
  srtp_t session, const uint8_t* input, size_t inputLength, uint8_t* output, size_t* outputLength, size_t /*mki*/)
{
	// Four bytes more than RTP: the packet index.
	return transformPacket(
	  [](srtp_t s, void* packet, int* length) { return srtp_protect_rtcp(s, packet, length); },
	  SRTP_MAX_TRAILER_LEN + sizeof(uint32_t), session, input, inputLength, output, outputLength);
}

inline srtp_err_status_t srtp_unprotect(
  srtp_t session, const uint8_t* input, size_t inputLength, uint8_t* output, size_t* outputLength)
{
	return transformPacket(
	  [](srtp_t s, void* packet, int* length) { return srtp_unprotect(s, packet, length); },
	  0, session, input, inputLength, output, outputLength);
}

inline srtp_err_status_t srtp_unprotect_rtcp(
  srtp_t session, const uint8_t* input, size_t inputLength, uint8_t* output, size_t* outputLength)
{
	return transformPacket(
	  [](srtp_t s, void* packet, int* length) { return srtp_unprotect_rtcp(s, packet, length); },
	  0, session, input, inputLength, output, outputLength);
}

inline srtp_err_status_t initSrtpWithOpenssl()
{
	auto status = srtp_init();

	if (status == srtp_err_status_ok)
	{
		status = replaceSrtpCiphers();
	}

	return status == srtp_err_status_ok ? replaceSrtpHmac() : status;
}

#define srtp_init() initSrtpWithOpenssl()
