// RawNode: messages of bytes and segments between the workers of a world, for a system that brings its own encoding
// (PyTorch's RPC is one): calls with a reply or a typed failure, over tine's transports, secret, deadlines and bounds.
//
//   #include <future>
//   #include "tine/raw.h"
//   #include "tine/runtime.h"
//   using namespace tine;
//   using namespace tine::rpc;
//
//   class Echo final : public RawHandler {
//     void handle(RawCall call) noexcept override { call.reply(std::move(call.message())); }
//   };
//
//   class Told final : public RawSink {
//    public:
//     std::promise<std::string> text;
//     void done(RawMessage reply) noexcept override { text.set_value(std::string(reply.body.text())); }
//     void failed(RawFailure failure) noexcept override { text.set_value(failure.text); }
//   };
//
//   // `card` is what card() of the other worker says. It travels by any means: a file, a store, a socket.
//   std::string ask(Runtime& runtime, std::string_view card) {
//     Echo echo;
//     const auto node = RawNode::start(runtime, {.name = "w0", .id = 0, .handler = &echo});
//     const TimePoint deadline = Clock::now() + std::chrono::seconds(10);
//     node->connect(card, deadline);  // or the other one connects, and expect("w1", deadline) waits for it
//     node->open();
//     const auto told = std::make_shared<Told>();
//     const int to = RawNode::owner_of(card).id;
//     node->call(to, {.tag = 7, .body = RawBytes::copy("hello"), .segments = {}}, deadline, told);
//     return told->text.get_future().get();
//   }  // the node's destructor closes it, and only then the handler goes
//
// Calls that come in are held until open(); then the node is open; once closed it stays closed. Workers come and go while it
// is open. Every call ends once: in a reply, or in a RawFailure that says how, at which worker and why. Nothing is sent
// twice. Calls arrive in the order in which call() returned, except that small ones (a frame of at most 256 KiB) may overtake
// large ones; their handlers run beside each other.
//
// Every member may be called from any thread. "A thread of callbacks" is one of Runtime::callbacks(), "a handler thread" one
// of Runtime::blocking(); both may block and run users' code. "A reader" is a thread that reads a connection. It must be back
// soon, so nothing of the user's runs there but what inline_ok() allows.
//
// The owner of bytes that are sent is dropped once they are written, or cannot be: within call() or reply() by the thread
// that is in it, else by a thread of callbacks; never by a reader, never under a lock. A received message owns its memory,
// which may be dropped on any thread, also after the node's end.
//
// A call costs two allocations and one system call at either end. Segments are not copied at the sender; the receiver reads
// each into its final buffer, at an address that 64 divides.
//
// Each wait ends: connect() and expect() at their deadline, when `interrupted` says so, and when another thread closes the
// node; wait_for_room() at its deadline, when the worker is gone or removed, and when the node is closed; close() at its
// bound. Nothing interrupts a handler or a sink that runs: it may ask RawCall::cancelled(). In a child of fork(2) the node is
// dead: calls fail at once, on the thread that makes them.
//
// The specification is docs/spec/agent.md, "Raw calls", and docs/spec/wire.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/detail/export.h"
#include "tine/detail/ref.h"
#include "tine/executor.h"
#include "tine/tls.h"

namespace tine {
class Runtime;
}

