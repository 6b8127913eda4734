#include "src/rpc/transport/tls/tls_context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "src/base/fd.h"
#include "src/rpc/transport/tls/certificate_words.h"
#include "src/rpc/transport/tls/tls_channel.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kMakeKeys = "`tine keys` makes an authority and certificates";
// By what AES and GHASH are on processors with instructions for them, which OpenSSL uses.
constexpr const char* kCiphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

// OpenSSL would say less: that it is there, and may be read here.
void check_file(std::string_view what, const std::string& path, bool is_secret) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    throw AuthError(
        fmt::format("the {} file {} cannot be opened: {}; {}", what, path, std::strerror(errno), kMakeKeys));
  }
  if (!S_ISREG(info.st_mode))
    throw AuthError(fmt::format("the {} file {} is not a regular file", what, path));
  if (is_secret && (info.st_mode & 07) != 0) {
    throw AuthError(
        fmt::format("the {} file {} may be read by every user of this machine (mode {:04o}): whoever can "
                    "read it can take "
                    "this worker's place; make a new one, or `chmod 600` it if nobody has",
                    what, path, info.st_mode & 07777));
  }
}

const char* variable(const char* text) { return text ? text : ""; }

int no_password(char*, int, int, void*) { return 0; }

}  // namespace

TlsOptions tls_options(TlsOptions given) {
  const bool from_environment = given.empty();
  if (from_environment) {
    given.cert = variable(std::getenv("TINE_TLS_CERT"));
    given.key = variable(std::getenv("TINE_TLS_KEY"));
    given.ca = variable(std::getenv("TINE_TLS_CA"));
    if (given.empty()) return given;
  }
  std::string missing;
  const auto need = [&](const std::string& value, std::string_view variable, std::string_view field) {
    if (value.empty())
      missing += fmt::format("{}{}", missing.empty() ? "" : " and ", from_environment ? variable : field);
  };
  need(given.cert, "TINE_TLS_CERT", "cert");
  need(given.key, "TINE_TLS_KEY", "key");
  need(given.ca, "TINE_TLS_CA", "ca");
  if (!missing.empty()) {
    throw ValueError(
        fmt::format("TLS needs a certificate, its key and the certificate of the authority, all three: {} {} "
                    "not set{}; {}",
                    missing, missing.find(' ') == std::string::npos ? "is" : "are",
                    from_environment ? " in the environment" : "", kMakeKeys));
  }
  return given;
}

TlsContext::TlsContext(const OpenSsl& ssl, TlsOptions options, std::optional<std::time_t> clock)
    : ssl_(ssl), options_(std::move(options)), clock_(clock), context_(ssl.SSL_CTX_new(ssl.TLS_method())) {
  if (!context_) throw std::bad_alloc();
}

std::shared_ptr<const TlsContext> TlsContext::load(const TlsOptions& options, std::string_view worker,
                                                   std::optional<std::time_t> clock) {
  std::string why;
  const OpenSsl* const ssl = find_openssl(&why);
  if (!ssl) throw AuthError(why);
  const std::shared_ptr<TlsContext> made(new TlsContext(*ssl, options, clock));
  ssl_ctx_st* const context = made->context_.get();
  ssl->SSL_CTX_ctrl(context, ossl::kCtrlMinVersion, ossl::kTls13, nullptr);
  ssl->SSL_CTX_ctrl(context, ossl::kCtrlMaxVersion, ossl::kTls13, nullptr);
  ssl->SSL_CTX_set_ciphersuites(context, kCiphers);
  ssl->SSL_CTX_ctrl(context, ossl::kCtrlMode,
                    ossl::kModePartialWrite | ossl::kModeMovingBuffer | ossl::kModeReleaseBuffers, nullptr);
  // What ends a conversation is a goodbye, which is encrypted. A stream that ends without is "died", however it ends.
  ssl->SSL_CTX_set_options(context, ossl::kIgnoreUnexpectedEof | ossl::kServerPreference);
  // Every connection proves itself anew.
  ssl->SSL_CTX_set_num_tickets(context, 0);
  ssl->SSL_CTX_ctrl(context, ossl::kCtrlSessionCache, 0, nullptr);
  ssl->SSL_CTX_set_verify(context, ossl::kVerifyPeer | ossl::kVerifyFailIfNone, &TlsChannel::on_verified);
  ssl->SSL_CTX_set_default_passwd_cb(context, no_password);  // else it asks the terminal
  if (clock) ssl->X509_VERIFY_PARAM_set_time(ssl->SSL_CTX_get0_param(context), *clock);
  made->load_files();
  made->check_own(worker);
  return made;
}

void TlsContext::load_files() {
  check_file("certificate", options_.cert, false);
  check_file("key", options_.key, true);
  check_file("authority", options_.ca, false);
  ssl_.ERR_clear_error();
  const auto bad = [this](std::string_view what, const std::string& path, std::string_view expected) {
    const char* const reason = ssl_.ERR_reason_error_string(ssl_.ERR_get_error());
    throw AuthError(fmt::format("the {} file {} cannot be used ({}): expected {}; {}", what, path,
                                reason ? reason : "no reason given", expected, kMakeKeys));
  };
  if (ssl_.SSL_CTX_use_certificate_chain_file(context_.get(), options_.cert.c_str()) != 1)
    bad("certificate", options_.cert, "certificates in PEM, this worker's first");
  if (ssl_.SSL_CTX_use_PrivateKey_file(context_.get(), options_.key.c_str(), ossl::kFileTypePem) != 1)
    bad("key", options_.key, fmt::format("the private key of {} in PEM, without a password", options_.cert));
  if (ssl_.SSL_CTX_check_private_key(context_.get()) != 1)
    bad("key", options_.key, fmt::format("the private key of {}", options_.cert));
  if (ssl_.SSL_CTX_load_verify_file(context_.get(), options_.ca.c_str()) != 1)
    bad("authority", options_.ca, "certificates of authorities in PEM");
}

void TlsContext::check_own(std::string_view worker) {
  const CertificateFacts facts = CertificateFacts::of(ssl_, ssl_.SSL_CTX_get0_certificate(context_.get()));
  ours_ = fmt::format("{} ({})", options_.cert, facts.describe());
  if (!facts.is_for(worker)) {
    throw AuthError(
        fmt::format("the certificate {} is not for worker '{}': others would refuse it; `tine keys FOLDER "
                    "{}` makes one that "
                    "is",
                    ours_, worker, worker));
  }
  if (now() > facts.until) {
    throw AuthError(fmt::format("the certificate {} expired on {}: make a new one (`tine keys`)", ours_,
                                date_text(facts.until)));
  }
  if (now() < facts.from) {
    throw AuthError(fmt::format(
        "the certificate {} is not valid before {}, and the clock of this machine says {}: set the clock, or "
        "make a certificate that is valid earlier",
        ours_, date_text(facts.from), date_text(now())));
  }
}

}  // namespace tine::rpc
