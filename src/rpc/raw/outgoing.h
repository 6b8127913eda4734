// OutgoingCall: a raw call of ours, from call() to the return of its sink.
//
// It is pending in its worker's table; then whichever party takes it out of there ends it, once; then its sink is told, on a
// thread of callbacks. When the executor is closed there is no such thread, and the thread that ends the call tells the sink. The
// table holds the call, then the task does. It keeps the node's parts. docs/spec/agent.md, "Raw calls".
#pragma once

#include <memory>
#include <new>
#include <string>
#include <variant>

#include "src/rpc/raw/activity.h"
#include "tine/detail/ref.h"
#include "tine/raw.h"

namespace tine::rpc {

// The ends of a node's calls.
struct Endings {
  Executor& callbacks;
  Activity sinks;  // owed or running
};

// A call fails, whatever memory there is: of its words there may be none.
template <class Words>
[[nodiscard]] RawFailure failure_of(RawFailure::Kind kind, const RawWorker& worker, Words words) noexcept {
  try {
    return {kind, std::string(words()), worker};
  } catch (const std::bad_alloc&) {
    return {kind, "out of memory", {{}, worker.id}};  // short enough to need none
  }
}
[[nodiscard]] inline RawFailure copy_of(const RawFailure& failure) noexcept {
  return failure_of(failure.kind, failure.worker, [&] { return failure.text; });
}

class OutgoingCall final : public detail::RefCounted, private Task {
 public:
  OutgoingCall(std::shared_ptr<Endings> endings, std::shared_ptr<RawSink> sink, TimePoint deadline) noexcept;

  void end(RawMessage reply) noexcept;
  // `behind` is dropped once the sink has returned.
  void end(RawFailure failure, detail::Ref<detail::RefCounted> behind = {}) noexcept;

  [[nodiscard]] bool counts() const noexcept { return true; }
  uint64_t id = 0;  // of the slot
  const TimePoint started = Clock::now();
  const TimePoint deadline;

 private:
  void post() noexcept;
  void run() noexcept override;
  void abandon() noexcept override { run(); }

  const std::shared_ptr<Endings> endings_;
  std::shared_ptr<RawSink> sink_;
  std::variant<std::monostate, RawMessage, RawFailure> how_;
  detail::Ref<detail::RefCounted> behind_;
};

}  // namespace tine::rpc
