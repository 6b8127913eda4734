#include "src/rpc/lingering.h"

#include <functional>
#include <utility>

#include "src/rpc/incoming.h"

namespace tine::rpc {
namespace {

thread_local Lingering* current = nullptr;

}  // namespace

Lingering::Lingering(Durations& durations) noexcept : durations_(durations) { current = this; }
Lingering::~Lingering() { current = nullptr; }

void Lingering::at(Connection& connection, Durations& durations) noexcept {
  if (current) return;
  Lingering lingering(durations);
  connection.linger(lingering);
}

bool Lingering::take(IncomingState& call) noexcept {
  if (!current || current->call_) return false;
  current->hash_ = std::hash<std::string>()(call.name);
  current->call_ = detail::Ref<IncomingState>::share(&call);
  return true;
}

bool Lingering::is_short() const noexcept { return durations_.is_short(hash_); }

void Lingering::run() noexcept {
  auto call = std::move(call_);
  const size_t hash = hash_;
  // What the call itself reads while it waits is not for this thread to run.
  current = nullptr;
  const TimePoint began = Clock::now();
  call->call_handler();
  call = nullptr;
  durations_.note(hash, Clock::now() - began);
  current = this;
}

}  // namespace tine::rpc
