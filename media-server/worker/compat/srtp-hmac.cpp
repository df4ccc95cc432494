// HMAC-SHA1 of OpenSSL for libsrtp; see srtp-crypto.h.
#include "srtp-crypto.h"
#include <srtp2/auth.h>
#include <cstring>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/evp.h>

// Exported by libsrtp, and declared in a header that distributions do not install.
extern "C" const srtp_auth_type_t* srtp_crypto_kernel_get_auth_type(srtp_auth_type_id_t id);

namespace
{
	constexpr size_t HmacKeyLength{ 20 };
	constexpr size_t HmacLength{ 20 };

	using MacContext = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

	struct Mac
	{
		srtp_auth_t base{};
		MacContext context{ nullptr, EVP_MAC_CTX_free };
	};

	srtp_err_status_t statusOf(bool succeeded)
	{
		return succeeded ? srtp_err_status_ok : srtp_err_status_auth_fail;
	}

	srtp_auth_type_t& hmacType();

	srtp_err_status_t allocateMac(srtp_auth_pointer_t* mac, int keyLength, int tagLength)
	{
		static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);

		if (keyLength > static_cast<int>(HmacKeyLength) || tagLength > static_cast<int>(HmacLength))
		{
			return srtp_err_status_bad_param;
		}

		auto* made         = new Mac();
		made->context      = MacContext(EVP_MAC_CTX_new(hmac), EVP_MAC_CTX_free);
		made->base.type    = &hmacType();
		made->base.state   = made;
		made->base.key_len = keyLength;
		made->base.out_len = tagLength;
		*mac               = &made->base;

		return srtp_err_status_ok;
	}

	srtp_err_status_t freeMac(srtp_auth_pointer_t mac)
	{
		delete static_cast<Mac*>(mac->state);

		return srtp_err_status_ok;
	}

	srtp_err_status_t setMacKey(void* state, const uint8_t* key, int keyLength)
	{
		static char sha1[]{ "SHA1" };
		const OSSL_PARAM digest[]{ OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0),
			                         OSSL_PARAM_construct_end() };

		return statusOf(EVP_MAC_init(static_cast<Mac*>(state)->context.get(), key, keyLength, digest) == 1);
	}

	srtp_err_status_t startMac(void* state)
	{
		return statusOf(EVP_MAC_init(static_cast<Mac*>(state)->context.get(), nullptr, 0, nullptr) == 1);
	}

	srtp_err_status_t updateMac(void* state, const uint8_t* data, int length)
	{
		return statusOf(EVP_MAC_update(static_cast<Mac*>(state)->context.get(), data, length) == 1);
	}

	srtp_err_status_t finishMac(void* state, const uint8_t* data, int length, int tagLength, uint8_t* tag)
	{
		uint8_t whole[HmacLength];
		size_t written{ 0 };

		if (
		  tagLength > static_cast<int>(HmacLength) || updateMac(state, data, length) != srtp_err_status_ok ||
		  EVP_MAC_final(static_cast<Mac*>(state)->context.get(), whole, &written, sizeof(whole)) != 1)
		{
			return srtp_err_status_auth_fail;
		}

		std::memcpy(tag, whole, tagLength);

		return srtp_err_status_ok;
	}

	srtp_auth_type_t& hmacType()
	{
		static srtp_auth_type_t type{ allocateMac, freeMac,  setMacKey, finishMac,     updateMac,
			                            startMac,    "HMAC-SHA1 of OpenSSL", nullptr, SRTP_HMAC_SHA1 };

		return type;
	}
} // namespace

srtp_err_status_t replaceSrtpHmac()
{
	hmacType().test_data = srtp_crypto_kernel_get_auth_type(SRTP_HMAC_SHA1)->test_data;

	return srtp_replace_auth_type(&hmacType(), SRTP_HMAC_SHA1);
}
