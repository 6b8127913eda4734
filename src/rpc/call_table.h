// CallTable: the calls to one worker that have no answer yet. CallState: one of them. Callee: whom they were made to.
//
// State      Slots, each free or holding one call; open until closed, for good.
// Threads    Any.
// Ordering   Whoever takes a call out completes it: reply, deadline, death and cancellation race for that.
// Ownership  A slot holds a reference to its call, a call one to its callee.
// Errors     None: past its limit it has no room, which is for those to heed who can wait; it takes all the same.
// Cost       add, take: one short lock, no allocation once the table has grown.
// Source     Slot maps with generations: an id of a call long gone finds nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "src/rpc/call.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class CallState;

class CallTable {
 public:
  explicit CallTable(size_t limit) noexcept;
  ~CallTable();
  CallTable(const CallTable&) = delete;
  CallTable& operator=(const CallTable&) = delete;

  // Sets call->id; false, and nothing done, once the table is closed.
  [[nodiscard]] bool add(const detail::Ref<CallState>& call);
  // Null when there is no such call any more.
  [[nodiscard]] detail::Ref<CallState> take(uint64_t id) noexcept;
  // All of them; add() refuses from now on.
  [[nodiscard]] std::vector<detail::Ref<CallState>> close();
  // Those whose deadline has passed; `next` is lowered to the earliest of the others.
  void take_expired(TimePoint now, std::vector<detail::Ref<CallState>>* expired, TimePoint* next);

  [[nodiscard]] size_t pending() const noexcept {  // control calls not counted
    return pending_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_room() const noexcept { return pending() < limit_; }
  // Done when half of the limit is free again, or the table is closed; at once while there is room.
  [[nodiscard]] Future<void> room();

 private:
  struct Slot;
  using Room = detail::Ref<detail::State<void>>;
  detail::Ref<CallState> take_slot(size_t index) noexcept;
  [[nodiscard]] Room room_made() noexcept;

  const size_t limit_;
  std::atomic<size_t> pending_{0};  // written under the lock
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  uint32_t free_ = 0;  // index + 1
  size_t used_ = 0;
  bool closed_ = false;
  Room room_;  // somebody waits for it
};

// A worker as the calls to it know it.
class Callee : public FrameHandler {
 public:
  explicit Callee(size_t max_calls) noexcept : calls(max_calls) {}
  [[nodiscard]] virtual const std::string& callee() const noexcept = 0;  // its name
  // Nobody waits for that call any more.
  virtual void send_cancel(uint64_t id) noexcept = 0;

  CallTable calls;
};

// A pending call: its future's state, and the node that notices when the user cancels it.
class CallState final : public detail::State<Value>, private detail::Node {
 public:
  CallState(detail::Ref<Callee> to, detail::WaitHelper* helper, std::string what, Target target,
            TimePoint deadline);
  ~CallState() override;

  // From here on a cancellation frees the slot and tells the callee.
  void watch_cancellation() noexcept { subscribe(this); }
  // Fails it, unless it has ended, and tells the callee.
  void give_up(std::exception_ptr error) noexcept;
  [[nodiscard]] std::exception_ptr deadline_error(TimePoint now) const;

  uint64_t id = 0;  // of the slot
  const TimePoint started;
  const TimePoint deadline;
  const Target target;
  const std::string what;
  const detail::Ref<Callee> to;
  std::shared_ptr<const ScriptCode> code;  // what it carried: the callee has it once it has answered

 private:
  static void run(detail::Node* node, detail::StateBase& done) noexcept;
  static constexpr detail::NodeOps kOps{&CallState::run, false, true};
};

struct CallTable::Slot {
  detail::Ref<CallState> call;
  uint32_t generation = 1;
  uint32_t next_free = 0;  // index + 1
};

}  // namespace tine::rpc
