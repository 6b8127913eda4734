// CallTable: the calls to one worker that have no answer yet. CallState: such a call of an agent. Callee: the worker that calls
// are made to.
//
// The table has slots with generations, each free or holding a call, so the id of a call that has long ended finds nothing. A
// slot holds a reference to its call, and a call one to its callee. The table is open until it is closed, for good. Any
// thread may use it. Reply, deadline, death and cancellation race for a call: whichever takes it out of the table completes it.
// Past its limit the table says that it has no room, and takes calls all the same: callers that can wait heed that. add() and
// take() cost one short lock, and no allocation once the table has grown.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/call.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

// A Call is counted (detail::RefCounted) and has `uint64_t id`, `TimePoint deadline` and `bool counts() const`: whether it
// is one of those that are bounded.
template <class Call>
class CallTable {
 public:
  explicit CallTable(size_t limit) noexcept : limit_(limit) {}
  CallTable(const CallTable&) = delete;
  CallTable& operator=(const CallTable&) = delete;

  // Sets call->id; false, and nothing done, once the table is closed.
  [[nodiscard]] bool add(const detail::Ref<Call>& call);
  // Null when there is no such call any more.
  [[nodiscard]] detail::Ref<Call> take(uint64_t id) noexcept;
  // add() refuses calls that count from now on; those that are there stay.
  void refuse() noexcept;
  // All of them; add() refuses from now on, also when there is no memory for the list: then take_one() has them.
  [[nodiscard]] std::vector<detail::Ref<Call>> close();
  [[nodiscard]] detail::Ref<Call> take_one() noexcept;
  // close(), and each of them to `end`, whatever there is of memory.
  template <class F>
  void close_and_end(const F& end) noexcept {
    try {
      for (const auto& call : close()) end(*call);
    } catch (const std::bad_alloc&) {
      while (const auto call = take_one()) end(*call);
    }
  }
  // Those whose deadline has passed; `next` is lowered to the earliest of the others.
  void take_expired(TimePoint now, std::vector<detail::Ref<Call>>* expired, TimePoint* next);

  // Calls f with each of them, under the lock.
  template <class F>
  void each(F&& f) const;

  [[nodiscard]] size_t pending() const noexcept {  // those that count
    return pending_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_room() const noexcept { return pending() < limit_.load(std::memory_order_relaxed); }
  // Done when half of the limit is free again, or the table is closed; at once while there is room.
  [[nodiscard]] Future<void> room();

 private:
  struct Slot {
    detail::Ref<Call> call;
    uint32_t generation = 1;
    uint32_t next_free = 0;  // index + 1
  };
  using Room = detail::Ref<detail::State<void>>;
  detail::Ref<Call> take_slot(size_t index) noexcept TINE_REQUIRES(mutex_);
  [[nodiscard]] Room room_made() noexcept TINE_REQUIRES(mutex_);

  std::atomic<size_t> limit_;
  std::atomic<size_t> pending_{0};  // written under the lock
  mutable Mutex mutex_;
  std::vector<Slot> slots_ TINE_GUARDED_BY(mutex_);
  uint32_t free_ TINE_GUARDED_BY(mutex_) = 0;  // index + 1
  size_t used_ TINE_GUARDED_BY(mutex_) = 0;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  bool refusing_ TINE_GUARDED_BY(mutex_) = false;
  Room room_ TINE_GUARDED_BY(mutex_);  // somebody waits for it
};

class CallState;

// A worker as the calls to it know it.
class Callee : public FrameHandler {
 public:
  explicit Callee(size_t max_calls) noexcept : calls(max_calls) {}
  [[nodiscard]] virtual const std::string& callee() const noexcept = 0;  // its name
  // Nobody waits for that call any more.
  virtual void send_cancel(uint64_t id) noexcept = 0;

  CallTable<CallState> calls;
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
  // This call as a step of an error's way that is over now, and the error with that step: the same error if there is no memory.
  [[nodiscard]] Hop hop(TimePoint now) const;
  [[nodiscard]] std::exception_ptr with_own_hop(const std::exception_ptr& error) const noexcept;
  [[nodiscard]] std::string subject() const override;

  [[nodiscard]] bool counts() const noexcept { return target != Target::kControl; }

