// AES of OpenSSL for libsrtp; see srtp-crypto.h.
#include "srtp-crypto.h"
#include <srtp2/cipher.h>
#include <cstring>
#include <memory>
#include <openssl/evp.h>

// Exported by libsrtp, and declared in a header that distributions do not install.
extern "C" const srtp_cipher_type_t* srtp_crypto_kernel_get_cipher_type(srtp_cipher_type_id_t id);

namespace
{
	constexpr size_t BlockLength{ 16 };
	// libsrtp hands key and salt over as one, salt last: RFC 3711, 8.2, and RFC 7714, 12.
	constexpr size_t CounterSaltLength{ 14 };
	constexpr size_t GcmSaltLength{ 12 };

	using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

	struct Cipher
	{
		srtp_cipher_t base{};
		CipherContext context{ EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free };
		const EVP_CIPHER* algorithm{ nullptr };
		int tagLength{ 0 };
		size_t keyLength{ 0 };
		// Used by counter mode alone: of GCM, libsrtp mixes it into the vector.
		uint8_t salt[BlockLength]{};
	};

	srtp_err_status_t statusOf(bool succeeded)
	{
		return succeeded ? srtp_err_status_ok : srtp_err_status_cipher_fail;
	}

	const EVP_CIPHER* algorithmOf(srtp_cipher_type_id_t id)
	{
		// Fetched once: OpenSSL 3 looks an implementation up by name otherwise, at every use.
		static const EVP_CIPHER* const Counter128 = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
		static const EVP_CIPHER* const Counter256 = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
		static const EVP_CIPHER* const Gcm128     = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
		static const EVP_CIPHER* const Gcm256     = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);

