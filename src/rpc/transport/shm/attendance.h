// Attendance: who looks at a channel in shared memory, so that the peer need not ring for it.
//
// A thread polls it, or the loop looks at it: then it is attended. A writer that finds no room says so by want_writable(). Invariant, between any two operations of the threads of this process:
//   wanted and room  =>  attended, or the peer rings when it makes room (writer_waits), or its bell or an event of the loop is on
//                        its way, or a thread is about to ask for one of these.
// It rests on two sides that store and then look, all sequentially consistent, so one of the two sees the other's store:
//   want_writable() stores the wish, then looks whether anybody attends;
//   who stops attending says so, then looks for the wish, and asks for the bell in its place.
// Asking for the bell is a pair of the same kind, with the peer (ring.h).
//
// poll() and stop_polling() are for the holder of the reader's role, look() and stop_looking() for the loop's thread,
// want_writable() for the writer. Where a function says true there is room now, of which nobody is told: the caller makes the
// loop look.
#pragma once

#include <atomic>
#include <cstdint>

#include "src/rpc/transport/shm/ring.h"

namespace tine::rpc {

template <template <class> class Atomic>
class Attendance {
 public:
  explicit Attendance(RingWriter<Atomic>& out) noexcept : out_(out) {}

  void poll() noexcept {
    attended_.fetch_or(kPolled);
    if (wanted_.load(std::memory_order_relaxed)) out_.forget_room();
  }
  [[nodiscard]] bool stop_polling() noexcept {
    attended_.fetch_and(static_cast<uint8_t>(~kPolled));
    return wanted_.load() && out_.await_room();
  }

  // False: it does so already.
  bool look() noexcept {
    if (is_looked_at()) return false;
    attended_.fetch_or(kLookedAt);
    return true;
  }
  void stop_looking() noexcept { attended_.fetch_and(static_cast<uint8_t>(~kLookedAt)); }
  // After stop_looking(). A thread that polls asks for the bell itself when it stops.
  [[nodiscard]] bool room_for_nobody() noexcept {
    return attended_.load() == 0 && wanted_.load() && out_.await_room();
  }
  [[nodiscard]] bool is_looked_at() const noexcept {
    return (attended_.load(std::memory_order_relaxed) & kLookedAt) != 0;
  }

  [[nodiscard]] bool want_writable(bool want) noexcept {
    wanted_.store(want);
    if (want) return room_for_nobody();
    out_.forget_room();
    return false;
  }
  [[nodiscard]] bool wants_writable() const noexcept { return wanted_.load(); }
  // For who attends.
  [[nodiscard]] bool may_write() const noexcept {
    return wanted_.load(std::memory_order_relaxed) && out_.has_room();
  }

 private:
  enum By : uint8_t { kPolled = 1, kLookedAt = 2 };

  RingWriter<Atomic>& out_;
  Atomic<uint8_t> attended_{0};
  Atomic<bool> wanted_{false};
};

}  // namespace tine::rpc
