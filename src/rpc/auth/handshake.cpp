#include "src/rpc/auth/handshake.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "src/base/crypto.h"
#include "src/base/random.h"
#include "src/rpc/wire/frame.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kLabel = "tine-rpc-proof-1";
// A process that offers kRawCalls and one that does not cannot talk to each other.
std::string_view words_for_kind(bool raw_calls) noexcept {
  return raw_calls ? "a node of raw calls (PyTorch's RPC with tine as its backend)"
                   : "an agent of tine's own RPC (tine.rpc.init_rpc)";
}

constexpr std::string_view kSameSecret =
    "give both processes the same TINE_AUTH_KEY, or let both use the key file of the same user";

Nonce random_nonce() {
  Nonce nonce;
  if (!random_bytes(nonce)) throw AuthError("the system gave no random bytes for a handshake");
  return nonce;
}

}  // namespace

Handshake::Handshake(Config config) : config_(std::move(config)) {
  if (config_.name.empty() || config_.name.size() > kMaxNameBytes) {
    throw ValueError(fmt::format("a worker's name has 1 to {} bytes, '{}' has {}", kMaxNameBytes,
                                 config_.name, config_.name.size()));
  }
  if (config_.incarnation == 0) throw ValueError("a worker's incarnation must not be 0");
  if (!config_.secret) throw AuthError("a worker needs a secret to talk to others: see Secret::load");
  if (initiator()) {
    const RecordHead head{RecordType::kHello, RefusalCode::kNone, config_.low_version, config_.high_version,
                          0};
    hello_ = make_hello(head, config_.incarnation, random_nonce(), config_.name, config_.features);
    put(hello_);
    waits_for_ = RecordType::kChallenge;
  } else {
    waits_for_ = RecordType::kHello;
  }
}

std::string Handshake::who() const {
  const std::string named =
      peer_name_.empty() ? config_.address : fmt::format("'{}' at {}", peer_name_, config_.address);
  return initiator() ? fmt::format("{} (acceptor; we are the initiator '{}')", named, config_.name)
                     : fmt::format("{} (initiator; we are the acceptor '{}')", named, config_.name);
}

void Handshake::bind(const Binding& binding, Objection objection) {
  binding_ = binding;
  objection_ = std::move(objection);
}

// The proof covers more than the secret.
std::string Handshake::same_secret() const {
  return fmt::format(
      "{}{}", kSameSecret,
      is_bound() ? ". If they have the same, somebody between the two ends the TLS connection and makes "
                   "another one"
                 : "");
}

bool Handshake::is_certified() {
  const std::string bad = objection_ ? objection_(peer_name_) : std::string();
  if (bad.empty()) return true;
  put(make_refusal(RefusalCode::kWrongCertificate, config_.low_version, config_.high_version));
  fail(make_error(ErrorKind::kAuth, fmt::format("refused {}: {}", who(), bad)));
  return false;
}

Mac Handshake::proof_of(Role role) const {
  std::array<std::byte, 16 + 1 + 2 + 32 + 2 * kHelloBytes> text;
  std::byte* p = text.data();
  std::memcpy(p, kLabel.data(), kLabel.size());
  p[16] = static_cast<std::byte>(role);
  put_le<uint16_t>(p + 17, version_);
  std::memcpy(p + 19, binding_.data(), binding_.size());
  std::memcpy(p + 51, hello_.data(), hello_.size());
  std::memcpy(p + 51 + kHelloBytes, challenge_.data(), challenge_.size());
  return hmac_sha256(config_.secret->bytes(), text);
}

void Handshake::put(std::span<const std::byte> record) noexcept {
  if (out_begin_ == out_end_) out_begin_ = out_end_ = 0;
  // Two records fit, and no side has more than that unwritten: it waits for an answer to each.
  const size_t room = out_.size() - out_end_;
  const size_t bytes = std::min(room, record.size());
  std::memcpy(out_.data() + out_end_, record.data(), bytes);
  out_end_ += bytes;
}

void Handshake::fail(std::exception_ptr error) noexcept {
  error_ = std::move(error);
  state_ = State::kFailed;
}

std::span<std::byte> Handshake::input() noexcept {
  if (state_ != State::kGoing) return {};
  // First the head, and nothing more: what follows a head that is wrong is not even received.
  const size_t until = in_have_ < kRecordHeadBytes ? kRecordHeadBytes : record_bytes(head_.type);
  return std::span<std::byte>(in_).subspan(in_have_, until - in_have_);
}

