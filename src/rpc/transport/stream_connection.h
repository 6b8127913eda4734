// StreamConnection: a Connection over a connected stream socket: unix, TCP or a socket pair.
//
// State      See Connection. The socket is watched by the loop from start() on.
// Threads    See Connection.
// Ordering   The reader role is an atomic flag. Its holder alone touches the FrameReader. A waiting thread
//            that takes it turns the loop's interest in the socket off first and on again before it gives the
//            role back: so the loop is not woken by what the waiter reads, and nothing that comes later is missed.
// Ownership  The loop holds the Watcher, the Watcher the connection: until finish().
// Errors     See Connection.
// Cost       See Connection. A waiter's turn costs two epoll_ctl.
// Source     DESIGN "Who runs what", "Polling".
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/frame_reader.h"
#include "src/rpc/transport/io_loop.h"
#include "src/rpc/transport/poll_policy.h"
#include "src/rpc/transport/write_queue.h"

namespace tine::rpc {

class StreamConnection final : public Connection, private WriteQueue::Owner {
 public:
  // Takes over the connected, non-blocking socket of a peer that has proven itself.
  StreamConnection(IoLoop& loop, int fd, PeerInfo peer, ConnectionOptions options);
  ~StreamConnection() override;

  void start(detail::Ref<FrameHandler> handler) override;
  std::exception_ptr send(OutFrame frame) override;
  size_t queued_bytes() const noexcept override { return writer_.queued_bytes(); }
  bool try_poll(TimePoint deadline, DoneCheck done) noexcept override;
  void shutdown(GoodbyeReason reason, std::string_view text, TimePoint deadline) noexcept override;
  void close(std::exception_ptr error) noexcept override;
  bool closed() const noexcept override { return closed_.load(std::memory_order_acquire); }
  std::exception_ptr error() const override;
  const PeerInfo& peer() const noexcept override { return peer_; }
  IoLoop& loop() const noexcept override { return loop_; }

 private:
  class Watcher;
  class Role;
  enum class Read : uint8_t { kNothing, kSome, kPassedOn, kEnded };
  struct Goodbye {
    GoodbyeReason reason;
    std::string text;
  };

  void on_events(uint32_t events) noexcept;
  void read_on_loop(bool buffered_only) noexcept;
  Read read_once(Role& role) noexcept;
  Read dispatch_all(Role& role, TimePoint now);
  void dispatch(Frame& frame, Role& role);
  bool poll_with_role(TimePoint deadline, DoneCheck done) noexcept;
  [[nodiscard]] bool take_role() noexcept { return !role_.exchange(true); }
  void give_role_back(bool buffered) noexcept;
  void flush() noexcept;

  void stream_ended(int error) noexcept;
  void malformed(const std::string& what) noexcept;
  void fail(CloseInfo info) noexcept;
  void finish() noexcept;
  void tell_closed(const detail::Ref<FrameHandler>& handler, const detail::Ref<Watcher>& watcher) noexcept;
  void beat() noexcept;
  void plan_beat();

  void want_readable(bool want) noexcept;
  void want_writable(bool want) noexcept override;
  void drained() noexcept override;
  void update_interest() noexcept;

  IoLoop& loop_;
  const int fd_;
  const PeerInfo peer_;
  const ConnectionOptions options_;
  WriteQueue writer_;
  detail::Ref<Watcher> watcher_;

  std::atomic<bool> role_{false};
  // The role's holder alone, down to the next blank line.
  FrameReader reader_;
  PollPolicy policy_;
  std::optional<Goodbye> goodbye_;
  bool socket_may_have_more_ = false;

  std::atomic<bool> started_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> shutting_down_{false};
  std::atomic<uint64_t> received_{0};       // counts receives, for the heartbeat
  std::atomic<std::thread::id> holding_{};  // this thread's sends are flushed together

  std::mutex interest_mutex_;
  bool want_readable_ = false, want_writable_ = false, watched_ = false;

  mutable std::mutex state_mutex_;
  detail::Ref<FrameHandler> handler_;
  CloseInfo info_;
  bool finished_ = false;
  TimerId beat_, shutdown_timer_;

  // The loop's thread alone.
  uint64_t received_at_last_beat_ = 0;
  int64_t silent_beats_ = 0;
};

}  // namespace tine::rpc
