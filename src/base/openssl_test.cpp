// What src/base/openssl.h declares, against OpenSSL's own headers, where this build has them.
#include "src/base/openssl.h"

#include <gtest/gtest.h>

#if !defined(TINE_SODIUM) && __has_include(<openssl/ssl.h>)
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <type_traits>

namespace tine {
namespace {

#define TINE_OPENSSL_SAME(name, result, parameters) \
  static_assert(std::is_same_v<decltype(OpenSsl::name), decltype(&::name)>, #name);
TINE_OPENSSL_FUNCTIONS(TINE_OPENSSL_SAME)
#undef TINE_OPENSSL_SAME

static_assert(ossl::kNoAtExit == OPENSSL_INIT_NO_ATEXIT);
static_assert(ossl::kBioTypeSourceSink == BIO_TYPE_SOURCE_SINK);
static_assert(ossl::kBioShouldRetry == BIO_FLAGS_SHOULD_RETRY && ossl::kBioRead == BIO_FLAGS_READ);
static_assert(ossl::kBioFlagsRetry == (BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY));
static_assert(ossl::kBioCtrlFlush == BIO_CTRL_FLUSH);
static_assert(ossl::kCtrlMode == SSL_CTRL_MODE && ossl::kCtrlSessionCache == SSL_CTRL_SET_SESS_CACHE_MODE);
static_assert(ossl::kCtrlMinVersion == SSL_CTRL_SET_MIN_PROTO_VERSION);
static_assert(ossl::kCtrlMaxVersion == SSL_CTRL_SET_MAX_PROTO_VERSION);
static_assert(ossl::kModePartialWrite == SSL_MODE_ENABLE_PARTIAL_WRITE);
static_assert(ossl::kModeMovingBuffer == SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
static_assert(ossl::kModeReleaseBuffers == SSL_MODE_RELEASE_BUFFERS);
static_assert(ossl::kTls13 == TLS1_3_VERSION);
static_assert(ossl::kIgnoreUnexpectedEof == SSL_OP_IGNORE_UNEXPECTED_EOF);
static_assert(ossl::kServerPreference == SSL_OP_CIPHER_SERVER_PREFERENCE);
static_assert(ossl::kVerifyPeer == SSL_VERIFY_PEER &&
              ossl::kVerifyFailIfNone == SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
static_assert(ossl::kFileTypePem == SSL_FILETYPE_PEM &&
              ossl::kKeyUpdateNotRequested == SSL_KEY_UPDATE_NOT_REQUESTED);
static_assert(ossl::kErrorSsl == SSL_ERROR_SSL && ossl::kErrorWantRead == SSL_ERROR_WANT_READ);
static_assert(ossl::kErrorWantWrite == SSL_ERROR_WANT_WRITE && ossl::kErrorSyscall == SSL_ERROR_SYSCALL);
static_assert(ossl::kErrorZeroReturn == SSL_ERROR_ZERO_RETURN);
static_assert(ossl::kAlertReasons == SSL_AD_REASON_OFFSET &&
              ossl::kWrongVersion == SSL_R_WRONG_VERSION_NUMBER);
static_assert(ossl::kNoPeerCertificate == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
static_assert(ossl::kHttpRequest == SSL_R_HTTP_REQUEST);
static_assert(ossl::kSubjectAltName == NID_subject_alt_name &&
              ossl::kBasicConstraints == NID_basic_constraints);
static_assert(ossl::kKeyUsage == NID_key_usage && ossl::kExtKeyUsage == NID_ext_key_usage);
static_assert(ossl::kSubjectKeyId == NID_subject_key_identifier);
static_assert(ossl::kAuthorityKeyId == NID_authority_key_identifier);
static_assert(ossl::kDnsName == GEN_DNS && ossl::kUri == GEN_URI &&
              ossl::kOctetString == V_ASN1_OCTET_STRING);
static_assert(ossl::kUtf8 == MBSTRING_UTF8);
static_assert(ossl::kExpired == X509_V_ERR_CERT_HAS_EXPIRED &&
              ossl::kNotYetValid == X509_V_ERR_CERT_NOT_YET_VALID);
static_assert(ossl::kUnknownIssuer == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
static_assert(ossl::kSelfSigned == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
static_assert(ossl::kSelfSignedInChain == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
static_assert(ossl::kUnverifiableLeaf == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
static_assert(ossl::kInvalidPurpose == X509_V_ERR_INVALID_PURPOSE);
static_assert(ossl::kBadSignature == X509_V_ERR_CERT_SIGNATURE_FAILURE);

}  // namespace
}  // namespace tine
#endif

namespace tine {
namespace {

TEST(OpenSslLibrary, IsLoadedOnceAndHasAllThatIsAskedOfIt) {
  std::string why;
  const OpenSsl* const found = find_openssl(&why);
  ASSERT_NE(found, nullptr) << why;
  EXPECT_EQ(found, find_openssl(nullptr));
  EXPECT_NE(found->SSL_CTX_new, nullptr);
}

}  // namespace
}  // namespace tine
