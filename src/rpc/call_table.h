// CallTable: the calls to one worker that have no answer yet.
//
// State      Slots, each free or holding one call; open until closed, for good.
// Threads    Any.
// Ordering   Whoever takes a call out completes it: reply, deadline, death and cancellation race for that.
// Ownership  A slot holds a reference to its call.
// Errors     add() says why it did not.
// Cost       add, take: one short lock, no allocation once the table has grown.
// Source     Slot maps with generations: an id of a call long gone finds nothing.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "src/rpc/call.h"

namespace tine::rpc {

class Peer;

// A pending call: its future's state, and the node that notices when the user cancels it.
class CallState final : public detail::State<Value>, private detail::Node {
 public:
  CallState(detail::Ref<Peer> peer, detail::WaitHelper* helper, std::string what, Target target,
            TimePoint deadline);
  ~CallState() override;

  // From here on a cancellation frees the slot and tells the callee.
  void watch_cancellation() noexcept { subscribe(this); }
  [[nodiscard]] std::exception_ptr deadline_error(TimePoint now) const;

  uint64_t id = 0;  // of the slot
  const TimePoint started;
  const TimePoint deadline;
  const Target target;
  const std::string what;
  const detail::Ref<Peer> peer;

 private:
  static void run(detail::Node* node, detail::StateBase& done) noexcept;
  static constexpr detail::NodeOps kOps{&CallState::run, false};
};

class CallTable {
 public:
  enum class Added : uint8_t { kYes, kFull, kClosed };
  // Sets call->id.
  [[nodiscard]] Added add(const detail::Ref<CallState>& call, size_t limit);
  // Null when there is no such call any more.
  [[nodiscard]] detail::Ref<CallState> take(uint64_t id) noexcept;
  // All of them; add() refuses from now on.
  [[nodiscard]] std::vector<detail::Ref<CallState>> close();
  // Those whose deadline has passed; `next` is lowered to the earliest of the others.
  void take_expired(TimePoint now, std::vector<detail::Ref<CallState>>* expired, TimePoint* next);
  [[nodiscard]] size_t pending() const noexcept;  // control calls not counted

 private:
  struct Slot {
    detail::Ref<CallState> call;
    uint32_t generation = 1;
    uint32_t next_free = 0;  // index + 1
  };
  detail::Ref<CallState> take_slot(size_t index) noexcept;

  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  uint32_t free_ = 0;  // index + 1
  size_t used_ = 0;
  size_t control_ = 0;
  bool closed_ = false;
};

}  // namespace tine::rpc
