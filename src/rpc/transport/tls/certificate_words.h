// CertificateFacts: what a certificate says, and sentences about what is wrong with one (RFC 5280, RFC 8446 section 6.2).
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/openssl.h"

namespace tine::rpc {

struct CertificateFacts {
  std::vector<std::string> uris, hosts;  // its subject alternative names
  std::string subject, issuer;           // "/CN=tine worker"
  std::time_t from = 0, until = 0;

  // Of null: one that says nothing.
  [[nodiscard]] static CertificateFacts of(const OpenSsl& ssl, const x509_st* certificate);
  // "for worker w1, issued by /CN=tine authority 0a1b"
  [[nodiscard]] std::string describe() const;
  // Whether it stands for the worker of that name: by a URI tine:worker/NAME or tine:worker/*, or by NAME as a DNS name.
  [[nodiscard]] bool is_for(std::string_view worker) const;
};

// "2026-01-31 12:00 UTC"
[[nodiscard]] std::string date_text(std::time_t time);

// Of another worker's certificate, which X509_verify_cert refused with that code. `ca`: the file of authorities.
[[nodiscard]] std::string words_for_refusal(const OpenSsl& ssl, int code, const CertificateFacts& facts,
                                            std::string_view ca, std::time_t now);
// Of the TLS alert of that number that the other side sent. `ours`: our certificate, as messages call it.
[[nodiscard]] std::string words_for_alert(int alert, std::string_view ours);

}  // namespace tine::rpc
