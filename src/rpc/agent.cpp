#include "src/rpc/agent.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/rpc/agent_parts.h"
#include "src/rpc/waits.h"
#include "src/rpc/wire/handshake.h"
#include "tine/context.h"

namespace tine::rpc {

Agent::Agent(std::shared_ptr<AgentParts> parts) noexcept : parts_(std::move(parts)) {}

std::unique_ptr<Agent> Agent::start(AgentOptions options) {
  if (options.name.empty() || options.name.size() > 128) {
    throw ValueError(
        fmt::format("worker name '{}': expected 1 to 128 bytes, got {}", options.name, options.name.size()));
  }
  if (options.world_size == 0) {
    if (options.rank < -1 || options.rank >= kMostRanks)
      throw ValueError(
          fmt::format("worker '{}': rank {}: expected a rank from 0 to {}, or -1 for the next free one",
                      options.name, options.rank, kMostRanks - 1));
  } else if (options.world_size < 1 || options.rank < 0 || options.rank >= options.world_size) {
    throw ValueError(fmt::format("worker '{}': rank {} in a world of {}: expected a rank from 0 to {}",
                                 options.name, options.rank, options.world_size, options.world_size - 1));
  }
  if (!(options.init_timeout.count() > 0))
    throw ValueError(fmt::format("init_timeout is {} s: expected more than 0", options.init_timeout.count()));
  options.init_timeout = std::min(options.init_timeout, kForEver);
  if (options.world_size != 1 && options.address.starts_with("tcp://") && options.address.ends_with(":0")) {
    throw ValueError(
        fmt::format("the address '{}' of a world of {}: rank 0 would listen at a port that the others cannot "
                    "know; give all of them the same port from 1 to 65535",
                    options.address,
                    options.world_size ? std::to_string(options.world_size) : "workers that come and go"));
  }
  if (!options.executor) throw ValueError("an agent needs an executor");
  auto parts = std::make_shared<AgentParts>(options, random_incarnation());
  parts->start();
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

Agent::~Agent() {
  if (parts_->of_parent()) return;
  try {
    shutdown(false);
  } catch (...) {
    // Everything is closed; nobody is left to be told.
  }
}

const WorkerInfo& Agent::self() const noexcept { return parts_->world.self(); }
std::vector<WorkerInfo> Agent::workers() const { return parts_->world.workers(); }
const WorkerInfo& Agent::worker_info(const Peer& worker) const { return parts_->world.info_of(worker); }
WorkerInfo Agent::worker_info(std::string_view name) const { return worker_info(*find(name)); }
WorkerInfo Agent::worker_info(int rank) const { return worker_info(*find(rank)); }
detail::Ref<Peer> Agent::find(std::string_view name) const { return parts_->world.find(name); }
detail::Ref<Peer> Agent::find(int64_t rank) const { return parts_->world.find(rank); }

void Agent::open() { parts_->server.open(); }

TimePoint Agent::deadline_after(Seconds timeout) const { return parts_->calls.deadline_after(timeout); }
Seconds Agent::rpc_timeout() const noexcept { return parts_->calls.rpc_timeout(); }
void Agent::set_rpc_timeout(Seconds timeout) { parts_->calls.set_rpc_timeout(timeout); }

bool Agent::is_restricted(const Peer& worker) const noexcept {
  const Connection* const connection = worker.connection();
  return connection &&
         ((connection->peer().features & kRegisteredOnly) != 0 || !parts_->world.takes_foreign());
}

bool Agent::has_room(const Peer& to) const noexcept { return to.has_room(); }
bool Agent::has_room(int to) const { return find(to)->has_room(); }
Future<void> Agent::room(Peer& to) { return to.room(); }
Future<void> Agent::room(int to) { return find(to)->room(); }

void Agent::wait_for_room(Peer& to, TimePoint deadline, const std::function<bool()>& interrupted) {
  if (to.has_room()) return;
  // The call ends with the context in which it is made; so does the wait. call() then finds it ended.
  const Context context = Context::current();
  const auto slice = [&](TimePoint until) {
    return to.has_room() || context.stopped() || (to.room().wait_until(until) && to.has_room());
  };
  (void)wait_interruptible(std::min(deadline, context.deadline()), interrupted, "a call", slice);
}

void Agent::wait_for_room(int to, TimePoint deadline, const std::function<bool()>& interrupted) {
  wait_for_room(*find(to), deadline, interrupted);
}

Future<Value> Agent::call(int to, CallRequest request, TimePoint deadline) {
  return call(*find(to), std::move(request), deadline);
}
detail::Ref<Reference> Agent::remote(int to, CallRequest request, TimePoint deadline) {
  return remote(*find(to), std::move(request), deadline);
}

Future<Value> Agent::call(Peer& to, CallRequest request, TimePoint deadline) {
  return parts_->calls.call(to, std::move(request), deadline);
}

detail::Ref<Reference> Agent::remote(Peer& to, CallRequest request, TimePoint deadline) {
  return parts_->calls.remote(to, std::move(request), deadline);
}

detail::Ref<Reference> Agent::own(Value value) {
  if (holds_future(value)) throw_future_cannot_travel("the value of an RRef");
  RRefTable& references = parts_->references;
  Peer& self = *parts_->world.own();
  auto entry = detail::make_ref<OwnerEntry>(
      RRefId{self.info.id, self.incarnation, self.incarnation, self.last_reference.fetch_add(1) + 1});
  entry->complete(std::move(value));
  return references.own(std::move(entry));
}

void Agent::shutdown(bool graceful, Seconds timeout, std::string_view failure) {
  parts_->shutdown(graceful, timeout, failure);
}
bool Agent::closed() const noexcept { return parts_->closed(); }
void Agent::abandon_in_child() noexcept { parts_->abandon_in_child(); }

detail::Ref<Reference> Agent::take(const PassedRRef& passed) { return parts_->references.take(passed); }

Agent::Report Agent::report() const {
  Report report;
  report.references_owned = parts_->references.entries();
  report.references_held = parts_->references.held();
  report.references_passed = parts_->references.pinned();
  for (const auto& peer : parts_->world.peers()) {
    if (!peer->joined()) continue;
    PeerReport& row = report.peers.emplace_back();
    row.worker = peer->info;
    if (const auto death = peer->death()) row.death = message_of(death);
    row.calls = by_name(peer->calls);
    row.calls_running = peer->incoming->running();
    if (const Connection* const connection = peer->connection()) {
      row.address = connection->peer().address;
      row.bytes_queued = connection->copied_bytes();
    }
    const Peer::Traffic& traffic = peer->traffic();
    row.frames_sent = traffic.frames_sent.load(std::memory_order_relaxed);
    row.bytes_sent = traffic.bytes_sent.load(std::memory_order_relaxed);
    row.frames_received = traffic.frames_received.load(std::memory_order_relaxed);
    row.bytes_received = traffic.bytes_received.load(std::memory_order_relaxed);
  }
  return report;
}

Agent::Counts Agent::counts() const {
  return {parts_->calls.pending(), parts_->server.running(), parts_->references.entries(),
          parts_->references.pinned()};
}

}  // namespace tine::rpc