		switch (id)
		{
			case SRTP_AES_ICM_128:
				return Counter128;
			case SRTP_AES_ICM_256:
				return Counter256;
			case SRTP_AES_GCM_128:
				return Gcm128;
			case SRTP_AES_GCM_256:
				return Gcm256;
			default:
				return nullptr;
		}
	}

	srtp_cipher_type_t& typeOf(srtp_cipher_type_id_t id);

	template<srtp_cipher_type_id_t Id, size_t SaltLength>
	srtp_err_status_t allocateCipher(srtp_cipher_pointer_t* cipher, int keyLength, int tagLength)
	{
		const auto* algorithm = algorithmOf(Id);

		if (algorithm == nullptr || keyLength != EVP_CIPHER_get_key_length(algorithm) + static_cast<int>(SaltLength))
		{
			return srtp_err_status_bad_param;
		}

		auto* made       = new Cipher();
		made->algorithm  = algorithm;
		made->tagLength  = tagLength;
		made->keyLength  = keyLength - SaltLength;
		made->base.type  = &typeOf(Id);
		made->base.state = made;
		made->base.key_len   = keyLength;
		made->base.algorithm = Id;
		*cipher              = &made->base;

		return srtp_err_status_ok;
	}

	srtp_err_status_t freeCipher(srtp_cipher_pointer_t cipher)
	{
		delete static_cast<Cipher*>(cipher->state);

		return srtp_err_status_ok;
	}

	// Expands the key, once: what is set later is the packet's vector alone.
	srtp_err_status_t setKey(void* state, const uint8_t* key)
	{
		auto* cipher  = static_cast<Cipher*>(state);
		auto* context = cipher->context.get();

		std::memcpy(cipher->salt, key + cipher->keyLength, cipher->base.key_len - cipher->keyLength);

		return statusOf(
		  EVP_CIPHER_CTX_reset(context) == 1 &&
		  EVP_CipherInit_ex2(context, cipher->algorithm, key, nullptr, 1, nullptr) == 1);
	}

	srtp_err_status_t setCounter(void* state, uint8_t* iv, srtp_cipher_direction_t /*direction*/)
	{
		auto* cipher = static_cast<Cipher*>(state);
		uint8_t counter[BlockLength];

		for (size_t at{ 0 }; at < BlockLength; ++at)
		{
			counter[at] = cipher->salt[at] ^ iv[at];
		}

		return statusOf(EVP_CipherInit_ex2(cipher->context.get(), nullptr, nullptr, counter, 1, nullptr) == 1);
	}

	srtp_err_status_t applyCounterMode(void* state, uint8_t* buffer, unsigned int* length)
	{
		auto* cipher = static_cast<Cipher*>(state);
		int written{ 0 };

		return statusOf(EVP_CipherUpdate(cipher->context.get(), buffer, &written, buffer, *length) == 1);
	}

	srtp_err_status_t setGcmVector(void* state, uint8_t* iv, srtp_cipher_direction_t direction)
	{
		auto* cipher        = static_cast<Cipher*>(state);
		const int encrypts = direction == srtp_direction_encrypt ? 1 : 0;

		return statusOf(EVP_CipherInit_ex2(cipher->context.get(), nullptr, nullptr, iv, encrypts, nullptr) == 1);
	}

	srtp_err_status_t setGcmHeader(void* state, const uint8_t* header, uint32_t length)
	{
		auto* cipher = static_cast<Cipher*>(state);
		int written{ 0 };

		return statusOf(EVP_CipherUpdate(cipher->context.get(), nullptr, &written, header, length) == 1);
	}

	// No length and no buffer: of RTCP that is authenticated only.
	srtp_err_status_t encryptGcm(void* state, uint8_t* buffer, unsigned int* length)
	{
		auto* cipher = static_cast<Cipher*>(state);
		int written{ 0 };

		return statusOf(
		  *length == 0 || EVP_CipherUpdate(cipher->context.get(), buffer, &written, buffer, *length) == 1);
	}

	srtp_err_status_t finishGcm(void* state, uint8_t* tag, uint32_t* length)
	{
		auto* cipher  = static_cast<Cipher*>(state);
		auto* context = cipher->context.get();
		uint8_t nothing[BlockLength];
		int written{ 0 };

		*length = cipher->tagLength;

		return statusOf(
		  EVP_CipherFinal_ex(context, nothing, &written) == 1 &&
		  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, cipher->tagLength, tag) == 1);
	}

	// What comes in ends with the tag; what goes out does not.
	srtp_err_status_t decryptGcm(void* state, uint8_t* buffer, unsigned int* length)
	{
		auto* cipher         = static_cast<Cipher*>(state);
		auto* context        = cipher->context.get();
		const auto tagLength = static_cast<unsigned int>(cipher->tagLength);
		uint8_t nothing[BlockLength];
		int written{ 0 };

		if (*length < tagLength)
		{
			return srtp_err_status_bad_param;
		}

		const auto textLength = *length - tagLength;
		const bool isAuthentic =
		  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, cipher->tagLength, buffer + textLength) == 1 &&
		  (textLength == 0 || EVP_CipherUpdate(context, buffer, &written, buffer, textLength) == 1) &&
		  EVP_CipherFinal_ex(context, nothing, &written) == 1;

		*length = textLength;

		return isAuthentic ? srtp_err_status_ok : srtp_err_status_auth_fail;
	}

	template<srtp_cipher_type_id_t Id>
	srtp_cipher_type_t counterModeType()
	{
		return { allocateCipher<Id, CounterSaltLength>,
			       freeCipher,
			       setKey,
			       nullptr,
			       applyCounterMode,
			       applyCounterMode,
			       setCounter,
			       nullptr,
			       "AES counter mode of OpenSSL",
			       nullptr,
			       Id };
	}

	template<srtp_cipher_type_id_t Id>
	srtp_cipher_type_t gcmType()
	{
		return { allocateCipher<Id, GcmSaltLength>,
			       freeCipher,
			       setKey,
			       setGcmHeader,
			       encryptGcm,
			       decryptGcm,
			       setGcmVector,
			       finishGcm,
			       "AES-GCM of OpenSSL",
			       nullptr,
			       Id };
	}

	srtp_cipher_type_t& typeOf(srtp_cipher_type_id_t id)
	{
		static srtp_cipher_type_t counter128 = counterModeType<SRTP_AES_ICM_128>();
		static srtp_cipher_type_t counter256 = counterModeType<SRTP_AES_ICM_256>();
		static srtp_cipher_type_t gcm128     = gcmType<SRTP_AES_GCM_128>();
		static srtp_cipher_type_t gcm256     = gcmType<SRTP_AES_GCM_256>();

		switch (id)
		{
			case SRTP_AES_ICM_128:
				return counter128;
			case SRTP_AES_ICM_256:
				return counter256;
			case SRTP_AES_GCM_128:
				return gcm128;
			default:
				return gcm256;
		}
	}

	srtp_err_status_t replaceCipher(srtp_cipher_type_id_t id)
	{
		const auto* former = srtp_crypto_kernel_get_cipher_type(id);

		if (former == nullptr)
		{
			return srtp_err_status_no_such_op;
		}

		auto& type     = typeOf(id);
		type.test_data = former->test_data;

		return srtp_replace_cipher_type(&type, id);
	}
} // namespace

srtp_err_status_t replaceSrtpCiphers()
{
	for (const auto id : { SRTP_AES_ICM_128, SRTP_AES_ICM_256, SRTP_AES_GCM_128, SRTP_AES_GCM_256 })
	{
		const auto status = replaceCipher(id);

		if (status != srtp_err_status_ok)
		{
			return status;
		}
	}

	return srtp_err_status_ok;
}
