// RawNode: messages of bytes and segments between the workers of a world, for a system that brings its own encoding
// (PyTorch's RPC is one): calls with a reply or a typed failure, over tine's transports, secret, deadlines and bounds.
//
//   class Echo final : public RawHandler {
//     void handle(RawCall call) noexcept override { call.reply({.tag = 1, .body = ...}); }
//   };
//   auto node = RawNode::start({.name = "w0", .id = 0, .handler = &echo});
//   publish(node->card());                              // by any means: a file, a store, a socket
//   node->connect(card_of_w1, deadline);                // or w1 connects, and node->expect("w1", deadline) waits
//   node->call(1, {.tag = 7, .body = RawBytes::copy(text)}, deadline, std::move(sink));
//
// State      Holding what comes in until open(); open; closed. Workers come and go while it is open.
// Threads    Every member from any thread. Who calls what: at each member.
// Ordering   As docs/spec/agent.md says of calls: in the order in which call() returned, but that small ones may
//            overtake large ones. Handlers run beside each other.
// Ownership  Segments stay their owner's until written; owners are dropped within call() or reply(), by the thread that is
//            in it, or on a thread of callbacks: never on a reader, never under a lock. A received message owns its
//            memory, which may be dropped on any thread, also behind the node's end.
// Errors     Every call ends once: a reply, or a RawFailure that says what, who and why. At most once: nothing is sent twice.
// Cost       A call: two allocations, one system call, at either end. Segments are not copied at the sender; the receiver reads each into its
//            final, 64-aligned buffer.
// Source     docs/spec/agent.md, "Raw calls"; docs/spec/wire.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tine/detail/export.h"
#include "tine/detail/ref.h"
#include "tine/executor.h"

namespace tine {
class Runtime;
}

namespace tine::rpc {

// Bytes and who keeps them. Those of a received message may be written (writable()): nobody else has them.
class TINE_API RawBytes {
 public:
  RawBytes() noexcept = default;  // none
  RawBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) noexcept
      : bytes_(bytes), owner_(std::move(owner)) {}
  [[nodiscard]] static RawBytes copy(std::span<const std::byte> bytes);
  [[nodiscard]] static RawBytes copy(std::string_view text);

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }
  // Of a received message only.
  [[nodiscard]] std::byte* writable() const noexcept { return const_cast<std::byte*>(bytes_.data()); }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

struct RawMessage {
  uint32_t tag = 0;  // the system's: what kind of message it is
  RawBytes body;     // copied into the frame up to 16 KiB, sent as a segment beyond
  // Each is sent from where it lies and received in memory of its own. At most 65,536, that body included; 64 GiB each, 16
  // GiB in all. Empty ones travel as such.
  std::vector<RawBytes> segments;
};

struct RawWorker {
  std::string name;
  int id = -1;
  friend bool operator==(const RawWorker&, const RawWorker&) = default;
};

struct RawFailure {
  enum class Kind : uint8_t {
    kTimedOut,   // the deadline came first
    kDied,       // the worker died, was cut off or left
    kClosed,     // this node was closed
    kFailed,     // the handler said so: `text` is the handler's
    kAbandoned,  // the handler dropped the call unanswered, or had no thread to run it
    kRefused,    // the message breaks a limit of the wire
  };
  Kind kind = Kind::kFailed;
  std::string text;  // names worker and cause
};

// Where a call ends: exactly one of the two, once, on a thread of callbacks (which may block and run users' code), never
// on a reader, never within call(). But where there is no such thread, it is told by the thread that finds that: in a child
// of fork(2), within call(); when the Runtime's callbacks were closed before the node, by who ends the call.
class RawSink {
 public:
  virtual ~RawSink() = default;
  virtual void done(RawMessage reply) noexcept = 0;
  virtual void failed(RawFailure failure) noexcept = 0;
};

// A call that came in. Movable; answered once, from any thread, at any time. Dropped unanswered it fails with kAbandoned.
class TINE_API RawCall {
 public:
  class State;
  explicit RawCall(detail::Ref<State> state) noexcept;
  RawCall(RawCall&&) noexcept;
  RawCall& operator=(RawCall&&) noexcept;
  ~RawCall();

  [[nodiscard]] const RawWorker& caller() const noexcept;
  [[nodiscard]] RawMessage& message() const noexcept;  // yours to move from
  [[nodiscard]] TimePoint deadline() const noexcept;   // kNoDeadline when it has none
  // The caller has given up or is gone: an answer would reach nobody.
  [[nodiscard]] bool cancelled() const noexcept;
  void reply(RawMessage message) noexcept;
  void fail(std::string text) noexcept;

 private:
  detail::Ref<State> state_;
};

class RawHandler {
 public:
  // On the thread that reads, of calls of others: true when handle() of this message has a short proven bound, takes no lock that others
  // hold for long, and runs no user's code: then it runs right there. No lock, no interpreter, no waiting in here.
  [[nodiscard]] virtual bool inline_ok(const RawMessage& message) noexcept {
    (void)message;
    return false;
  }
  // On a handler thread (Runtime::blocking(): it may block), unless inline_ok said yes.
  virtual void handle(RawCall call) noexcept = 0;
  // Whether a call is handled even when nobody waits for it any more by the time a thread is there: its deadline has come,
  // or its caller has given up or is gone. As inline_ok, on any thread.
  [[nodiscard]] virtual bool late_ok(const RawMessage& message) noexcept {
    (void)message;
    return false;
  }
  // That worker is gone, and why; once each, on a thread of callbacks, behind the failures of its calls. `left`: it
  // closed its node in good order, or this one has removed it. Not told of those that this node's own close() parts from.
  virtual void died(const RawWorker& worker, const std::string& why, bool left) noexcept {
    (void)worker;
    (void)why;
    (void)left;
  }

