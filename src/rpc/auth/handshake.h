// Handshake: proves to each of two processes that the other holds the same secret. It does no input or output of its own.
//
// Write output() as it appears, and feed what comes in to input() and received(), one thread at a time, until the state is
// done or failed. A handshake that failed has an error(): AuthError, or PeerDied, which names the address, the roles and the
// reason. Output that is left then is a refusal, to be written before the connection is closed. A handshake costs two HMACs over
// 436 bytes and a fixed 600 bytes of memory, whatever the peer sends. docs/spec/wire.md, section 1; HMAC: RFC 2104.
#pragma once

#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "src/rpc/auth/secret.h"
#include "src/rpc/wire/handshake.h"

namespace tine::rpc {

class Handshake {
 public:
  enum class Role : uint8_t { kInitiator = 1, kAcceptor = 2 };
  enum class State : uint8_t { kGoing, kDone, kFailed };
  struct Config {
    Role role = Role::kInitiator;
    std::string name;
    uint64_t incarnation = 0;
    std::shared_ptr<const Secret> secret;
    std::string address;        // for messages: the peer's
    std::string expected_name;  // initiator: empty takes any
    uint64_t features = 0;      // the other side must be of the same kind (kRawCalls)
    uint16_t low_version = 1;
    uint16_t high_version = 1;
  };

  // Bytes that only the two ends of one encrypted channel have (docs/spec/wire.md, section 1).
  using Binding = std::array<std::byte, 32>;
  // Why the other side cannot be the worker of that name; empty when it can.
  using Objection = std::function<std::string(std::string_view)>;

  explicit Handshake(Config config);

  // Before anything is received, where the channel is encrypted: then both sides prove that they are the ends of one channel,
  // and a name that the other side gives itself has to pass.
  void bind(const Binding& binding, Objection objection);
  [[nodiscard]] bool is_bound() const noexcept { return objection_ != nullptr; }

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] std::span<const std::byte> output() const noexcept {
    return std::span<const std::byte>(out_).subspan(out_begin_, out_end_ - out_begin_);
  }
  void written(size_t bytes) noexcept { out_begin_ += bytes; }
  // Where the next bytes go: never more than the record waited for. Empty when nothing is expected.
  [[nodiscard]] std::span<std::byte> input() noexcept;
  void received(size_t bytes);
  // The stream ended, or its deadline passed.
  void ended(std::string_view how);
  void distrust(std::string_view
                    why);  // what carries the handshake has found the other side out; the end of a sentence
  void refuse(RefusalCode code);  // acceptor, at any time before done

  [[nodiscard]] const std::string& peer_name() const noexcept { return peer_name_; }
  [[nodiscard]] uint64_t peer_incarnation() const noexcept { return peer_incarnation_; }
  [[nodiscard]] uint64_t peer_features() const noexcept { return peer_features_; }
  [[nodiscard]] uint16_t version() const noexcept { return version_; }
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

 private:
  [[nodiscard]] bool initiator() const noexcept { return config_.role == Role::kInitiator; }
  [[nodiscard]] Mac proof_of(Role role) const;
  [[nodiscard]] std::string who() const;
  [[nodiscard]] std::string same_secret() const;
  [[nodiscard]] bool is_certified();
  void put(std::span<const std::byte> record) noexcept;
  void handle_head();
  void handle_hello();
  void handle_challenge();
  void handle_proof();
  void handle_accept();
  void handle_refusal();
  void other_kind();
  void malformed(const std::string& what);
  void fail(std::exception_ptr error) noexcept;

  Config config_;
  Binding binding_{};
  Objection objection_;
  State state_ = State::kGoing;
  RecordType waits_for_;
  RecordHead head_;
  uint16_t version_ = 0;
  std::string peer_name_;
  uint64_t peer_incarnation_ = 0, peer_features_ = 0;
  HelloRecord hello_{}, challenge_{};
  HelloRecord in_{};
  size_t in_have_ = 0;
  std::array<std::byte, kHelloBytes + kProofBytes> out_{};
  size_t out_begin_ = 0, out_end_ = 0;
  std::exception_ptr error_;
};

}  // namespace tine::rpc
