// ReaderRole: which thread reads a connection, and how the role passes from one to the next so that nothing that comes is left
// unread.
//
//   free      Nobody reads. The channel is armed: an event tells the loop of what comes.
//   taken     Its holder reads.
//   leaving   Its holder arms the channel, looks once more, and then frees the role.
//   lent      Its holder comes back soon. The channel is not armed. The guard, which the loop runs each millisecond, reads
//             what comes if the holder does not come back.
//
// Invariants, between any two operations:
//   R1  taken or leaving  <=>  one thread is between take...() and free() or lend(), or finish() has kept the role.
//   R2  unread  =>  taken, or leaving, or (lent and guarded), or missed, or an event or chore for the loop is on its way.
//   R3  closed  =>  taken, or leaving, or finish() has run or is asked for.
//   R4  lent    =>  guarded, or its lender is about to see to the guard, or one who could not start it is about to have the channel read.
// R2 to R4 each rest on two threads that store and then look, each at what the other one stores. All operations that are not
// marked are sequentially consistent, so at least one of the two sees the other's store:
//   R2  the loop sets missed_, then tries the role; the holder frees the role, then looks at missed_.
//   R3  who closes sets closed_, then tries the role (finish()); the holder frees the role, then looks at closed_.
//   R4  the lender lends the role, then looks at guarded_; the guard clears guarded_, then looks at the role.
//
// Any thread may call take(), take_if_free(), has_guard(), close() and closed(). The role's holder alone calls leave(), free() and
// lend(). The loop's thread alone calls take_for_event() and look_after(). Atomic is std::atomic, or that of the interleaving
// tester.
#pragma once

#include <atomic>
#include <cstdint>

namespace tine::rpc {

template <template <class> class Atomic, int QuietLooks = 50>
class ReaderRole {
 public:
  // What whoever has given the role back is to ask the loop for.
  enum class Then : uint8_t { kNothing, kRead, kFinish };

  [[nodiscard]] bool take() noexcept {
    for (uint8_t seen = role_.load(); seen == kFree || seen == kLent;) {
      if (role_.compare_exchange_weak(seen, kTaken)) return true;
    }
    return false;
  }
  // A role that is lent is the guard's matter.
  [[nodiscard]] bool take_if_free() noexcept {
    uint8_t free = kFree;
    return role_.compare_exchange_strong(free, kTaken);
  }
  // Of an event of the channel. False: the holder will look once more, or will ask for another read.
  [[nodiscard]] bool take_for_event() noexcept {
    if (take()) return true;
    // A holder that is not leaving yet will arm the channel, and look after that. One that is leaving may have looked for the last
    // time before what this event tells of came.
    if (role_.load() == kTaken) return false;
    missed_.store(true);
    if (!take()) return false;
    missed_.store(false);
    return true;
  }

  // Before the channel is armed.
  void leave() noexcept { role_.store(kLeaving); }
  [[nodiscard]] Then free() noexcept {
    role_.store(kFree);
    return after();
  }
  // Instead of leave() and free().
  template <class StartGuard>
  [[nodiscard]] Then lend(StartGuard start) noexcept {
    lends_.store(lends_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    role_.store(kLent);
    const bool guarded = has_guard(start);
    const Then then = after();
    return then == Then::kNothing && !guarded ? Then::kRead : then;
  }

  // Whether the loop looks after a role that is lent. start() puts the guard into the loop's list; false: it could not.
  template <class StartGuard>
  [[nodiscard]] bool has_guard(StartGuard start) noexcept {
    if (guarded_.load() || guarded_.exchange(true)) return true;
    if (start()) return true;
    guarded_.store(false);
    return false;
  }
  // The guard's turn. read() takes the role and reads, if that has been lent since the last turn. False: it was not lent for
  // QuietLooks turns, and the guard goes.
  template <class Read>
  [[nodiscard]] bool look_after(Read read) noexcept {
    const uint32_t lends = lends_.load(std::memory_order_relaxed);
    if (lends != seen_lends_) {
      seen_lends_ = lends;
      quiet_looks_ = 0;
      return true;
    }
    if (role_.load() == kLent) read();
    if (++quiet_looks_ < QuietLooks) return true;
    quiet_looks_ = 0;
    guarded_.store(false);
    // Lent again meanwhile, by one who saw the guard.
    return role_.load() == kLent && !guarded_.exchange(true);
  }

  // For good. Then finish() is to be called or asked for.
  void close() noexcept { closed_.store(true); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

 private:
  enum Is : uint8_t { kFree, kTaken, kLeaving, kLent };

  Then after() noexcept {
    const bool missed = missed_.load() && missed_.exchange(false);
    if (closed_.load()) return Then::kFinish;
    return missed ? Then::kRead : Then::kNothing;
  }

  Atomic<uint8_t> role_{kFree};
  Atomic<uint32_t> lends_{0};
  Atomic<bool> guarded_{false};  // the loop looks after it
  Atomic<bool> missed_{false};   // the loop has found its holder leaving, and has not read since
  Atomic<bool> closed_{false};
  // The guard's.
  uint32_t seen_lends_ = 0;
  int quiet_looks_ = 0;
};

}  // namespace tine::rpc