namespace tine::rpc {

// What goes beyond a limit is refused: an option by start(), a message by the end of its call.
inline constexpr int kMaxRawId = 65'535;             // of a worker, from 0
inline constexpr size_t kMaxRawNameBytes = 128;      // of a worker, 1 at least
inline constexpr size_t kMaxRawProtocolBytes = 256;  // RawNodeOptions::protocol
inline constexpr size_t kMaxRawCardBytes = 4096;     // RawNode::card()
inline constexpr size_t kMaxRawSegments = 65'536;    // of a message; a large body counts as one
inline constexpr uint64_t kMaxRawMessageBytes = uint64_t{16} << 30;  // body and segments together
inline constexpr size_t kLargeRawBody = size_t{16}
                                        << 10;  // what is larger is not copied, but sent as a segment
inline constexpr size_t kMaxRawFailureBytes = size_t{1} << 20;  // of a failure's text; the rest is cut off

// Bytes and the owner that keeps them. Either they are owned: the holder's alone, who may write them, as those of a
// received message are. Or they are shared: somebody else has them as well, and they are only read. Moving keeps that; a
// copy is shared, and reads what the holder of owned bytes writes.
class TINE_API RawBytes {
 public:
  RawBytes() noexcept = default;  // no bytes
  // Shared: they must stay as they are until the last copy of `owner` is dropped. Without an owner, for ever.
  RawBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) noexcept
      : bytes_(bytes), owner_(std::move(owner)) {}
  // Owned: nobody else reads or writes them from now on.
  [[nodiscard]] static RawBytes owned(std::span<std::byte> bytes,
                                      std::shared_ptr<const void> owner) noexcept {
    RawBytes made(bytes, std::move(owner));
    made.own_ = bytes.data();
    return made;
  }
  // An owned copy. std::bad_alloc.
  [[nodiscard]] static RawBytes copy(std::span<const std::byte> bytes);
  [[nodiscard]] static RawBytes copy(std::string_view text);

  RawBytes(const RawBytes& other) noexcept : bytes_(other.bytes_), owner_(other.owner_) {}
  RawBytes(RawBytes&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})),
        owner_(std::move(other.owner_)),
        own_(std::exchange(other.own_, nullptr)) {}
  RawBytes& operator=(RawBytes other) noexcept {
    std::swap(bytes_, other.bytes_);
    owner_.swap(other.owner_);
    std::swap(own_, other.own_);
    return *this;
  }
  ~RawBytes() = default;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }
  [[nodiscard]] bool is_owned() const noexcept { return own_ != nullptr; }
  // The bytes, to be written. ValueError unless they are owned.
  [[nodiscard]] std::span<std::byte> writable();

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::byte* own_ = nullptr;  // the same bytes, if they are owned
};

struct RawMessage {
  uint32_t tag = 0;  // the system's: what kind of message it is
  RawBytes body;     // up to kLargeRawBody it is copied into the frame, beyond that it is sent as a segment
  // Each is sent from where it lies and received in memory of its own. Empty ones arrive as such.
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
    kDied,       // the worker died, was cut off, left, was removed, or was never there
    kClosed,     // this node was closed
    kFailed,     // the handler said so: `text` is the handler's
    kAbandoned,  // the handler dropped the call unanswered, or had no thread to run it
    kRefused,    // the request or its answer is beyond a limit
  };
  Kind kind = Kind::kFailed;
  std::string text;  // names worker and cause; of kFailed the handler's own words
  // Which worker failed: the one that was called; of kClosed this node itself. Of a call to an id where nobody has ever
  // been the name is empty.
  RawWorker worker{};
};

// Where a call ends: in one of the two functions, once.
// Both run on a thread of callbacks, where they may block and call the node; never on a reader, never within call(). There
// are two cases without such a thread. In a child of fork(2) the sink is told within call(). When the Runtime's callbacks
// were closed before the node, it is told by the thread that ends the call.
class RawSink {
 public:
  virtual ~RawSink() = default;
  virtual void done(RawMessage reply) noexcept = 0;
  virtual void failed(RawFailure failure) noexcept = 0;
};

// A call that came in. It is movable, and whoever holds it answers it: from any thread, at any time, also after the node's
// end, when the answer goes nowhere. If it is dropped unanswered, the call fails with kAbandoned. One that was moved from
// may only be assigned to or destroyed.
class TINE_API RawCall {
 public:
  class TINE_LOCAL State;
  explicit RawCall(detail::Ref<State> state) noexcept;
  RawCall(RawCall&&) noexcept;
  RawCall& operator=(RawCall&&) noexcept;
  ~RawCall();

  [[nodiscard]] const RawWorker& caller() const noexcept;
  // Yours to move from. It stays until the RawCall goes, answered or not.
  [[nodiscard]] RawMessage& message() const noexcept;
  // By the clock here. kNoDeadline when the caller set none.
  [[nodiscard]] TimePoint deadline() const noexcept;
  // Whether the caller has given up or is gone: an answer would reach nobody.
  [[nodiscard]] bool cancelled() const noexcept;
  // The first answer counts. A later one does nothing: its message is dropped within the call, by the thread that makes it.
  // On a thread that may block reply() waits while more than the bound of copied bytes is queued for the caller, but not
  // past the deadline or a cancellation. A reply beyond a limit fails the call with kRefused. Without memory the call fails,
  // or else the connection ends.
  void reply(RawMessage message) noexcept;
  void fail(std::string text) noexcept;

