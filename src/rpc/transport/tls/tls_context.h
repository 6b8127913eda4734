// TlsContext: a worker's certificate, its key, and the authorities whose certificates it takes of others, as all its TLS
// connections use them. It is immutable, and any thread may use it.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/openssl.h"
#include "tine/tls.h"

namespace tine::rpc {

// `given`, or what the environment names where nothing is given (include/tine/tls.h). ValueError where a part is missing.
[[nodiscard]] TlsOptions tls_options(TlsOptions given);

class TlsContext {
 public:
  // For the worker of that name. AuthError that names the file, what is wrong with it and what to do: it cannot be read, the
  // key is another certificate's or others may read it, the certificate is not for this worker, or out of date; and where
  // there is no OpenSSL. `clock`, for tests, is the time at which certificates are looked at.
  [[nodiscard]] static std::shared_ptr<const TlsContext> load(const TlsOptions& options,
                                                              std::string_view worker,
                                                              std::optional<std::time_t> clock = {});

  [[nodiscard]] const OpenSsl& ssl() const noexcept { return ssl_; }
  [[nodiscard]] ssl_ctx_st* get() const noexcept { return context_.get(); }
  // Our certificate, as messages call it.
  [[nodiscard]] const std::string& ours() const noexcept { return ours_; }
  [[nodiscard]] const std::string& ca() const noexcept { return options_.ca; }
  [[nodiscard]] std::time_t now() const noexcept { return clock_ ? *clock_ : std::time(nullptr); }

 private:
  TlsContext(const OpenSsl& ssl, TlsOptions options, std::optional<std::time_t> clock);
  void load_files();
  void check_own(std::string_view worker);

  const OpenSsl& ssl_;
  const TlsOptions options_;
  const std::optional<std::time_t> clock_;
  SslContextPtr context_;
  std::string ours_;
};

}  // namespace tine::rpc
