#include "src/rpc/call_table.h"

#include <fmt/format.h>

#include "src/rpc/peer.h"

namespace tine::rpc {

CallState::CallState(detail::Ref<Peer> to, detail::WaitHelper* helper, std::string name, Target t,
                     TimePoint until)
    : State<Value>(helper),
      Node(&kOps),
      started(Clock::now()),
      deadline(until),
      target(t),
      what(std::move(name)),
      peer(std::move(to)) {}

CallState::~CallState() = default;

void CallState::run(detail::Node* node, detail::StateBase& done) noexcept {
  const detail::Outcome outcome = done.outcome();
  if (outcome != detail::Outcome::kCancelled && outcome != detail::Outcome::kDeadline) return;
  auto* const self = static_cast<CallState*>(node);
  if (const auto slot = self->peer->calls.take(self->id)) self->peer->send_cancel(self->id);
}

std::exception_ptr CallState::deadline_error(TimePoint now) const {
  const double after = std::chrono::duration<double>(now - started).count();
  return make_error(
      ErrorKind::kDeadlineExceeded,
      fmt::format("RPC to worker '{}' ran for more than its timeout: {} was not answered within {:.3g} s",
                  peer->info.name, what, after));
}

CallTable::Added CallTable::add(const detail::Ref<CallState>& call, size_t limit) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Added::kClosed;
  const bool control = call->target == Target::kControl;
  if (used_ - control_ >= limit && !control) return Added::kFull;
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
  control_ += control;
  return Added::kYes;
}

detail::Ref<CallState> CallTable::take_slot(size_t index) noexcept {
  Slot& slot = slots_[index];
  if (++slot.generation == 0) slot.generation = 1;
  slot.next_free = free_;
  free_ = static_cast<uint32_t>(index + 1);
  --used_;
  control_ -= slot.call->target == Target::kControl;
  return std::move(slot.call);
}

detail::Ref<CallState> CallTable::take(uint64_t id) noexcept {
  const uint64_t number = id & 0xffffffff;
  const std::lock_guard lock(mutex_);
  if (number == 0 || number > slots_.size()) return {};
  Slot& slot = slots_[number - 1];
  if (!slot.call || slot.generation != id >> 32) return {};
  return take_slot(number - 1);
}

std::vector<detail::Ref<CallState>> CallTable::close() {
  std::vector<detail::Ref<CallState>> all;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  all.reserve(used_);
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].call) all.push_back(take_slot(i));
  }
  return all;
}

void CallTable::take_expired(TimePoint now, std::vector<detail::Ref<CallState>>* expired, TimePoint* next) {
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
}

size_t CallTable::pending() const noexcept {
  const std::lock_guard lock(mutex_);
  return used_ - control_;
}

}  // namespace tine::rpc