 private:
  detail::Ref<State> state_;
};

// The user's side of a node. It is borrowed: see RawNode::close() for how long.
class RawHandler {
 public:
  // Asked by the reader, of calls of other workers: whether handle() of this message has a short proven bound, takes no lock
  // that others hold for long, and runs no user's code. If so it runs right there. The same holds for this function itself.
  [[nodiscard]] virtual bool inline_ok(const RawMessage& message) noexcept {
    (void)message;
    return false;
  }
  // Runs on a handler thread, where it may block, unless inline_ok() said yes. Several run at once.
  virtual void handle(RawCall call) noexcept = 0;
  // Whether a call is handled even when nobody waits for it any more by the time a thread is there: its deadline has come,
  // or its caller has given up or is gone. Asked by the thread that would handle it.
  [[nodiscard]] virtual bool late_ok(const RawMessage& message) noexcept {
    (void)message;
    return false;
  }
  // A worker has been taken in: it and this node know each other. Told once for each, on a thread of callbacks, soon after:
  // connect() may return, and a call of that worker be handled, before this is.
  virtual void joined(const RawWorker& worker) noexcept { (void)worker; }
  // That worker is gone, and why. Told once for each that has joined, on a thread of callbacks, after joined() and after the
  // failures of the calls to it. `left`: it closed its node in good order, or this one has removed it. It is not told of
  // those that this node's own close() parts from.
  virtual void died(const RawWorker& worker, const std::string& why, bool left) noexcept {
    (void)worker;
    (void)why;
    (void)left;
  }

 protected:
  ~RawHandler() = default;
};

struct RawNodeOptions {
  std::string name{};             // unique in the world
  int id = 0;                     // unique in the world
  RawHandler* handler = nullptr;  // required; borrowed until close() has returned true
  // "host" or "host:port" to listen at by TCP; empty: 127.0.0.1, any port. Others than loopback are refused without
  // TLS or plaintext_beyond_loopback.
  std::string host{};
  std::string secret{};  // empty: TINE_AUTH_KEY, else the user's key file
  // What the two ends of each connection must agree on, in words that an error may quote: "torch 2.13.0". May be empty.
  std::string protocol{};
  // The ways to other workers, nearest first: a worker is reached by the first that leads to it. "shm": memory that
  // two processes of one machine share; "unix": sockets between such processes; "tcp".
  std::vector<std::string> transports{"shm", "unix", "tcp"};
  TlsOptions tls{};  // encrypts what goes by TCP
  bool plaintext_beyond_loopback = false;
  size_t max_calls_in_flight = 65536;  // of each worker: bounds that wait_for_room waits at
  size_t max_send_buffer_bytes = size_t{64} << 20;
  std::chrono::milliseconds heartbeat_interval{5000};  // 0: none
  std::chrono::milliseconds heartbeat_timeout{30000};
  // For how long the loop polls before it sleeps, as long as polling pays (src/base/polling.h); 0: it sleeps at once.
  std::chrono::microseconds polling{50};
  // Refused handshakes, dead workers; on a thread of callbacks. Empty: nobody is told.
  std::function<void(const std::string&)> log{};
};

class TINE_API RawNode {
 public:
  class TINE_LOCAL Parts;
  explicit RawNode(std::shared_ptr<Parts> parts) noexcept;
  // Listens, and starts the thread that reads. The Runtime must outlive the node. SystemError, ValueError (an option that
  // can't be), AuthError (no secret, or plaintext beyond loopback).
  [[nodiscard]] static std::unique_ptr<RawNode> start(Runtime& runtime, RawNodeOptions options);
  // Closes the node if that has not been done. No member may be called any more once this has begun.
  ~RawNode();
  RawNode(const RawNode&) = delete;
  RawNode& operator=(const RawNode&) = delete;

