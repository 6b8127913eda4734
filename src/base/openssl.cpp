#include "src/base/openssl.h"

#include <dlfcn.h>

namespace tine {
namespace {

struct Loaded {
  OpenSsl table;
  std::string missing;  // what of it could not be had; empty: all is there
};

Loaded load() {
  Loaded loaded;
  // One that the process has already, such as Python's, is that one.
  void* const library = ::dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* const why = ::dlerror();
    loaded.missing = why ? why : "libssl.so.3 cannot be loaded";
    return loaded;
  }
  // What libssl needs is searched, too: libcrypto.
  const auto find = [&](const char* name) {
    void* const found = ::dlsym(library, name);
    if (!found && loaded.missing.empty()) loaded.missing = std::string("libssl.so.3 has no ") + name;
    return found;
  };
  OpenSsl& t = loaded.table;
#define TINE_OPENSSL_FIND(name, result, parameters) t.name = reinterpret_cast<decltype(t.name)>(find(#name));
  TINE_OPENSSL_FUNCTIONS(TINE_OPENSSL_FIND)
#undef TINE_OPENSSL_FIND
  t.EVP_PKEY_Q_keygen = reinterpret_cast<decltype(t.EVP_PKEY_Q_keygen)>(find("EVP_PKEY_Q_keygen"));
  t.PEM_write_bio_PKCS8PrivateKey =
      reinterpret_cast<decltype(t.PEM_write_bio_PKCS8PrivateKey)>(find("PEM_write_bio_PKCS8PrivateKey"));
  // Its handlers at exit would take its memory from under threads that still end their connections.
  if (loaded.missing.empty()) t.OPENSSL_init_crypto(ossl::kNoAtExit, nullptr);
  return loaded;
}

}  // namespace

const OpenSsl* find_openssl(std::string* why) {
  static const Loaded& loaded = *new Loaded(load());
  if (loaded.missing.empty()) return &loaded.table;
  if (why) {
    *why = "TLS needs OpenSSL 3 on this machine, and it cannot be loaded (" + loaded.missing +
           "): install it (Debian, Ubuntu: apt install libssl3; RHEL: dnf install openssl-libs)";
  }
  return nullptr;
}

}  // namespace tine
