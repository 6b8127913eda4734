// What bindings need of RPC beyond include/tine/rpc.h and include/tine/foreign.h: a call in its steps, so that a binding can
// take and give back its language's lock between them.
//
//   const Destination to = destination(worker, rpc::To("w1"), rpc::kDefaultTimeout);
//   rpc::CallRequest request = request_for(worker, "aten::add", {x, y});  // or one of the language's own
//   check(worker, request);
//   to.wait_for_room(interrupted);  // blocks: without the lock
//   Future<Value> sum = to.call(std::move(request));
//
// Worker::call(), Python and scripts make every call in this way.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tine/foreign.h"
#include "tine/rpc.h"

namespace tine::rpc {

class Agent;

// Where a call goes, and by when. It keeps working, and fails its calls, when the worker has left meanwhile.
class TINE_API Destination {
 public:
  Destination(std::shared_ptr<Agent> agent, int rank, TimePoint deadline) noexcept
      : agent_(std::move(agent)), rank_(rank), deadline_(deadline) {}

  [[nodiscard]] const WorkerInfo& worker() const;
  [[nodiscard]] bool is_self() const noexcept;
  // Whether one more call stays within the bounds; what follows may call all the same.
  [[nodiscard]] bool has_room() const;
  // Until it does, or the deadline has come (then the call fails by it). Cancelled when `interrupted`.
  void wait_for_room(const std::function<bool()>& interrupted = {}) const;
  [[nodiscard]] Future<void> room() const;

  [[nodiscard]] Future<Value> call(CallRequest request) const;
  [[nodiscard]] RRef<> remote(CallRequest request) const;
  // A call whose result is a stream; `timeout` is that of each item. ValueError for a credit that cannot be.
  [[nodiscard]] tine::detail::Ref<tine::detail::RemoteItems> stream(CallRequest request, Seconds timeout,
                                                                    size_t credit) const;

 private:
  std::shared_ptr<Agent> agent_;
  int rank_;
  TimePoint deadline_;
};

// ValueError or TypeError for a worker that is not there, ValueError for a NaN; Error when this worker has not joined.
[[nodiscard]] TINE_API Destination destination(const Worker& worker, const Value& to, Seconds timeout);
// By its name: an operator, a script function that is known here, else what the callee serves by it.
[[nodiscard]] TINE_API CallRequest request_for(const Worker& worker, const std::string& callee,
                                               std::vector<Value> args,
                                               std::vector<std::pair<std::string, Value>> kwargs = {});
// As Worker::serve, with all of the call: what `run` throws is the answer. On a handler thread.
TINE_API void serve_calls(const Worker& worker, std::string name, std::function<void(IncomingCall)> run);
// Arguments that do not fit, or cannot travel, are an error of the call itself, as in PyTorch. A caller whose compiler has
// seen to that does without.
TINE_API void check(const Worker& worker, const CallRequest& request);

}  // namespace tine::rpc
