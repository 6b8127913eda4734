#include "src/rpc/call_table.h"

#include <fmt/format.h>

namespace tine::rpc {

CallState::CallState(detail::Ref<Callee> callee, detail::WaitHelper* helper, std::string name, Target t,
                     TimePoint until)
    : State<Value>(helper),
      Node(&kOps),
      started(Clock::now()),
      deadline(until),
      target(t),
      what(std::move(name)),
      to(std::move(callee)) {}

CallState::~CallState() = default;

void CallState::run(detail::Node* node, detail::StateBase& done) noexcept {
  const detail::Outcome outcome = done.outcome();
  if (outcome != detail::Outcome::kCancelled && outcome != detail::Outcome::kDeadline) return;
  auto* const self = static_cast<CallState*>(node);
  if (const auto slot = self->to->calls.take(self->id)) self->to->send_cancel(self->id);
}

void CallState::give_up(std::exception_ptr error) noexcept {
  const auto mine = to->calls.take(id);
  if (!mine) return;
  fail(std::move(error));
  to->send_cancel(id);
}

std::exception_ptr CallState::deadline_error(TimePoint now) const {
  const double after = std::chrono::duration<double>(now - started).count();
  return make_error(
      ErrorKind::kDeadlineExceeded,
      fmt::format("RPC ran for more than its timeout: worker '{}' did not answer {} within {:.3g} s",
                  to->callee(), what, after));
}

CallTable::CallTable(size_t limit) noexcept : limit_(limit) {}
CallTable::~CallTable() = default;

bool CallTable::add(const detail::Ref<CallState>& call) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
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
  if (call->target != Target::kControl) pending_.store(pending() + 1, std::memory_order_relaxed);
  return true;
}

detail::Ref<CallState> CallTable::take_slot(size_t index) noexcept {
  Slot& slot = slots_[index];
  if (++slot.generation == 0) slot.generation = 1;
  slot.next_free = free_;
  free_ = static_cast<uint32_t>(index + 1);
  --used_;
  if (slot.call->target != Target::kControl) pending_.store(pending() - 1, std::memory_order_relaxed);
  return std::move(slot.call);
}

CallTable::Room CallTable::room_made() noexcept {
  return room_ && (closed_ || pending() <= limit_ / 2) ? std::move(room_) : Room();
}

detail::Ref<CallState> CallTable::take(uint64_t id) noexcept {
  const uint64_t number = id & 0xffffffff;
  Room room;
  detail::Ref<CallState> call;
  {
    const std::lock_guard lock(mutex_);
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

std::vector<detail::Ref<CallState>> CallTable::close() {
  std::vector<detail::Ref<CallState>> all;
  Room room;
  {
    const std::lock_guard lock(mutex_);
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

void CallTable::take_expired(TimePoint now, std::vector<detail::Ref<CallState>>* expired, TimePoint* next) {
  Room room;
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].call) continue;
      const TimePoint deadline = slots_[i].call->deadline;
      if (deadline <= now) {
        expired->push_back(take_slot(i));
      } else if (deadline < *next) {
        *next = deadline;
      }
    }
    room = room_made();
  }
  if (room) room->emplace();
}

Future<void> CallTable::room() {
  const std::lock_guard lock(mutex_);
  if (closed_ || has_room()) return make_ready();
  if (!room_) room_ = detail::make_ref<detail::State<void>>();
  return Future<void>(room_);
}

}  // namespace tine::rpc
