#include "src/runtime/rpc.h"

#include <fmt/format.h>

#include "src/rpc/peer.h"
#include "src/rpc/stream_reader.h"
#include "src/runtime/script.h"
#include "src/runtime/worker_parts.h"

namespace tine::rpc {
namespace {

tine::detail::Ref<Peer> peer_of(const Agent& agent, const Value& to) {
  if (to.is_string()) return agent.find(to.as_string());
  // Only an int is a rank.
  if (to.is_int()) return agent.find(to.as_int());
  if (to.is(Tag::kTuple) && !to.as_tuple().items.empty()) return peer_of(agent, to.as_tuple().items.front());
  throw TypeError(fmt::format("to: expected a worker's name, rank or WorkerInfo, got {}", name_of(to.tag())));
}

Peer& peer_in(const tine::detail::Ref<tine::detail::RefCounted>& peer) noexcept {
  return static_cast<Peer&>(*peer);
}

}  // namespace

const WorkerInfo& Destination::worker() const { return agent_->worker_info(peer_in(peer_)); }
bool Destination::is_self() const noexcept { return peer_in(peer_).is_self; }
bool Destination::is_restricted() const noexcept { return agent_->is_restricted(peer_in(peer_)); }
bool Destination::has_room() const { return agent_->has_room(peer_in(peer_)); }
void Destination::wait_for_room(const std::function<bool()>& interrupted) const {
  agent_->wait_for_room(peer_in(peer_), deadline_, interrupted);
}
Future<void> Destination::room() const { return agent_->room(peer_in(peer_)); }
Future<Value> Destination::call(CallRequest request) const {
  return agent_->call(peer_in(peer_), std::move(request), deadline_);
}
RRef<> Destination::remote(CallRequest request) const {
  return RRef<>(agent_->remote(peer_in(peer_), std::move(request), deadline_));
}
tine::detail::Ref<tine::detail::RemoteItems> Destination::stream(CallRequest request, Seconds timeout,
                                                                 size_t credit,
                                                                 const std::source_location& where) const {
  if (credit < 1 || credit > kMaxStreamCredit)
    throw ValueError(fmt::format("credit: expected 1 to {} items, got {}", kMaxStreamCredit, credit));
  (void)agent_->deadline_after(timeout);  // a NaN is refused here
  std::string what = request.name;
  request.stream_credit = credit;
  // The whole has the deadline of the Context alone.
  auto reader =
      tine::detail::make_ref<StreamReader>(agent_->remote(peer_in(peer_), std::move(request), kNoDeadline),
                                           std::move(what), timeout, credit, where);
  reader->start();
  return reader;
}

Destination Worker::Parts::destination(const Value& to, Seconds timeout) const {
  std::shared_ptr<Agent> open = agent();
  tine::detail::Ref<Peer> peer;
  try {
    peer = peer_of(*open, to);
  } catch (const ValueError& e) {
    throw ValueError("could not find destination: " + e.message());
  }
  const TimePoint deadline = open->deadline_after(timeout);
  return {std::move(open), std::move(peer), deadline};
}

CallRequest Worker::Parts::request_for(const std::string& callee, std::vector<Value> args,
                                       std::vector<std::pair<std::string, Value>> kwargs) const {
  if (runtime_.ops().find(callee)) return CallRequest::builtin(callee, std::move(args), std::move(kwargs));
  if (scripts_) {
    if (auto code = scripts_->exported_code(callee)) {
      return CallRequest::script(callee, std::move(code), std::move(args), std::move(kwargs));
    }
  }
  return CallRequest::served(callee, std::move(args), std::move(kwargs));
}

void Worker::Parts::check(const CallRequest& request) const {
  refuse_futures(request);
  const std::vector<Keyword> keywords(request.kwargs.begin(), request.kwargs.end());
  if (request.target == Target::kBuiltin) {
    std::vector<Value> bound;
    try {
      (void)runtime_.ops().resolve(request.name, request.args, keywords, Boundary::kPython, &bound);
    } catch (const TypeError& e) {
      throw TypeError("Overloaded torch operator invoked from Python failed to match any schema: " +
                      e.message());
    }
  } else if (const script::Function f = runtime_.scripts().peek(request.name)) {
    (void)ScriptStore::bind(f, request.args, keywords);
  }
}

Destination destination(const Worker& worker, const Value& to, Seconds timeout) {
  return worker.parts().destination(to, timeout);
}
CallRequest request_for(const Worker& worker, const std::string& callee, std::vector<Value> args,
                        std::vector<std::pair<std::string, Value>> kwargs) {
  return worker.parts().request_for(callee, std::move(args), std::move(kwargs));
}
void serve_calls(const Worker& worker, std::string name, std::function<void(IncomingCall)> run) {
  worker.parts().serve_calls(std::move(name), std::move(run));
}
void check(const Worker& worker, const CallRequest& request) { worker.parts().check(request); }

bool confirmed_by_owner(const RRef<>& rref) noexcept {
  return static_cast<const Reference&>(*rref.object()).confirmed_by_owner();
}

LentRRef lend(const RRef<>& rref) {
  const PassedRRef passed = static_cast<const Reference&>(*rref.object()).lend();
  return {passed.id.owner,
          passed.id.owner_incarnation,
          passed.id.creator_incarnation,
          passed.id.number,
          passed.parent,
          passed.fork};
}

RRef<> take(const Worker& worker, const LentRRef& lent) {
  return RRef<>(worker.parts().agent()->take(
      {{lent.owner, lent.owner_incarnation, lent.creator_incarnation, lent.number}, lent.parent, lent.fork}));
}

Report report(const Worker& worker) {
  const Agent::Report from = worker.parts().agent()->report();
  Report report{from.references_owned, from.references_held, from.references_passed, {}};
  for (const Agent::PeerReport& p : from.peers) {
    PeerReport& row = report.peers.emplace_back(PeerReport{p.worker,
                                                           p.address,
                                                           p.death,
                                                           {},
                                                           p.calls_running,
                                                           p.bytes_queued,
                                                           p.frames_sent,
                                                           p.bytes_sent,
                                                           p.frames_received,
                                                           p.bytes_received});
    for (const UnansweredCalls& c : p.calls) row.calls.push_back({c.name, c.count, Seconds(c.oldest)});
  }
  return report;
}

}  // namespace tine::rpc