void Handshake::received(size_t bytes) {
  if (state_ != State::kGoing) return;
  const bool had_head = in_have_ >= kRecordHeadBytes;
  in_have_ += bytes;
  if (in_have_ < kRecordHeadBytes) return;
  if (!had_head) {
    handle_head();
    return;
  }
  if (in_have_ < record_bytes(head_.type)) return;
  in_have_ = 0;
  switch (head_.type) {
    case RecordType::kHello: return handle_hello();
    case RecordType::kChallenge: return handle_challenge();
    case RecordType::kProof: return handle_proof();
    case RecordType::kAccept: return handle_accept();
    case RecordType::kRefusal: return handle_refusal();
  }
}

void Handshake::handle_head() {
  const std::string bad = decode_head(std::span(in_).first<kRecordHeadBytes>(), &head_);
  if (!bad.empty()) return malformed(bad);
  if (head_.type != waits_for_ && head_.type != RecordType::kRefusal) {
    malformed(fmt::format("it sent a record of type {}, expected {}", static_cast<int>(head_.type),
                          static_cast<int>(waits_for_)));
  }
}

void Handshake::other_kind() {
  const bool raw_calls = (config_.features & kRawCalls) != 0;
  fail(make_error(ErrorKind::kAuth,
                  fmt::format("refused {}: it is {}, we are {}; all workers of a world must be of one kind",
                              who(), words_for_kind(!raw_calls), words_for_kind(raw_calls))));
}

void Handshake::malformed(const std::string& what) {
  put(make_refusal(RefusalCode::kMalformed, config_.low_version, config_.high_version));
  fail(make_error(ErrorKind::kAuth, fmt::format("the handshake with {} failed: {}", who(), what)));
}

void Handshake::handle_hello() {
  hello_ = in_;
  if (const std::string bad = check_hello(hello_, head_); !bad.empty()) return malformed(bad);
  peer_name_ = std::string(name_of(hello_, head_));
  peer_incarnation_ = incarnation_of(hello_);
  peer_features_ = features_of(hello_);
  if (!is_certified()) return;
  const uint16_t highest = std::min(config_.high_version, head_.high_version);
  if (highest < std::max(config_.low_version, head_.low_version)) {
    put(make_refusal(RefusalCode::kNoCommonVersion, config_.low_version, config_.high_version));
    return fail(make_error(
        ErrorKind::kAuth,
        fmt::format("refused {}: it speaks wire versions {} to {}, we speak {} to {}", who(),
                    head_.low_version, head_.high_version, config_.low_version, config_.high_version)));
  }
  if (((peer_features_ ^ config_.features) & kRawCalls) != 0) {
    put(make_refusal(RefusalCode::kOtherKind, config_.low_version, config_.high_version));
    return other_kind();
  }
  version_ = highest;
  const RecordHead head{RecordType::kChallenge, RefusalCode::kNone, version_, version_, 0};
  challenge_ = make_hello(head, config_.incarnation, random_nonce(), config_.name, config_.features);
  put(challenge_);
  waits_for_ = RecordType::kProof;
}

void Handshake::handle_challenge() {
  challenge_ = in_;
  if (const std::string bad = check_hello(challenge_, head_); !bad.empty()) return malformed(bad);
  peer_name_ = std::string(name_of(challenge_, head_));
  peer_incarnation_ = incarnation_of(challenge_);
  peer_features_ = features_of(challenge_);
  if (!is_certified()) return;
  version_ = head_.low_version;
  if (head_.low_version != head_.high_version || version_ < config_.low_version ||
      version_ > config_.high_version) {
    return malformed(fmt::format("it chose wire version {} to {}, we offered {} to {}", head_.low_version,
                                 head_.high_version, config_.low_version, config_.high_version));
  }
  if (((peer_features_ ^ config_.features) & kRawCalls) != 0) {
    put(make_refusal(RefusalCode::kOtherKind, config_.low_version, config_.high_version));
    return other_kind();
  }
  if (!config_.expected_name.empty() && peer_name_ != config_.expected_name) {
    return fail(
        make_error(ErrorKind::kAuth, fmt::format("{} is the worker '{}', expected '{}'", config_.address,
                                                 peer_name_, config_.expected_name)));
  }
  put(make_proof(RecordType::kProof, version_, proof_of(Role::kInitiator)));
  waits_for_ = RecordType::kAccept;
}

