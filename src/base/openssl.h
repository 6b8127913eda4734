// OpenSSL 3, for TLS and certificates: loaded when it is first needed, so that neither the import of tine nor a program
// without TLS pays for it, and so that a wheel, which is built without OpenSSL, uses the system's.
//
// openssl() gives a table of its functions under their own names: openssl().SSL_new(context). What they do stands in OpenSSL's
// manual pages. Their types are declared here and not included: src/base/openssl_test.cpp compares them with OpenSSL's own
// headers. It is loaded once, by the thread that comes first, and stays. Without libtine: the command links this file as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>

struct asn1_string_st;
struct bignum_st;
struct bio_method_st;
struct bio_st;
struct evp_md_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_method_st;
struct ssl_st;
struct stack_st;
struct x509_st;
struct x509_store_ctx_st;
struct X509_VERIFY_PARAM_st;
struct X509_extension_st;
struct X509_name_st;
struct GENERAL_NAME_st;
struct ossl_init_settings_st;
struct engine_st;

namespace tine {

using VerifyCallback = int (*)(int, x509_store_ctx_st*);
using PasswordCallback = int (*)(char*, int, int, void*);

// F(name, result, parameters)
#define TINE_OPENSSL_FUNCTIONS(F)                                                                            \
  F(OPENSSL_init_crypto, int, (uint64_t, const ossl_init_settings_st*))                                      \
  F(OPENSSL_sk_num, int, (const stack_st*))                                                                  \
  F(OPENSSL_sk_value, void*, (const stack_st*, int))                                                         \
  F(OPENSSL_sk_pop_free, void, (stack_st*, void (*)(void*)))                                                 \
  F(CRYPTO_free, void, (void*, const char*, int))                                                            \
  F(ERR_clear_error, void, ())                                                                               \
  F(ERR_get_error, unsigned long, ())                                                                        \
  F(ERR_reason_error_string, const char*, (unsigned long))                                                   \
  F(BIO_meth_new, bio_method_st*, (int, const char*))                                                        \
  F(BIO_meth_set_read, int, (bio_method_st*, int (*)(bio_st*, char*, int)))                                  \
  F(BIO_meth_set_write, int, (bio_method_st*, int (*)(bio_st*, const char*, int)))                           \
  F(BIO_meth_set_ctrl, int, (bio_method_st*, long (*)(bio_st*, int, long, void*)))                           \
  F(BIO_new, bio_st*, (const bio_method_st*))                                                                \
  F(BIO_new_mem_buf, bio_st*, (const void*, int))                                                            \
  F(BIO_s_mem, const bio_method_st*, ())                                                                     \
  F(BIO_free, int, (bio_st*))                                                                                \
  F(BIO_read, int, (bio_st*, void*, int))                                                                    \
  F(BIO_set_data, void, (bio_st*, void*))                                                                    \
  F(BIO_get_data, void*, (bio_st*))                                                                          \
  F(BIO_set_init, void, (bio_st*, int))                                                                      \
  F(BIO_set_flags, void, (bio_st*, int))                                                                     \
  F(BIO_clear_flags, void, (bio_st*, int))                                                                   \
  F(SSL_CTX_new, ssl_ctx_st*, (const ssl_method_st*))                                                        \
  F(SSL_CTX_free, void, (ssl_ctx_st*))                                                                       \
  F(SSL_CTX_ctrl, long, (ssl_ctx_st*, int, long, void*))                                                     \
  F(SSL_CTX_set_options, uint64_t, (ssl_ctx_st*, uint64_t))                                                  \
  F(SSL_CTX_set_num_tickets, int, (ssl_ctx_st*, size_t))                                                     \
  F(SSL_CTX_set_ciphersuites, int, (ssl_ctx_st*, const char*))                                               \
  F(SSL_CTX_set_verify, void, (ssl_ctx_st*, int, VerifyCallback))                                            \
  F(SSL_CTX_set_default_passwd_cb, void, (ssl_ctx_st*, PasswordCallback))                                    \
  F(SSL_CTX_use_certificate_chain_file, int, (ssl_ctx_st*, const char*))                                     \
  F(SSL_CTX_use_PrivateKey_file, int, (ssl_ctx_st*, const char*, int))                                       \
  F(SSL_CTX_check_private_key, int, (const ssl_ctx_st*))                                                     \
  F(SSL_CTX_load_verify_file, int, (ssl_ctx_st*, const char*))                                               \
  F(SSL_CTX_get0_certificate, x509_st*, (const ssl_ctx_st*))                                                 \
  F(SSL_CTX_get0_param, X509_VERIFY_PARAM_st*, (ssl_ctx_st*))                                                \
  F(TLS_method, const ssl_method_st*, ())                                                                    \
  F(SSL_new, ssl_st*, (ssl_ctx_st*))                                                                         \
  F(SSL_free, void, (ssl_st*))                                                                               \
  F(SSL_set_bio, void, (ssl_st*, bio_st*, bio_st*))                                                          \
  F(SSL_set_ex_data, int, (ssl_st*, int, void*))                                                             \
  F(SSL_get_ex_data, void*, (const ssl_st*, int))                                                            \
  F(SSL_get_ex_data_X509_STORE_CTX_idx, int, ())                                                             \
  F(SSL_set_connect_state, void, (ssl_st*))                                                                  \
  F(SSL_set_accept_state, void, (ssl_st*))                                                                   \
  F(SSL_do_handshake, int, (ssl_st*))                                                                        \
  F(SSL_read_ex, int, (ssl_st*, void*, size_t, size_t*))                                                     \
  F(SSL_peek_ex, int, (ssl_st*, void*, size_t, size_t*))                                                     \
  F(SSL_write_ex, int, (ssl_st*, const void*, size_t, size_t*))                                              \
  F(SSL_pending, int, (const ssl_st*))                                                                       \
  F(SSL_key_update, int, (ssl_st*, int))                                                                     \
  F(SSL_shutdown, int, (ssl_st*))                                                                            \
  F(SSL_get_error, int, (const ssl_st*, int))                                                                \
  F(SSL_get1_peer_certificate, x509_st*, (const ssl_st*))                                                    \
  F(SSL_export_keying_material, int,                                                                         \
    (ssl_st*, unsigned char*, size_t, const char*, size_t, const unsigned char*, size_t, int))               \
  F(X509_STORE_CTX_get_ex_data, void*, (const x509_store_ctx_st*, int))                                      \
  F(X509_STORE_CTX_get_error, int, (const x509_store_ctx_st*))                                               \
  F(X509_STORE_CTX_get_current_cert, x509_st*, (const x509_store_ctx_st*))                                   \
  F(X509_VERIFY_PARAM_set_time, void, (X509_VERIFY_PARAM_st*, time_t))                                       \
  F(X509_verify_cert_error_string, const char*, (long))                                                      \
  F(X509_new, x509_st*, ())                                                                                  \
  F(X509_free, void, (x509_st*))                                                                             \
  F(X509_get_ext_d2i, void*, (const x509_st*, int, int*, int*))                                              \
  F(X509_get_subject_name, X509_name_st*, (const x509_st*))                                                  \
  F(X509_get_issuer_name, X509_name_st*, (const x509_st*))                                                   \
  F(X509_NAME_oneline, char*, (const X509_name_st*, char*, int))                                             \
  F(X509_get0_notBefore, const asn1_string_st*, (const x509_st*))                                            \
  F(X509_get0_notAfter, const asn1_string_st*, (const x509_st*))                                             \
  F(ASN1_TIME_to_tm, int, (const asn1_string_st*, tm*))                                                      \
  F(ASN1_TIME_set, asn1_string_st*, (asn1_string_st*, time_t))                                               \
  F(ASN1_STRING_get0_data, const unsigned char*, (const asn1_string_st*))                                    \
  F(ASN1_STRING_length, int, (const asn1_string_st*))                                                        \
  F(ASN1_STRING_type_new, asn1_string_st*, (int))                                                            \
  F(ASN1_STRING_set, int, (asn1_string_st*, const void*, int))                                               \
  F(ASN1_STRING_free, void, (asn1_string_st*))                                                               \
  F(BN_to_ASN1_INTEGER, asn1_string_st*, (const bignum_st*, asn1_string_st*))                                \
  F(BN_bin2bn, bignum_st*, (const unsigned char*, int, bignum_st*))                                          \
  F(BN_free, void, (bignum_st*))                                                                             \
  F(GENERAL_NAME_get0_value, void*, (const GENERAL_NAME_st*, int*))                                          \
  F(GENERAL_NAME_free, void, (GENERAL_NAME_st*))                                                             \
  F(X509_set_version, int, (x509_st*, long))                                                                 \
  F(X509_get_serialNumber, asn1_string_st*, (x509_st*))                                                      \
  F(X509_getm_notBefore, asn1_string_st*, (const x509_st*))                                                  \
  F(X509_getm_notAfter, asn1_string_st*, (const x509_st*))                                                   \
  F(X509_set_pubkey, int, (x509_st*, evp_pkey_st*))                                                          \
  F(X509_set_subject_name, int, (x509_st*, const X509_name_st*))                                             \
  F(X509_set_issuer_name, int, (x509_st*, const X509_name_st*))                                              \
  F(X509_NAME_add_entry_by_txt, int, (X509_name_st*, const char*, int, const unsigned char*, int, int, int)) \
  F(X509_EXTENSION_create_by_NID, X509_extension_st*, (X509_extension_st**, int, int, asn1_string_st*))      \
  F(X509_EXTENSION_free, void, (X509_extension_st*))                                                         \
  F(X509_add_ext, int, (x509_st*, X509_extension_st*, int))                                                  \
  F(X509_pubkey_digest, int, (const x509_st*, const evp_md_st*, unsigned char*, unsigned int*))              \
  F(X509_sign, int, (x509_st*, evp_pkey_st*, const evp_md_st*))                                              \
  F(EVP_sha256, const evp_md_st*, ())                                                                        \
  F(EVP_PKEY_free, void, (evp_pkey_st*))                                                                     \
  F(PEM_read_bio_X509, x509_st*, (bio_st*, x509_st**, PasswordCallback, void*))                              \
  F(PEM_write_bio_X509, int, (bio_st*, const x509_st*))                                                      \
  F(PEM_read_bio_PrivateKey, evp_pkey_st*, (bio_st*, evp_pkey_st**, PasswordCallback, void*))

// EVP_EC_gen() is a macro over a function of variable arguments, and PEM_write_bio_PKCS8PrivateKey() takes a cipher, which is
// always null here.
struct OpenSsl {
#define TINE_OPENSSL_FIELD(name, result, parameters) result(*name) parameters = nullptr;
  TINE_OPENSSL_FUNCTIONS(TINE_OPENSSL_FIELD)
#undef TINE_OPENSSL_FIELD
  evp_pkey_st* (*EVP_PKEY_Q_keygen)(void*, const char*, const char*, ...) = nullptr;
  int (*PEM_write_bio_PKCS8PrivateKey)(bio_st*, const evp_pkey_st*, const void*, const char*, int,
                                       PasswordCallback, void*) = nullptr;
};

// Numbers of OpenSSL's headers.
namespace ossl {
inline constexpr uint64_t kNoAtExit = 0x00080000;  // OPENSSL_INIT_NO_ATEXIT
inline constexpr int kBioTypeSourceSink = 0x0400;
inline constexpr int kBioShouldRetry = 0x08, kBioRead = 0x01, kBioFlagsRetry = 0x0f;
inline constexpr int kBioCtrlFlush = 11;
inline constexpr int kCtrlMode = 33, kCtrlSessionCache = 44, kCtrlMinVersion = 123, kCtrlMaxVersion = 124;
inline constexpr long kModePartialWrite = 1, kModeMovingBuffer = 2, kModeReleaseBuffers = 0x10;
inline constexpr int kTls13 = 0x0304;
inline constexpr uint64_t kIgnoreUnexpectedEof = uint64_t{1} << 7;
inline constexpr uint64_t kServerPreference = uint64_t{1} << 22;
inline constexpr int kVerifyPeer = 1, kVerifyFailIfNone = 2;
inline constexpr int kFileTypePem = 1;
inline constexpr int kKeyUpdateNotRequested = 0;
inline constexpr int kErrorSsl = 1, kErrorWantRead = 2, kErrorWantWrite = 3, kErrorSyscall = 5,
                     kErrorZeroReturn = 6;
inline constexpr int kAlertReasons = 1000;  // SSL_AD_REASON_OFFSET: the reason of an alert that came
inline constexpr int kNoPeerCertificate = 199, kWrongVersion = 267, kHttpRequest = 156;
inline constexpr int kSubjectAltName = 85, kBasicConstraints = 87, kKeyUsage = 83, kExtKeyUsage = 126,
                     kSubjectKeyId = 82, kAuthorityKeyId = 90;
inline constexpr int kDnsName = 2, kUri = 6;  // of a GENERAL_NAME
inline constexpr int kOctetString = 4;
inline constexpr int kUtf8 = 0x1000;  // MBSTRING_UTF8
inline constexpr int kExpired = 10, kNotYetValid = 9, kUnknownIssuer = 20, kSelfSigned = 18,
                     kSelfSignedInChain = 19, kUnverifiableLeaf = 21, kInvalidPurpose = 26, kBadSignature = 7;
}  // namespace ossl

// Null, and `why` says what is missing and what to do, where there is no OpenSSL 3.
[[nodiscard]] const OpenSsl* find_openssl(std::string* why);

// Frees what it holds by the function of that name.
#define TINE_OPENSSL_PTR(alias, type, free_name)                                     \
  struct alias##Deleter {                                                            \
    void operator()(type* p) const noexcept { find_openssl(nullptr)->free_name(p); } \
  };                                                                                 \
  using alias = std::unique_ptr<type, alias##Deleter>;
TINE_OPENSSL_PTR(SslContextPtr, ssl_ctx_st, SSL_CTX_free)
TINE_OPENSSL_PTR(SslPtr, ssl_st, SSL_free)
TINE_OPENSSL_PTR(X509Ptr, x509_st, X509_free)
TINE_OPENSSL_PTR(BioPtr, bio_st, BIO_free)
TINE_OPENSSL_PTR(KeyPtr, evp_pkey_st, EVP_PKEY_free)
#undef TINE_OPENSSL_PTR

}  // namespace tine
