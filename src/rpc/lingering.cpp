#include "src/rpc/lingering.h"

#include <functional>
#include <utility>

#include "src/rpc/incoming.h"

namespace tine::rpc {
namespace {

thread_local Lingering* current = nullptr;

}  // namespace

Lingering::Lingering(Durations& durations, const Executor& pool) noexcept
    : durations_(durations), pool_(pool) {
  current = this;
}
Lingering::~Lingering() { current = nullptr; }

void Lingering::at(Connection& connection, Durations& durations, const Executor& pool) noexcept {
  if (current) return;
  Lingering lingering(durations, pool);
  connection.linger(lingering);
}

bool Lingering::take(IncomingState& call) noexcept {
  if (!current || current->call_) return false;
  current->hash_ = hash_of(call);
  current->call_ = detail::Ref<IncomingState>::share(&call);
  return true;
}

bool Lingering::has_enough() noexcept {
  if (now_ - looked_at_ < kBetweenLooks) return false;
  looked_at_ = now_;
  return pool_.has_waiting();
}

bool Lingering::is_short() const noexcept { return durations_.is_short(hash_); }

void Lingering::run() noexcept {
  // What the call itself reads while it waits is not for this thread to run.
  current = nullptr;
  now_ = run(std::move(call_), hash_, durations_);
  current = this;
}

size_t Lingering::hash_of(const IncomingState& call) noexcept { return std::hash<std::string>()(call.name); }

TimePoint Lingering::run(detail::Ref<IncomingState> call, size_t hash, Durations& durations) noexcept {
  const TimePoint began = Clock::now();
  call->call_handler();
  call = nullptr;  // it may be dropped without an answer
  const TimePoint now = Clock::now();
  durations.note(hash, now - began);
  return now;
}

}  // namespace tine::rpc