void Handshake::handle_proof() {
  ProofRecord record;
  std::copy_n(in_.begin(), record.size(), record.begin());
  if (const std::string bad = check_proof(record, head_, version_); !bad.empty()) return malformed(bad);
  const Mac expected = proof_of(Role::kInitiator);
  if (!same_in_constant_time(expected, mac_of(record))) {
    put(make_refusal(RefusalCode::kWrongSecret, config_.low_version, config_.high_version));
    return fail(
        make_error(ErrorKind::kAuth, fmt::format("refused {}: wrong secret; {}", who(), same_secret())));
  }
  put(make_proof(RecordType::kAccept, version_, proof_of(Role::kAcceptor)));
  state_ = State::kDone;
}

void Handshake::handle_accept() {
  ProofRecord record;
  std::copy_n(in_.begin(), record.size(), record.begin());
  if (const std::string bad = check_proof(record, head_, version_); !bad.empty()) return malformed(bad);
  const Mac expected = proof_of(Role::kAcceptor);
  if (!same_in_constant_time(expected, mac_of(record))) {
    put(make_refusal(RefusalCode::kWrongSecret, config_.low_version, config_.high_version));
    return fail(make_error(
        ErrorKind::kAuth,
        fmt::format("refused {}: its proof is wrong, so it does not hold our secret although it took "
                    "ours: something else listens there; {}",
                    who(), same_secret())));
  }
  state_ = State::kDone;
}

void Handshake::handle_refusal() {
  ErrorKind kind = ErrorKind::kAuth;
  std::string why;
  switch (head_.refusal) {
    case RefusalCode::kWrongSecret: why = fmt::format("wrong secret; {}", same_secret()); break;
    case RefusalCode::kNoCommonVersion:
      why = fmt::format("it speaks wire versions {} to {}, we speak {} to {}", head_.low_version,
                        head_.high_version, config_.low_version, config_.high_version);
      break;
    case RefusalCode::kMalformed: why = "it found our handshake malformed"; break;
    case RefusalCode::kBusy:
      kind = ErrorKind::kPeerDied;
      why = "too many others were connecting at the same time; try again";
      break;
    case RefusalCode::kTooSlow:
      kind = ErrorKind::kPeerDied;
      why = "our handshake took longer than it allows";
      break;
    case RefusalCode::kClosing:
      kind = ErrorKind::kPeerDied;
      why = "it is shutting down";
      break;
    case RefusalCode::kOtherKind:
      why = fmt::format("it is {}, we are {}; all workers of a world must be of one kind",
                        words_for_kind((config_.features & kRawCalls) == 0),
                        words_for_kind((config_.features & kRawCalls) != 0));
      break;
    case RefusalCode::kNeedsTls:
      why = fmt::format("it takes encrypted connections alone, and this worker has no certificate: {}",
                        kTlsForAllOrNone);
      break;
    case RefusalCode::kWrongCertificate:
      why = fmt::format("our certificate is not for worker '{}'", config_.name);
      break;
    default: why = fmt::format("reason {}, which is unknown here", static_cast<int>(head_.refusal));
  }
  fail(make_error(kind, fmt::format("{} refused us: {}", who(), why)));
}

void Handshake::refuse(RefusalCode code) {
  if (state_ == State::kFailed || state_ == State::kDone) return;
  put(make_refusal(code, config_.low_version, config_.high_version));
  std::string_view why;
  switch (code) {
    case RefusalCode::kBusy: why = "too many handshakes were pending, and this was the oldest"; break;
    case RefusalCode::kTooSlow: why = "its handshake did not finish in time"; break;
    default: why = "we are shutting down";
  }
  fail(make_error(ErrorKind::kPeerDied, fmt::format("refused {}: {}", who(), why)));
}

void Handshake::distrust(std::string_view why) {
  if (state_ == State::kFailed || state_ == State::kDone) return;
  fail(make_error(ErrorKind::kAuth, fmt::format("the handshake with {} failed: {}", who(), why)));
}

void Handshake::ended(std::string_view how) {
  if (state_ == State::kFailed || state_ == State::kDone) return;
  fail(make_error(ErrorKind::kPeerDied, fmt::format("{} {} in the middle of the handshake", who(), how)));
}

}  // namespace tine::rpc
