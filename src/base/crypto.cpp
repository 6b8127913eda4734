#include "src/base/crypto.h"

#ifdef TINE_SODIUM
#include <crypto_auth_hmacsha256.h>
#include <crypto_hash_sha256.h>
#include <crypto_verify_32.h>

#include <cstdlib>
#else
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#endif

#include "src/base/random.h"
#include "tine/error.h"

namespace tine {
namespace {

const unsigned char* plain(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* plain(Sha256& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace

#ifdef TINE_SODIUM

Sha256 sha256(std::span<const std::byte> text) {
  Sha256 digest;
  crypto_hash_sha256(plain(digest), plain(text), text.size());
  return digest;
}

Sha256 hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> text) {
  Sha256 mac;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, plain(key), key.size());
  crypto_auth_hmacsha256_update(&state, plain(text), text.size());
  crypto_auth_hmacsha256_final(&state, plain(mac));
  wipe(std::as_writable_bytes(std::span(&state, 1)));  // it is worth as much as the key
  return mac;
}

bool same_in_constant_time(std::span<const std::byte, 32> a, std::span<const std::byte, 32> b) noexcept {
  return crypto_verify_32(plain(a), plain(b)) == 0;
}

#else

Sha256 sha256(std::span<const std::byte> text) {
  Sha256 digest;
  if (EVP_Digest(text.data(), text.size(), plain(digest), nullptr, EVP_sha256(), nullptr) != 1) {
    throw Error("OpenSSL has no SHA-256");
  }
  return digest;
}

Sha256 hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> text) {
  Sha256 mac;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), plain(text), text.size(), plain(mac),
            nullptr)) {
    throw Error("OpenSSL has no HMAC of SHA-256");
  }
  return mac;
}

bool same_in_constant_time(std::span<const std::byte, 32> a, std::span<const std::byte, 32> b) noexcept {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

#endif

}  // namespace tine

#ifdef TINE_SODIUM
// Parts of libsodium that the built ones name and that none of the functions above comes to.
extern "C" {
void sodium_misuse() { std::abort(); }
void randombytes_buf(void* const, const size_t) { std::abort(); }
}
#endif