  // The name and id of this node and where it listens, for connect() elsewhere: one line of printable ASCII.
  [[nodiscard]] const std::string& card() const noexcept;
  // The worker that wrote a card. ValueError, with what to do, when it is not a card or is of another version of tine.
  [[nodiscard]] static RawWorker owner_of(std::string_view card);

  // Connects to the worker that wrote the card; after that both know each other. Two that connect to each other at the same
  // time end up with one connection. Nothing happens when they are connected already. Throws DeadlineExceeded, PeerDied (the
  // worker isn't there any more), AuthError (another secret; an agent of tine's own RPC), ValueError (another protocol, a
  // name or id that is taken; not a card), Cancelled (`interrupted`, which is asked every 100 ms, said so), Error (the node
  // was closed). Blocks: not on a reader, not in a sink that others wait for.
  void connect(std::string_view card, TimePoint deadline, const std::function<bool()>& interrupted = {});
  // Waits until that worker has connected. DeadlineExceeded, Cancelled and Error as above. AuthError when somebody who calls
  // itself so was refused here because of another secret: a stranger can do that, too, so connect() to that worker's card tells.
  void expect(std::string_view name, TimePoint deadline, const std::function<bool()>& interrupted = {});
  // Whether the node that wrote the card still listens; the two do not get to know each other. Blocks. Throws
  // DeadlineExceeded (it does not answer, as one that is stopped or cut off does not), SystemError (this process has no
  // descriptor left, or cannot find the host), ValueError (not a card), Cancelled and Error as above.
  [[nodiscard]] bool lives(std::string_view card, TimePoint deadline,
                           const std::function<bool()>& interrupted = {});
  // Lets calls in, those first that have come so far. Once more: nothing happens.
  void open();

  [[nodiscard]] RawWorker self() const;
  // Those who are connected, and this one; by id.
  [[nodiscard]] std::vector<RawWorker> workers() const;
  // Why that worker is gone; empty while it is there. ValueError, with the ids that are there, for one that never was.
  [[nodiscard]] std::string death_of(int id) const;
  // Says goodbye to that worker; the calls to it fail with kDied. Afterwards its name and id may be another's. Nothing
  // happens for an id that isn't there, and for this node's own.
  void remove(int id, const std::string& why) noexcept;

  // Sends a call. It never blocks, and it ends in the sink in any case. `sink` is required, and dropped once it has been
  // told. To an id that isn't there: kDied, with the ids that are. To oneself: the handler gets the message itself, its
  // segments uncopied. A deadline that has passed: kTimedOut.
  void call(int to, RawMessage message, TimePoint deadline, std::shared_ptr<RawSink> sink) noexcept;
  // Waits until one more call to that worker stays within the bounds; whoever can wait does so before call(). True as well
  // when the worker is gone or the node closed: the call will say so. False: the deadline came. Not on a reader.
  bool wait_for_room(int to, TimePoint deadline) noexcept;

  struct Counts {
    size_t calls_pending = 0;  // ours, whose sink has not returned yet
    size_t calls_running =
        0;  // that came in from workers that are there, or from oneself, and have no answer yet
    uint64_t calls_begun = 0;  // that came in, ever; those from oneself with them
    size_t bytes_queued = 0;   // copied, waiting to be sent
  };
  [[nodiscard]] Counts counts() const;

  // Ends the node. Pending calls fail with kClosed. Goodbye is said to all, after the small messages that are queued; of
  // large ones that are not complete within the bound the rest is dropped. Then it waits, within the bound, for handlers,
  // sinks, joined(), died() and log() that run; no other begins any more.
  // True: none of them runs, so the handler may be destroyed. False: one has not returned within the bound. It runs on, and
  // the handler must stay until it has: call close() again, which waits for another bound, or never destroy it.
  // Called from within one of them, it does not wait for that one, which does not count. Not from a handler that runs on a
  // reader. Called by a second thread, it waits for the first. `failure`, unless empty, is what this program failed by, for
  // the others' errors.
  bool close(std::chrono::milliseconds bound = std::chrono::milliseconds(1000),
             std::string_view failure = {}) noexcept;
  // Whether close() has begun: calls fail. Also in a child of fork(2).
  [[nodiscard]] bool closed() const noexcept;

 private:
  std::shared_ptr<Parts> parts_;
};

}  // namespace tine::rpc