 protected:
  ~RawHandler() = default;
};

struct RawNodeOptions {
  std::string name;               // 1 to 128 bytes, unique in the world
  int id = 0;                     // 0 to 65,535, unique in the world
  RawHandler* handler = nullptr;  // borrowed until close() has returned; required
  // "host" or "host:port" to listen at beside the unix socket; empty: 127.0.0.1, any port. Others than loopback are
  // refused without plaintext_beyond_loopback.
  std::string host;
  std::string secret;  // empty: TINE_AUTH_KEY, else the user's key file
  // What the two ends of each connection must agree on, in words that an error may quote: "torch 2.13.0". May be empty.
  std::string protocol;
  bool unix_sockets = true;  // between workers of one machine
  bool plaintext_beyond_loopback = false;
  size_t max_calls_in_flight = 65536;  // of each worker: bounds that wait_for_room waits at
  size_t max_send_buffer_bytes = size_t{64} << 20;
  std::chrono::milliseconds heartbeat_interval{5000};  // 0: none
  std::chrono::milliseconds heartbeat_timeout{30000};
  // For how long the loop polls before it sleeps, as long as polling pays (DESIGN, "Polling"); 0: it sleeps at once.
  std::chrono::microseconds polling{50};
  // Refused handshakes, dead workers; on a thread of callbacks. Empty: nobody is told.
  std::function<void(const std::string&)> log;
};

class TINE_API RawNode {
 public:
  class Parts;
  explicit RawNode(std::shared_ptr<Parts> parts) noexcept;
  // Listens. SystemError, ValueError, AuthError.
  [[nodiscard]] static std::unique_ptr<RawNode> start(Runtime& runtime, RawNodeOptions options);
  ~RawNode();  // close() if that has not been done
  RawNode(const RawNode&) = delete;
  RawNode& operator=(const RawNode&) = delete;

  // Who this is and where it listens, for connect() elsewhere: one line of printable ASCII, at most 4,096 bytes.
  [[nodiscard]] const std::string& card() const noexcept;
  // Who wrote a card. ValueError when it is none, or of another version of tine, with what to do.
  [[nodiscard]] static RawWorker owner_of(std::string_view card);

  // To the worker that wrote the card; once connected, both know each other. Of two that connect to each other at the same
  // time one connection stays. Nothing happens when it is connected already. Waits: DeadlineExceeded, PeerDied (it is not there any more),
  // AuthError (the secret; an agent of tine's own RPC), ValueError (another protocol, a name or id that is taken; no card), Cancelled when
  // `interrupted` (polled every 100 ms) says so, Error when the node is closed meanwhile.
  void connect(std::string_view card, TimePoint deadline, const std::function<bool()>& interrupted = {});
  // Until that worker has connected, as above. AuthError also when somebody who calls itself so, with another secret, was
  // refused here: a stranger can do that, too, so connect() to that worker's card tells.
  void expect(std::string_view name, TimePoint deadline, const std::function<bool()>& interrupted = {});
  // Whether the node that wrote the card still listens; the two don't get to know each other. Waits: DeadlineExceeded (it
  // does not answer, as one that is stopped), ValueError (no card), Cancelled and Error as above.
  [[nodiscard]] bool lives(std::string_view card, TimePoint deadline,
                           const std::function<bool()>& interrupted = {});
  // Lets the calls in that have come so far. Once.
  void open();

  [[nodiscard]] RawWorker self() const;
  // Those who are connected, and this one; by id.
  [[nodiscard]] std::vector<RawWorker> workers() const;
  // Why that worker is gone; empty while it lives. ValueError: unknown.
  [[nodiscard]] std::string death_of(int id) const;
  // Says goodbye to it; its calls fail with kDied. Its name and id may be another's afterwards. Unknown: nothing happens.
  void remove(int id, const std::string& why) noexcept;

  // Never blocks, and ends in the sink in any case. To an id that is not there: kDied, with the ids that are. To oneself:
  // the handler gets the message itself, segments uncopied.
  void call(int to, RawMessage message, TimePoint deadline, std::shared_ptr<RawSink> sink) noexcept;
  // Until a call to that worker stays within the bounds, it is gone, or the deadline has come: who can wait does so before
  // it calls. Not on a reader. False: the deadline came.
  bool wait_for_room(int to, TimePoint deadline) noexcept;

  struct Counts {
    size_t calls_pending = 0;  // ours, whose sink has not returned yet
    size_t calls_running = 0;  // of workers that live, here, unanswered; those to oneself with them
    uint64_t calls_begun = 0;  // that came in, ever; those to oneself with them
    size_t bytes_queued = 0;   // copied, waiting to be sent
  };
  [[nodiscard]] Counts counts() const;

  // What is pending fails with kClosed; goodbye to all, with the small messages that have been queued sent first, within the
  // bound; of large ones that are not complete by then the rest is dropped. When it has returned no handler is entered any more, and none of the sinks that were there runs, but for those of threads that did not
  // return within the bound. From within a handler, sink or died() it does not wait for that one; not from a handler that
  // runs on a reader. Once more: waits for the one that is at it. `failure`, unless empty: by what this program failed, for
  // the others' errors. Members of the node must not be called any more once its destructor has begun.
  void close(std::chrono::milliseconds bound = std::chrono::milliseconds(1000),
             std::string_view failure = {}) noexcept;
  // close() has begun: calls fail. Also in a child of fork(2).
  [[nodiscard]] bool closed() const noexcept;

 private:
  std::shared_ptr<Parts> parts_;
};

}  // namespace tine::rpc
