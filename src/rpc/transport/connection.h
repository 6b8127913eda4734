// Connection: frames to and from one authenticated peer; FrameHandler: who gets them.
//
// State      Open from its making, reading from start(), then closed, once, with a cause.
// Threads    Every member from any thread. At most one thread at a time holds the reader role; only the holder
//            runs on_frame. on_close runs on the loop's thread, never beside on_frame.
// Ordering   Frames arrive in the order in which the peer's sends returned. on_frame of all frames received,
//            then on_close, exactly once, also when start() came after the end.
// Ownership  Counted. The loop holds a reference while the connection is open. It holds its handler until
//            on_close has returned.
// Errors     send returns an error that names the peer; it throws std::bad_alloc only. Everything else
//            arrives as the cause in on_close.
// Cost       A small frame sent: one system call and no allocation. Received: none but what the handler does; a
//            segment goes into its final, recycled buffer. Nothing here ever blocks.
// Source     docs/spec/wire.md; DESIGN "Who runs what", "Polling".
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/rpc/transport/buffer.h"
#include "src/rpc/wire/body.h"
#include "src/rpc/wire/frame.h"
#include "tine/executor.h"

namespace tine::rpc {

class Connection;
class IoLoop;

// A frame to be sent: fill `body` (and its segments), hand it to send().
class OutFrame {
 public:
  explicit OutFrame(FrameKind kind, uint64_t call_id = 0, uint64_t remaining_us = kNoTimeLimit) noexcept
      : kind(kind), call_id(call_id), remaining_us(remaining_us) {}
  FrameKind kind;
  uint16_t flags = 0;
  uint64_t call_id;
  uint64_t remaining_us;
  BodyWriter body;

 private:
  friend class WriteQueue;
  // Writes the header and the segment table; empty, or what is over a limit.
  [[nodiscard]] std::string seal();
  [[nodiscard]] std::span<const std::byte> head() const noexcept { return {body.begin(), body.used_}; }
  [[nodiscard]] std::vector<Segment>& segments() noexcept { return body.segments_; }
  uint64_t payload_bytes_ = 0;
};

// A frame that came in. In on_frame `body` lies in the connection's buffer: whoever keeps the frame longer than that
// calls own() first. Movable.
struct Frame {
  FrameHeader header;
  TimePoint received;  // when its header was read
  std::span<const std::byte> body;
  std::vector<detail::Ref<Buffer>> segments;

  // When the call's time is over; kNoDeadline when it has none.
  [[nodiscard]] TimePoint deadline() const noexcept;
  // After this the body stays valid as long as the frame: small bodies are copied, large ones shared.
  void own(BufferPool& pool);

  detail::Ref<Buffer> body_buffer;
};

// The right to read one connection, for the time of one on_frame.
class ReaderRole {
 public:
  // Lets another thread read on, so that this one may run something long. False on the loop's own thread,
  // where nobody else would: then hand the work to an executor instead. After true the frame stays
  // valid (no own() needed), the callback gate is lifted, and this thread reads no more when on_frame returns.
  [[nodiscard]] virtual bool pass_on() noexcept = 0;
  [[nodiscard]] virtual bool on_loop_thread() const noexcept = 0;

 protected:
  ~ReaderRole() = default;
};

struct CloseInfo {
  enum class Why : uint8_t {
    kLocal,      // close() or shutdown() here
    kGoodbye,    // the peer said goodbye
    kPeerDied,   // end of stream or reset without goodbye
    kMalformed,  // what the peer sent is not a frame
    kSilent,     // no sign of life for the heartbeat timeout
    kLoopEnd,    // the loop was stopped
  };
  Why why = Why::kLocal;
  GoodbyeReason reason = GoodbyeReason::kDone;  // with kGoodbye
  std::exception_ptr error;                     // never null: what pending calls fail with
};

class FrameHandler : public detail::RefCounted {
 public:
  // Runs with the reader role held: must be short, must not wait, must not run a user's code, unless it
  // has passed the role on. Ping, pong and goodbye do not get here.
  virtual void on_frame(Connection& connection, Frame& frame, ReaderRole& role) noexcept = 0;
  virtual void on_close(Connection& connection, const CloseInfo& info) noexcept = 0;
  // The queue was over half of its bound and is empty again.
  virtual void on_drained(Connection& /*connection*/) noexcept {}
};

struct PeerInfo {
  std::string name;          // as proven in the handshake
  uint64_t incarnation = 0;  // as proven
  std::string address;       // "unix:/run/x.sock", "tcp://127.0.0.1:4711"
  uint16_t version = kWireVersion;
  bool we_connected = false;
  [[nodiscard]] std::string describe() const;  // "worker1 (tcp://127.0.0.1:4711)"
};

struct ConnectionOptions {
  size_t max_queued_bytes = size_t{256} << 20;  // a single larger frame is taken when nothing is queued
  uint64_t max_payload_bytes = kDefaultMaxPayload;
  size_t receive_buffer_bytes = size_t{64} << 10;
  std::chrono::milliseconds heartbeat_interval{5000};  // 0: no heartbeat
  std::chrono::milliseconds heartbeat_timeout{30000};
  // Where users' callbacks go that a frame's handling completes. Null: the handler sees to it itself.
  Executor* callbacks = nullptr;
};

// A borrowed bool(): what try_poll waits for.
class DoneCheck {
 public:
  template <class F>
  DoneCheck(F& f) noexcept  // NOLINT: meant to convert
      : object_(&f), call_([](void* o) { return static_cast<bool>((*static_cast<F*>(o))()); }) {}
  bool operator()() const { return call_(object_); }

 private:
  void* object_;
  bool (*call_)(void*);
};

class Connection : public detail::RefCounted {
 public:
  // Begins to read. Frames that came before it wait in the socket.
  virtual void start(detail::Ref<FrameHandler> handler) = 0;

  // Writes what the socket takes now, queues the rest. Null on success. An error, and nothing sent: the connection
  // is closed (its cause), the queue is full, a limit of the wire is exceeded, this is a forked child.
  [[nodiscard]] virtual std::exception_ptr send(OutFrame frame) = 0;
  [[nodiscard]] virtual size_t queued_bytes() const noexcept = 0;

  // For a thread that waits for something this connection brings: takes the reader role and reads until
  // done() or the deadline or the polling budget is over; when another thread holds the role it only watches
  // done(). Returns done(). On false the caller sleeps as it always would: the loop reads on.
  [[nodiscard]] virtual bool try_poll(TimePoint deadline, DoneCheck done) noexcept = 0;

  // Says goodbye, writes out the queue, waits for the peer to close as well: all until `deadline` at most.
  virtual void shutdown(GoodbyeReason reason, std::string_view text, TimePoint deadline) noexcept = 0;
  // At once; what is queued is dropped. on_close follows with `error`, or a Cancelled when it is null.
  virtual void close(std::exception_ptr error) noexcept = 0;
  [[nodiscard]] virtual bool closed() const noexcept = 0;
  // Null while it is open.
  [[nodiscard]] virtual std::exception_ptr error() const = 0;

  [[nodiscard]] virtual const PeerInfo& peer() const noexcept = 0;
  [[nodiscard]] virtual IoLoop& loop() const noexcept = 0;
};

}  // namespace tine::rpc
