#include "src/rpc/call_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tine::rpc {

CallState::CallState(detail::Ref<Callee> callee, detail::WaitHelper* helper, std::string name, Target t,
                     TimePoint until)
    : State<Value>(helper),
      Node(&kOps),
      started(Clock::now()),
      origin(started),
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

std::string CallState::subject() const {
  return fmt::format("the call of {} to worker '{}'", what, to->callee());
}

std::exception_ptr CallState::deadline_error(TimePoint now) const {
  // A time that was over before the call was sent is none that one can read.
  const double after = std::max(std::chrono::duration<double>(now - started).count(), 1e-6);
  const std::exception_ptr error = make_error(
      ErrorKind::kDeadlineExceeded,
      fmt::format("RPC ran for more than its timeout: worker '{}' did not answer {} within {:.3g} s",
                  to->callee(), what, after));
  return with_hop(error, hop(now));
}

Hop CallState::hop(TimePoint now) const {
  using std::chrono::microseconds;
  Hop hop{Hop::Kind::kWorker, to->callee(), "", 0, what};
  hop.began = std::chrono::duration_cast<microseconds>(started - origin);
  hop.took = std::chrono::duration_cast<microseconds>(now - started);
  return hop;
}

std::exception_ptr CallState::with_own_hop(const std::exception_ptr& error) const noexcept try {
  return with_hop(error, hop(Clock::now()));
} catch (const std::bad_alloc&) {
  return error;
}

std::vector<UnansweredCalls> by_name(const CallTable<CallState>& calls) {
  const TimePoint now = Clock::now();
  std::map<std::string, UnansweredCalls> found;
  calls.each([&](const CallState& call) {
    if (!call.counts()) return;
    UnansweredCalls& of_name = found[call.what];
    ++of_name.count;
    of_name.oldest = std::max(of_name.oldest, now - call.started);
  });
  std::vector<UnansweredCalls> list;
  for (auto& [name, of_name] : found) {
    of_name.name = name;
    list.push_back(std::move(of_name));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.oldest > b.oldest; });
  return list;
}

}  // namespace tine::rpc
