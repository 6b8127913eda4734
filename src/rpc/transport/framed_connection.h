// FramedConnection: a Connection over a Channel, whatever transport that is of.
//
// The loop watches the channel from start() on. The channel's events hold the connection until finish().
//
// The reader's role (reader_role.h) is one thread's at a time. Its holder alone touches the FrameReader and reads the channel. A
// waiting thread that takes the role disarms the channel first and arms it again before it gives the role back: so the loop is not woken for
// what the waiter reads, and nothing that comes later is missed. With a socket such a turn costs two epoll_ctl.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "src/base/mutex.h"
#include "src/base/polling.h"
#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/frame_reader.h"
#include "src/rpc/transport/io_loop.h"
#include "src/rpc/transport/reader_role.h"
#include "src/rpc/transport/write_queue.h"

namespace tine::rpc {

class FramedConnection final : public Connection, private WriteQueue::Owner, private Loop::Errand {
 public:
  // Of a peer that has proven itself. Nobody watches the channel yet.
  FramedConnection(const Loop& loop, std::unique_ptr<Channel> channel, PeerInfo peer,
                   ConnectionOptions options);
  ~FramedConnection() override;

  void start(detail::Ref<FrameHandler> handler) override;
  std::exception_ptr send(OutFrame&& frame) override;
  bool has_room() const noexcept override { return writer_.has_room(); }
  size_t copied_bytes() const noexcept override { return writer_.copied_bytes(); }
  Future<void> room() override;
  bool try_poll(TimePoint deadline, DoneCheck done) noexcept override;
  void expect_wait() noexcept override;
  void linger(Lingerer& lingerer) noexcept override;
  void shutdown(GoodbyeReason reason, std::string_view text, TimePoint deadline) noexcept override;
  void close(std::exception_ptr error) noexcept override;
  bool closed() const noexcept override { return role_.closed(); }
  std::exception_ptr error() const override;
  const PeerInfo& peer() const noexcept override { return peer_; }

 private:
  class Events;
  class Role;
  class Guard;
  enum class Read : uint8_t { kNothing, kSome, kEnded };
  // What is left for the loop by the one who gives the role back.
  enum class Left : uint8_t { kNothing, kBuffered, kUnread };
  struct Goodbye {
    GoodbyeReason reason;
    std::string text;
  };

  // What the loop's thread is to do. To ask for it takes no memory.
  enum Chore : uint8_t {
    kTellRoom = 1,
    kReadBuffered = 2,
    kRead = 4,
    kTellClosed = 8,
    kFinish = 16,
    kSayForget = 32
  };
  void ask_for(Chore chore) noexcept;
  void do_chores(uint8_t chores, bool on_loop) noexcept;
  void run_errand() noexcept override;
  void drop_errand() noexcept override;

  void loop_ends() noexcept;
  [[nodiscard]] bool loop_sleeps() noexcept;
  void read_on_loop(bool buffered_only) noexcept;
  Read read_once() noexcept TINE_REQUIRES(reader_);
  Read dispatch_all(TimePoint now) TINE_REQUIRES(reader_);
  void dispatch(Frame& frame) TINE_REQUIRES(reader_);
  bool poll_with_role(TimePoint deadline, DoneCheck done) noexcept TINE_RELEASE(reader_);
  [[nodiscard]] bool take_role() noexcept TINE_TRY_ACQUIRE(true, reader_);
  void free_role(Left left) noexcept TINE_RELEASE(reader_);
  void lend_role() noexcept TINE_RELEASE(reader_);
  void leave_role() noexcept TINE_RELEASE(reader_);
  void ask_for(ReaderRole<std::atomic>::Then then, Left left) noexcept;
  [[nodiscard]] bool start_guard() noexcept;
  // Whether the loop looks after a role that is lent.
  [[nodiscard]] bool see_to_guard() noexcept;
  [[nodiscard]] bool look_after() noexcept;
  [[nodiscard]] Read look(DoneCheck done) noexcept TINE_REQUIRES(reader_);
  // Reads until something is left with `lingerer`. False: nothing has come for it.
  [[nodiscard]] bool read_for(Lingerer& lingerer, PollTurn& turn) noexcept TINE_REQUIRES(reader_);
  Read read_rest() noexcept TINE_REQUIRES(reader_);
  void flush() noexcept;

  void stream_ended(int error) noexcept TINE_REQUIRES(reader_);
  [[nodiscard]] CloseInfo how_it_ended(int error) const TINE_REQUIRES(reader_);
  void malformed(const std::string& what) noexcept;
  void give_up(std::string_view what) noexcept;
  void fail(CloseInfo info) noexcept;
  void finish() noexcept;
  void tell_closed(const detail::Ref<FrameHandler>& handler) noexcept;
  void send_own(FrameKind kind, uint64_t number);
  // What of the frame lies in memory that the other side can map is not copied.
  void lend_segments(OutFrame& frame);
  void say_forget() noexcept;
  void say_forgotten(uint64_t memory) TINE_REQUIRES(reader_);
  void say_goodbye(GoodbyeReason reason, std::string_view text) noexcept;
  void beat() noexcept;
  void plan_beat();

  void room_again() noexcept override;
  void tell_room() noexcept;
  Executor* where_to_let_go() noexcept override;
  [[nodiscard]] bool reads_here() const noexcept;

  Loop loop_;
  const std::unique_ptr<Channel> channel_;
  SharedMemory* const shared_;  // the channel's; null: none
  const PeerInfo peer_;
  const ConnectionOptions options_;
  WriteQueue writer_;

  struct Reading {
    explicit Reading(FrameReader reader) : frames(std::move(reader)) {}
    FrameReader frames;
    PollPolicy policy, lingering;
    Lingerer* lingerer = nullptr;  // while one reads
    bool has_rest = false;         // frames that nobody has looked at lie in the buffer
    std::optional<Goodbye> goodbye;
    std::shared_ptr<std::atomic<size_t>> forgotten;  // frames that wait to be written; null before the first
    bool may_have_more = false;
    size_t bytes = 0;  // of the last read
  };
  ReaderRole<std::atomic> role_;
  detail::Role reader_;  // the thread that has taken role_ has it
  Reading reading_ TINE_GUARDED_BY(reader_);

  std::atomic<uint8_t> chores_{0};  // asked for and not begun: then the errand is posted
  std::atomic<bool> started_{false};
  std::atomic<bool> shutting_down_{false};
  std::atomic<uint64_t> received_{0};       // counts receives, for the heartbeat
  std::atomic<std::thread::id> holding_{};  // this thread's sends are flushed together
  std::atomic<std::thread::id> polling_{};  // holds the role and is not the loop's

  mutable Mutex state_mutex_;
  detail::Ref<FrameHandler>
      handler_;     // guarded by state_mutex_; the role's holder reads it without: finish() has the role
  CloseInfo info_;  // guarded by state_mutex_ until closed(), then constant
  bool was_started_ TINE_GUARDED_BY(state_mutex_) = false;
  bool finished_ TINE_GUARDED_BY(state_mutex_) = false;
  TimerId beat_, shutdown_timer_;  // guarded by state_mutex_ until finished_, then finish()'s

  Mutex room_mutex_;
  detail::Ref<detail::State<void>> room_ TINE_GUARDED_BY(room_mutex_);  // null when nobody waits

  // What only the loop's thread touches.
  struct Heart {
    uint64_t signs_at_last_beat = 0;
    uint64_t received_at_last_beat = 0;
    int64_t silent_beats = 0;
  } heart_;
};

}  // namespace tine::rpc
