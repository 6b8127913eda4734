#include "src/base/certificates.h"

#include <array>
#include <stdexcept>
#include <vector>

#include "src/base/openssl.h"
#include "src/base/random.h"

namespace tine {
namespace {

using Der = std::vector<unsigned char>;

const OpenSsl& ssl() {
  std::string why;
  if (const OpenSsl* const found = find_openssl(&why)) return *found;
  throw std::runtime_error(why);
}

void require(bool ok, std::string_view what) {
  if (ok) return;
  const char* const reason = ssl().ERR_reason_error_string(ssl().ERR_get_error());
  throw std::runtime_error("OpenSSL cannot " + std::string(what) +
                           (reason ? std::string(": ") + reason : ""));
}

// X.690: tag, length, contents.
void add(Der& out, unsigned char tag, std::span<const unsigned char> contents) {
  out.push_back(tag);
  const size_t n = contents.size();
  if (n < 0x80) {
    out.push_back(static_cast<unsigned char>(n));
  } else {
    Der length;
    for (size_t left = n; left != 0; left >>= 8)
      length.insert(length.begin(), static_cast<unsigned char>(left & 0xff));
    out.push_back(static_cast<unsigned char>(0x80 | length.size()));
    out.insert(out.end(), length.begin(), length.end());
  }
  out.insert(out.end(), contents.begin(), contents.end());
}

constexpr unsigned char kSequence = 0x30, kOctets = 0x04, kContext = 0x80;

struct StringDeleter {
  void operator()(asn1_string_st* p) const { ssl().ASN1_STRING_free(p); }
};
struct ExtensionDeleter {
  void operator()(X509_extension_st* p) const { ssl().X509_EXTENSION_free(p); }
};
struct NumberDeleter {
  void operator()(bignum_st* p) const { ssl().BN_free(p); }
};

void extend(x509_st* cert, int extension, bool critical, const Der& value) {
  const std::unique_ptr<asn1_string_st, StringDeleter> octets(ssl().ASN1_STRING_type_new(ossl::kOctetString));
  require(octets && ssl().ASN1_STRING_set(octets.get(), value.data(), static_cast<int>(value.size())) == 1,
          "write an extension");
  const std::unique_ptr<X509_extension_st, ExtensionDeleter> made(
      ssl().X509_EXTENSION_create_by_NID(nullptr, extension, critical ? 1 : 0, octets.get()));
  require(made && ssl().X509_add_ext(cert, made.get(), -1) == 1, "add an extension");
}

KeyPtr fresh_key() {
  KeyPtr key(ssl().EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  require(key != nullptr, "make a key of the curve P-256");
  return key;
}

X509Ptr fresh_certificate(evp_pkey_st* key, const std::string& name, Validity validity) {
  X509Ptr cert(ssl().X509_new());
  require(cert && ssl().X509_set_version(cert.get(), 2) == 1 && ssl().X509_set_pubkey(cert.get(), key) == 1,
          "make a certificate");
  std::array<std::byte, 16> serial;
  require(random_bytes(serial), "get random bytes");
  serial[0] = (serial[0] & std::byte{0x7f}) | std::byte{0x40};  // positive, and of 16 bytes
  const std::unique_ptr<bignum_st, NumberDeleter> number(ssl().BN_bin2bn(
      reinterpret_cast<const unsigned char*>(serial.data()), static_cast<int>(serial.size()), nullptr));
  require(number && ssl().BN_to_ASN1_INTEGER(number.get(), ssl().X509_get_serialNumber(cert.get())),
          "number a certificate");
  require(ssl().ASN1_TIME_set(ssl().X509_getm_notBefore(cert.get()), validity.from) &&
              ssl().ASN1_TIME_set(ssl().X509_getm_notAfter(cert.get()), validity.until),
          "date a certificate");
  require(ssl().X509_NAME_add_entry_by_txt(ssl().X509_get_subject_name(cert.get()), "CN", ossl::kUtf8,
                                           reinterpret_cast<const unsigned char*>(name.data()),
                                           static_cast<int>(name.size()), -1, 0) == 1,
          "name a certificate");
  return cert;
}

// What says whose key it is: 160 bits of its hash.
Der key_id(const x509_st* cert) {
  std::array<unsigned char, 64> digest;
  unsigned int size = 0;
  require(ssl().X509_pubkey_digest(cert, ssl().EVP_sha256(), digest.data(), &size) == 1, "hash a key");
  return {digest.begin(), digest.begin() + 20};
}

void add_key_ids(x509_st* cert, const x509_st* authority) {
  Der subject, issuer, issuer_id;
  add(subject, kOctets, key_id(cert));
  extend(cert, ossl::kSubjectKeyId, false, subject);
  add(issuer_id, kContext, key_id(authority));
  add(issuer, kSequence, issuer_id);
  extend(cert, ossl::kAuthorityKeyId, false, issuer);
}

std::string all_of(bio_st* memory) {
  std::string text;
  std::array<char, 4096> part;
  for (int n; (n = ssl().BIO_read(memory, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<size_t>(n));
  wipe(std::as_writable_bytes(std::span(part)));
  return text;
}

Certificate signed_by(evp_pkey_st* signer, x509_st* cert, evp_pkey_st* key) {
  require(ssl().X509_sign(cert, signer, ssl().EVP_sha256()) > 0, "sign a certificate");
  Certificate made;
  const BioPtr as_cert(ssl().BIO_new(ssl().BIO_s_mem())), as_key(ssl().BIO_new(ssl().BIO_s_mem()));
  require(
      as_cert && as_key && ssl().PEM_write_bio_X509(as_cert.get(), cert) == 1 &&
          ssl().PEM_write_bio_PKCS8PrivateKey(as_key.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
      "write a certificate");
  made.cert = all_of(as_cert.get());
  made.key = all_of(as_key.get());
  return made;
}

int no_password(char*, int, int, void*) { return 0; }

}  // namespace

std::string worker_uri(std::string_view name) {
  std::string uri = "tine:worker/";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~:").find(c) != std::string_view::npos;
    if (plain) {
      uri += c;
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return uri;
}

Certificate make_authority(Validity validity) {
  std::array<char, 64> digits;
  require(random_hex(digits), "get random bytes");
  const KeyPtr key = fresh_key();
  // A name of its own: a certificate says which of several authorities it is from.
  const X509Ptr cert =
      fresh_certificate(key.get(), "tine authority " + std::string(digits.data(), 8), validity);
  require(ssl().X509_set_issuer_name(cert.get(), ssl().X509_get_subject_name(cert.get())) == 1,
          "name an authority");
  extend(cert.get(), ossl::kBasicConstraints, true,
         {0x30, 6, 1, 1, 0xff, 2, 1, 0});                   // an authority, of no other
  extend(cert.get(), ossl::kKeyUsage, true, {3, 2, 1, 6});  // signs certificates and lists
  add_key_ids(cert.get(), cert.get());
  return signed_by(key.get(), cert.get(), key.get());
}

Certificate make_certificate(const Certificate& authority, std::span<const std::string> workers,
                             Validity validity) {
  const BioPtr cert_in(ssl().BIO_new_mem_buf(authority.cert.data(), static_cast<int>(authority.cert.size())));
  const BioPtr key_in(ssl().BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
  require(cert_in && key_in, "read the authority");
  const X509Ptr issuer(ssl().PEM_read_bio_X509(cert_in.get(), nullptr, no_password, nullptr));
  require(issuer != nullptr, "read the authority's certificate");
  const KeyPtr signer(ssl().PEM_read_bio_PrivateKey(key_in.get(), nullptr, no_password, nullptr));
  require(signer != nullptr, "read the authority's key");

  const KeyPtr key = fresh_key();
  const X509Ptr cert = fresh_certificate(key.get(), "tine worker", validity);
  require(ssl().X509_set_issuer_name(cert.get(), ssl().X509_get_subject_name(issuer.get())) == 1,
          "name an issuer");
  Der names, list;
  for (const std::string& worker : workers) {
    const std::string uri = worker == "*" ? std::string(kAnyWorkerUri) : worker_uri(worker);
    add(names, kContext | ossl::kUri,
        std::span(reinterpret_cast<const unsigned char*>(uri.data()), uri.size()));
  }
  add(list, kSequence, names);
  extend(cert.get(), ossl::kSubjectAltName, false, list);
  extend(cert.get(), ossl::kBasicConstraints, true, {0x30, 0});
  extend(cert.get(), ossl::kKeyUsage, true, {3, 2, 7, 0x80});  // signs handshakes
  // At either end of a connection: id-kp-serverAuth, id-kp-clientAuth.
  extend(cert.get(), ossl::kExtKeyUsage, false,
         {0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2});
  add_key_ids(cert.get(), issuer.get());
  return signed_by(signer.get(), cert.get(), key.get());
}

}  // namespace tine
