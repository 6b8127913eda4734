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
#include <source_location>
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
  Destination(std::shared_ptr<Agent> agent, tine::detail::Ref<tine::detail::RefCounted> peer,
              TimePoint deadline) noexcept
      : agent_(std::move(agent)), peer_(std::move(peer)), deadline_(deadline) {}

  // ValueError when it has left a world that changes.
  [[nodiscard]] const WorkerInfo& worker() const;
  [[nodiscard]] bool is_self() const noexcept;
  // Whether it or this worker runs registered functions alone for the other.
  [[nodiscard]] bool is_restricted() const noexcept;
  // Whether one more call stays within the bounds; what follows may call all the same.
  [[nodiscard]] bool has_room() const;
  // Until it does, or the deadline has come (then the call fails by it). Cancelled when `interrupted`.
  void wait_for_room(const std::function<bool()>& interrupted = {}) const;
  [[nodiscard]] Future<void> room() const;

  [[nodiscard]] Future<Value> call(CallRequest request) const;
  [[nodiscard]] RRef<> remote(CallRequest request) const;
  // A call whose result is a stream; `timeout` is that of each item. ValueError for a credit that cannot be. `where` is named
  // by the report of an error that nobody looks at.
  [[nodiscard]] tine::detail::Ref<tine::detail::RemoteItems> stream(
      CallRequest request, Seconds timeout, size_t credit, const std::source_location& where = {}) const;

 private:
  std::shared_ptr<Agent> agent_;
  tine::detail::Ref<tine::detail::RefCounted> peer_;  // the agent's
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

// Whether the owner is known to know the reference: PyTorch's meaning. An error of its creation counts as not looked at.
[[nodiscard]] TINE_API bool confirmed_by_owner(const RRef<>& rref) noexcept;
// A reference as numbers, for a way of the user's own to another worker of this world. The value is kept until whoever takes
// it has told the owner so, or until this worker's end (docs/spec/rref.md, "Lent references").
struct LentRRef {
  int owner = -1;
  uint64_t owner_incarnation = 0, creator_incarnation = 0, number = 0;
  int parent = -1;
  uint64_t fork = 0;
};
[[nodiscard]] TINE_API LentRRef lend(const RRef<>& rref);
[[nodiscard]] TINE_API RRef<> take(const Worker& worker, const LentRRef& lent);

// What a worker waits for and holds, for people who look for what is stuck.
struct CallsOfName {
  std::string name;
  size_t count = 0;
  Seconds oldest{0};
};
struct PeerReport {
  WorkerInfo worker;
  std::string address, death;      // empty: this worker itself; alive
  std::vector<CallsOfName> calls;  // to it, without an answer; the name with the oldest call first
  size_t calls_running = 0;        // of it, here
  size_t bytes_queued = 0;
  uint64_t frames_sent = 0, bytes_sent = 0, frames_received = 0, bytes_received = 0;
};
struct Report {
  size_t references_owned = 0, references_held = 0, references_passed = 0;
  std::vector<PeerReport> peers;  // by rank
};
[[nodiscard]] TINE_API Report report(const Worker& worker);

}  // namespace tine::rpc
