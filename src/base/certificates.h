// Certificates for workers, and an authority that signs them: what `tine keys` makes (docs/security.md).
//
// Keys are of the curve P-256; certificates are X.509 version 3 (RFC 5280), signed with ECDSA and SHA-256. What a certificate
// says is in its subject alternative names alone: one URI for each worker that it stands for. Without libtine: errors are
// std::runtime_errors.
#pragma once

#include <ctime>
#include <span>
#include <string>
#include <string_view>

namespace tine {

// In PEM.
struct Certificate {
  std::string cert;
  std::string key;  // PKCS 8, not encrypted
};

struct Validity {
  std::time_t from = 0, until = 0;
};

// "tine:worker/w1". What is not a letter, a digit or one of -._~: is percent-encoded.
[[nodiscard]] std::string worker_uri(std::string_view name);
// Stands for every worker.
inline constexpr std::string_view kAnyWorkerUri = "tine:worker/*";

[[nodiscard]] Certificate make_authority(Validity validity);
// For the workers of these names; "*" is every worker.
[[nodiscard]] Certificate make_certificate(const Certificate& authority, std::span<const std::string> workers,
                                           Validity validity);

}  // namespace tine
