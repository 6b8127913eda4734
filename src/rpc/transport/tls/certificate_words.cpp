#include "src/rpc/transport/tls/certificate_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "src/base/certificates.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kWorkerUri = "tine:worker/";
constexpr size_t kMostNames = 5;  // in one message

std::string oneline(const OpenSsl& ssl, const X509_name_st* name) {
  std::array<char, 256> text{};
  return name && ssl.X509_NAME_oneline(name, text.data(), text.size()) ? text.data() : "";
}

std::time_t time_of(const OpenSsl& ssl, const asn1_string_st* time) {
  tm parts{};
  return time && ssl.ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

// Control characters and what is not ASCII are escaped: a stranger wrote it.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 200)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", byte);
    }
  }
  return result;
}

}  // namespace

CertificateFacts CertificateFacts::of(const OpenSsl& ssl, const x509_st* certificate) {
  CertificateFacts facts;
  if (!certificate) return facts;
  facts.subject = oneline(ssl, ssl.X509_get_subject_name(certificate));
  facts.issuer = oneline(ssl, ssl.X509_get_issuer_name(certificate));
  facts.from = time_of(ssl, ssl.X509_get0_notBefore(certificate));
  facts.until = time_of(ssl, ssl.X509_get0_notAfter(certificate));
  auto* const names =
      static_cast<stack_st*>(ssl.X509_get_ext_d2i(certificate, ossl::kSubjectAltName, nullptr, nullptr));
  for (int i = 0; names && i < ssl.OPENSSL_sk_num(names); ++i) {
    int kind = -1;
    const auto* const value = static_cast<const asn1_string_st*>(ssl.GENERAL_NAME_get0_value(
        static_cast<const GENERAL_NAME_st*>(ssl.OPENSSL_sk_value(names, i)), &kind));
    if (kind != ossl::kUri && kind != ossl::kDnsName) continue;
    const auto* const data = reinterpret_cast<const char*>(ssl.ASN1_STRING_get0_data(value));
    std::string text(data, static_cast<size_t>(ssl.ASN1_STRING_length(value)));
    (kind == ossl::kUri ? facts.uris : facts.hosts).push_back(std::move(text));
  }
  if (names)
    ssl.OPENSSL_sk_pop_free(names, [](void* name) {
      find_openssl(nullptr)->GENERAL_NAME_free(static_cast<GENERAL_NAME_st*>(name));
    });
  return facts;
}

std::string CertificateFacts::describe() const {
  std::string names;
  size_t n = 0;
  const auto add = [&](std::string_view kind, std::string_view name) {
    if (++n <= kMostNames) names += fmt::format("{}{} {}", names.empty() ? "" : ", ", kind, printable(name));
  };
  for (const std::string& uri : uris) {
    if (uri == kAnyWorkerUri) {
      add("every", "worker");
    } else if (uri.starts_with(kWorkerUri)) {
      add("worker", std::string_view(uri).substr(kWorkerUri.size()));
    } else {
      add("URI", uri);
    }
  }
  for (const std::string& host : hosts) add("host", host);
  if (n > kMostNames) names += fmt::format(" and {} more", n - kMostNames);
  return fmt::format("{}, issued by {}", names.empty() ? printable(subject) : "for " + names,
                     printable(issuer));
}

bool CertificateFacts::is_for(std::string_view worker) const {
  const std::string uri = worker_uri(worker);
  return std::any_of(uris.begin(), uris.end(),
                     [&](const std::string& u) { return u == uri || u == kAnyWorkerUri; }) ||
         std::find(hosts.begin(), hosts.end(), worker) != hosts.end();
}

std::string date_text(std::time_t time) {
  tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  static_cast<void>(std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts));
  return text.data();
}

std::string words_for_refusal(const OpenSsl& ssl, int code, const CertificateFacts& facts,
                              std::string_view ca, std::time_t now) {
  const std::string which = fmt::format("its certificate ({})", facts.describe());
  switch (code) {
    case ossl::kExpired:
      return fmt::format("{} expired on {}, and the clock here says {}: give it a new one (`tine keys`)",
                         which, date_text(facts.until), date_text(now));
    case ossl::kNotYetValid:
      return fmt::format(
          "{} is not valid before {}, and the clock here says {}: set the clock of the machine that is "
          "wrong, or make a certificate that is valid earlier",
          which, date_text(facts.from), date_text(now));
    case ossl::kUnknownIssuer:
    case ossl::kSelfSigned:
    case ossl::kSelfSignedInChain:
    case ossl::kUnverifiableLeaf:
    case ossl::kBadSignature:
      return fmt::format(
          "{} does not come from an authority in {}: give all workers certificates of one authority, and "
          "that "
          "authority's certificate as ca (TINE_TLS_CA)",
          which, ca);
    case ossl::kInvalidPurpose:
      return fmt::format(
          "{} is not made for both ends of a connection: where it has an extended key usage, that must list "
          "serverAuth and clientAuth",
          which);
    default: return fmt::format("{} was refused: {}", which, ssl.X509_verify_cert_error_string(code));
  }
}

std::string words_for_alert(int alert, std::string_view ours) {
  std::string_view why;
  switch (alert) {
    case 42: why = "it is not valid yet by the other side's clock, or is damaged"; break;
    case 43: why = "its extended key usage does not list serverAuth and clientAuth"; break;
    case 44: why = "it has been revoked"; break;
    case 45: why = "it has expired by the other side's clock"; break;
    case 46: why = "the other side did not say why; its log may"; break;
    case 48: why = "it does not come from an authority in the other side's ca (TINE_TLS_CA)"; break;
    case 70: return "does not speak TLS 1.3";
    case 116: return "demands a certificate of us";
    default: return fmt::format("ended the TLS handshake with alert {}", alert);
  }
  return fmt::format("refused our certificate {}: {}", ours, why);
}

}  // namespace tine::rpc
