// Distributions build OpenSSL with kernel TLS; mediasoup's own OpenSSL has none. mediasoup's BIO callback answers 1
// to every control call, which such an OpenSSL reads as "this memory BIO does kTLS": it drops its write buffer and
// crashes in the first handshake with a browser. Control calls therefore get their own result back.
#pragma once
#include_next <openssl/bio.h>
#ifdef __cplusplus

// One variable is enough: mediasoup installs one and the same callback on every BIO.
inline BIO_callback_fn_ex workerBioCallback = nullptr;

inline long filterBioCallback(
  BIO* bio, int operation, const char* data, size_t length, int argi, long argl, int result, size_t* processed)
{
	const bool isReturn = (operation & BIO_CB_RETURN) != 0;

	if (isReturn && (operation & ~BIO_CB_RETURN) != BIO_CB_WRITE)
	{
		return result;
	}

	return workerBioCallback(bio, operation, data, length, argi, argl, result, processed);
}

inline void setFilteredBioCallback(BIO* bio, BIO_callback_fn_ex callback)
{
	workerBioCallback = callback;
	BIO_set_callback_ex(bio, filterBioCallback);
}

#define BIO_set_callback_ex(bio, callback) setFilteredBioCallback(bio, callback)
#endif
