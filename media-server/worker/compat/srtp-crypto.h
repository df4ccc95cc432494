// Cryptography of OpenSSL for libsrtp, in place of what it was built with. In Debian that is NSS, which expands the key anew for every packet and
// looks it up among all others: the more listeners, the longer each packet takes. Here every stream keeps its expanded key.
// libsrtp tests what is put in place with the test vectors of what was there; a wrong result is an error, and then the worker does not start.
#pragma once
#include <srtp2/srtp.h>

// Call both after srtp_init.
srtp_err_status_t replaceSrtpCiphers();
srtp_err_status_t replaceSrtpHmac();