  uint64_t id = 0;  // of the slot
  const TimePoint started;
  TimePoint origin;  // src/future/origin.h; when it started if it is the first of its chain
  const TimePoint deadline;
  const Target target;
  const std::string what;
  const detail::Ref<Callee> to;
  std::atomic<bool> answered{false};       // by the callee, with a value or an error; set before it is done
  std::shared_ptr<const ScriptCode> code;  // what it carried: the callee has it once it has answered

 private:
  static void run(detail::Node* node, detail::StateBase& done) noexcept;
  static constexpr detail::NodeOps kOps{&CallState::run, false, true};
};

// The name with the oldest call first; control calls are left out.
[[nodiscard]] std::vector<UnansweredCalls> by_name(const CallTable<CallState>& calls);

template <class Call>
template <class F>
void CallTable<Call>::each(F&& f) const {
  const MutexLock lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.call) f(*slot.call);
  }
}

template <class Call>
bool CallTable<Call>::add(const detail::Ref<Call>& call) {
  const MutexLock lock(mutex_);
  if (closed_ || (refusing_ && call->counts())) return false;
  if (!free_) {
    slots_.emplace_back();
    free_ = static_cast<uint32_t>(slots_.size());
  }
  const uint32_t index = free_ - 1;
  Slot& slot = slots_[index];
  free_ = slot.next_free;
  slot.call = call;
  call->id = uint64_t{slot.generation} << 32 | (index + 1);
  ++used_;
  if (call->counts()) pending_.store(pending() + 1, std::memory_order_relaxed);
  return true;
}

template <class Call>
detail::Ref<Call> CallTable<Call>::take_slot(size_t index) noexcept {
  Slot& slot = slots_[index];
  if (++slot.generation == 0) slot.generation = 1;
  slot.next_free = free_;
  free_ = static_cast<uint32_t>(index + 1);
  --used_;
  if (slot.call->counts()) pending_.store(pending() - 1, std::memory_order_relaxed);
  return std::move(slot.call);
}

template <class Call>
typename CallTable<Call>::Room CallTable<Call>::room_made() noexcept {
  return room_ && (closed_ || pending() <= limit_ / 2) ? std::move(room_) : Room();
}

template <class Call>
detail::Ref<Call> CallTable<Call>::take(uint64_t id) noexcept {
  const uint64_t number = id & 0xffffffff;
  Room room;
  detail::Ref<Call> call;
  {
    const MutexLock lock(mutex_);
    if (number == 0 || number > slots_.size()) return {};
    Slot& slot = slots_[number - 1];
    if (!slot.call || slot.generation != id >> 32) return {};
    call = take_slot(number - 1);
    room = room_made();
  }
  if (room) [[unlikely]]
    room->emplace();
  return call;
}

template <class Call>
void CallTable<Call>::refuse() noexcept {
  Room room;
  {
    const MutexLock lock(mutex_);
    refusing_ = true;
    limit_.store(SIZE_MAX, std::memory_order_relaxed);  // who waits for room comes and is refused
    room = std::move(room_);
  }
  if (room) room->emplace();
}

template <class Call>
std::vector<detail::Ref<Call>> CallTable<Call>::close() {
  std::vector<detail::Ref<Call>> all;
  Room room;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    all.reserve(used_);
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].call) all.push_back(take_slot(i));
    }
    room = room_made();
  }
  if (room) room->emplace();
  return all;
}

template <class Call>
detail::Ref<Call> CallTable<Call>::take_one() noexcept {
  Room room;
  detail::Ref<Call> call;
  {
    const MutexLock lock(mutex_);
    for (size_t i = 0; i < slots_.size() && !call; ++i) {
      if (slots_[i].call) call = take_slot(i);
    }
    room = room_made();
  }
  if (room) room->emplace();
  return call;
}

template <class Call>
void CallTable<Call>::take_expired(TimePoint now, std::vector<detail::Ref<Call>>* expired, TimePoint* next) {
  Room room;
  {
    const MutexLock lock(mutex_);
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].call) continue;
      const TimePoint deadline = slots_[i].call->deadline;
      if (deadline <= now) {
        expired->emplace_back();  // first: without memory for it the call stays
        expired->back() = take_slot(i);
      } else if (deadline < *next) {
        *next = deadline;
      }
    }
    room = room_made();
  }
  if (room) room->emplace();
}

template <class Call>
Future<void> CallTable<Call>::room() {
  const MutexLock lock(mutex_);
  if (closed_ || refusing_ || has_room()) return make_ready();
  if (!room_) room_ = detail::make_ref<detail::State<void>>();
  return Future<void>(room_);
}

}  // namespace tine::rpc
