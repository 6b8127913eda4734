// TlsOptions: the files that make a worker's TCP connections encrypted, by TLS 1.3. For rpc::JoinOptions and RawNodeOptions.
//
//   tine::rpc::TlsOptions tls{.cert = "w1.pem", .key = "w1.key", .ca = "ca.pem"};  // JoinOptions::tls
//
// `tine keys` makes such files. docs/security.md says what is checked.
#pragma once

#include <string>

namespace tine::rpc {

// Paths of files in PEM. All three, or none: then those that TINE_TLS_CERT, TINE_TLS_KEY and TINE_TLS_CA name in the
// environment; where these are not set either, TCP is plain text.
struct TlsOptions {
  std::string cert{};  // this worker's certificate, followed by those between it and `ca`
  std::string key{};   // its private key, which no other user may read
  std::string ca{};    // the authorities that other workers' certificates must come from

  [[nodiscard]] bool empty() const noexcept { return cert.empty() && key.empty() && ca.empty(); }
};

}  // namespace tine::rpc
