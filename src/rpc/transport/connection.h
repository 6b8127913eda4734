// Connection: frames to and from one authenticated peer. FrameHandler: what gets the frames that come in.
//
// A connection is open from its making, reads from start() on, and closes once, with a cause. Its members may be called by
// any thread. At most one thread at a time holds the reader role, and only that thread runs on_frame. on_close runs on
// the loop's thread, never at the same time as on_frame: it comes exactly once, after on_frame of all frames that were received,
// also when start() was called after the end. The loop holds a reference while the connection is open. The connection holds its
// handler until on_close has returned.
//
// Small frames arrive in the order in which the peer's sends returned, and so do large ones (above kChunkBytes). A small
// frame may overtake large ones; a large one overtakes nothing.
//
// Nothing here blocks, and nothing is refused because much is queued: a caller that can wait asks has_room() first. A small
// frame is sent with one system call and no allocation. To receive one costs no allocation but the handler's; a segment goes into
// its final, recycled buffer. docs/spec/wire.md; src/rpc/placement.h says which thread runs what.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/rpc/transport/frames.h"
#include "tine/future.h"

namespace tine::rpc {

class Connection;

struct CloseInfo {
  enum class Why : uint8_t {
    kLocal,      // close() or shutdown() here
    kGoodbye,    // the peer said goodbye
    kPeerDied,   // end of stream or reset without goodbye
    kMalformed,  // what the peer sent is not a frame
    kSilent,     // no sign of life for the heartbeat timeout
    kLoopEnd,    // the loop was stopped
    kInternal,   // this side could not go on: no memory for what came
  };
  Why why = Why::kLocal;
  GoodbyeReason reason = GoodbyeReason::kDone;  // with kGoodbye
  std::exception_ptr error;                     // never null: what pending calls fail with
  // What became of the peer, the end of a sentence that names it: "died: it closed ..."; empty with kLocal and kLoopEnd.
  std::string how;
};

class FrameHandler : public detail::RefCounted {
 public:
  // On the thread that reads, which nobody replaces: what it runs has a proven bound, waits for nobody and is not a
  // user's code. Ping, pong and goodbye do not get here. When it throws std::bad_alloc the connection ends (kInternal).
  virtual void on_frame(Connection& connection, Frame& frame) = 0;
  // Not before a handler that is still in on_frame has returned from it, if it ever does.
  virtual void on_close(Connection& connection, const CloseInfo& info) noexcept = 0;
};

struct PeerInfo {
  std::string name;          // as proven in the handshake
  uint64_t incarnation = 0;  // as proven
  std::string address;       // "unix:/run/x.sock", "tcp://127.0.0.1:4711"
  uint16_t version = kWireVersion;
  bool we_connected = false;
  uint64_t features = 0;                       // src/rpc/wire/handshake.h, as proven
  [[nodiscard]] std::string describe() const;  // "worker1 (tcp://127.0.0.1:4711)"
};

struct ConnectionOptions {
  // Of memory that was copied for being sent (bodies, Segment::copied) so much may be queued before has_room() says no.
  size_t max_copied_bytes = size_t{64} << 20;
  uint64_t max_payload_bytes = kDefaultMaxPayload;
  size_t receive_buffer_bytes = size_t{64} << 10;
  std::chrono::milliseconds heartbeat_interval{5000};  // 0: no heartbeat
  std::chrono::milliseconds heartbeat_timeout{30000};
  // Where users' callbacks go that a frame's handling completes, and what sent frames held: a tensor's release may be a
  // user's code. Null: the handler sees to it itself.
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

// What a thread does that lingers as a connection's reader. While it lingers FrameHandler::on_frame may leave work with it
// instead of posting it.
class Lingerer {
 public:
  // Asked after each frame.
  [[nodiscard]] virtual bool has_work() const noexcept = 0;
  // Asked before it reads on: others may wait for this thread.
  [[nodiscard]] virtual bool has_enough() noexcept = 0;
  // Whether that will be over within some 20 us, as far as is known. Then the role is lent meanwhile, and what comes waits for
  // it, or for some milliseconds if it takes longer after all. Otherwise the role is free before it begins.
  [[nodiscard]] virtual bool is_short() const noexcept = 0;
  // Without the role.
  virtual void run() noexcept = 0;

 protected:
  ~Lingerer() = default;
};

class Connection : public detail::RefCounted {
 public:
  // Begins to read. Frames that came before it wait in the socket.
  virtual void start(detail::Ref<FrameHandler> handler) = 0;

  // Writes what the socket takes now, queues the rest; never refuses because much is queued. Null on success: then the
  // frame arrives unless the connection ends before. An error, and nothing sent: the connection is closed (its cause), a
  // limit of the wire is exceeded, this is a forked child. A kCancel leaves behind its large request.
  [[nodiscard]] virtual std::exception_ptr send(OutFrame&& frame) = 0;
  // False while more than max_copied_bytes are queued: whoever may wait does so before sending more.
  [[nodiscard]] virtual bool has_room() const noexcept = 0;
  // Memory that was copied for being sent and still waits.
  [[nodiscard]] virtual size_t copied_bytes() const noexcept = 0;
  // Done at once when there is room or the connection is closed, else once less than half of the bound is queued. Then ask
  // has_room() again: others wait for the same. Completed on the loop's thread, users' callbacks behind its gate.
  [[nodiscard]] virtual Future<void> room() = 0;

  // For a thread that waits for something this connection brings: takes the reader role and reads until
  // done() or the deadline or the polling budget is over; when another thread holds the role it only watches
  // done(). Returns done(). On false the caller sleeps as it always would: the loop reads on.
  [[nodiscard]] virtual bool try_poll(TimePoint deadline, DoneCheck done) noexcept = 0;

  // For a thread that sends a request and then waits for the answer at once, before it sends: the answer does not have to
  // wake anybody then. If the thread does not wait after all, what comes meanwhile is read some milliseconds later.
  virtual void expect_wait() noexcept = 0;
  // For a thread that has just handled something of this connection, and may block: it takes the reader role, as a thread that
  // waits does, and runs what comes for a thread like itself. It returns when nothing has come for the polling budget, when
  // another thread reads, or when `lingerer` has had enough.
  virtual void linger(Lingerer& lingerer) noexcept = 0;

  // Writes the small frames that are queued, says goodbye behind the chunk under way (what is large and not complete
  // is dropped) and waits for the peer to close as well: all until `deadline` at most, whatever the peer does. Also
  // when a handler never returns from on_frame: then closed() is true by that time, and on_close may not have come.
  virtual void shutdown(GoodbyeReason reason, std::string_view text, TimePoint deadline) noexcept = 0;
  // At once; what is queued is dropped. on_close follows with `error`, or a Cancelled when it is null.
  virtual void close(std::exception_ptr error) noexcept = 0;
  [[nodiscard]] virtual bool closed() const noexcept = 0;
  // Null while it is open.
  [[nodiscard]] virtual std::exception_ptr error() const = 0;

  [[nodiscard]] virtual const PeerInfo& peer() const noexcept = 0;
};

}  // namespace tine::rpc
