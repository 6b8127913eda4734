#include "src/rpc/agent_parts.h"

#include <fmt/format.h>

#include "src/rpc/payload.h"
#include "src/rpc/waits.h"
#include "src/rpc/wire/handshake.h"

namespace tine::rpc {
namespace {

Executor& blocking_of(const AgentOptions& o) { return o.blocking ? *o.blocking : *o.executor; }
Executor& callbacks_of(const AgentOptions& o) { return o.callbacks ? *o.callbacks : blocking_of(o); }

Links::Options link_options(const AgentOptions& o, uint64_t incarnation, Membership& membership) {
  Links::Options links;
  links.identity = {o.name, incarnation, o.secret ? o.secret : Secret::load(),
                    o.allow == Allow::kRegistered ? kRegisteredOnly : 0};
  links.rank = o.rank;
  links.world_size = o.world_size;
  links.address = o.address;
  links.timeout = o.init_timeout;
  links.transports = o.transports;
  links.connection.heartbeat_interval = o.heartbeat_interval;
  links.connection.heartbeat_timeout = o.heartbeat_timeout;
  links.polling = o.polling;
  links.connection.callbacks = &callbacks_of(o);
  links.timer = o.timer;
  links.connection.max_copied_bytes = o.max_send_buffer_bytes;
  links.interrupted = o.interrupted;
  links.log = o.log;
  links.on_arrival = [&membership](detail::Ref<Connection> c) { membership.arrived(std::move(c)); };
  links.expect = [&membership](const Member& m) { membership.tell_expected(m); };
  links.forget = [&membership](uint64_t number) { membership.tell_forgotten(number); };
  return links;
}

Server::Options server_options(const AgentOptions& o) {
  return {o.ops,           o.op_context,     o.handler,    o.codec, o.executor,
          &blocking_of(o), &callbacks_of(o), o.hold_calls, o.allow};
}

}  // namespace

AgentParts::AgentParts(const AgentOptions& o, uint64_t incarnation)
    : world(o.name, o.rank, incarnation, o.world_size == 0, o.allow),
      links(link_options(o, incarnation, membership)),
      references(world),
      server(world, references, server_options(o)),
      calls(world, references, server, o.rpc_timeout, callbacks_of(o),
            [this]() -> Loop& { return links.loop(); }),
      barrier(
          world, calls, server, [this] { return waits_no_longer(); }, o.log),
      membership(world, calls, server, links, [this] { return waits_no_longer(); }, o.log,
                 {[this](const Member& m, detail::Ref<Connection> c) { take_in(m, std::move(c)); },
                  [this](const Peer& p) { hooks_.joined(p.info); }}),
      peers_{o.max_calls_in_flight, o.executor, &callbacks_of(o)},
      log_(o.log),
      interrupted_(o.interrupted),
      hooks_(o.on_worker_joined, o.on_worker_lost, callbacks_of(o), o.log) {}

void AgentParts::start() {
  membership.share(weak_from_this());
  try {
    links.meet([this](const auto& members, auto connections) { serve(members, std::move(connections)); },
               [this](TimePoint deadline) { membership.announce(deadline); });
  } catch (...) {
    close(std::current_exception(), Clock::now() + std::chrono::milliseconds(100), {});
    throw;
  }
}

void AgentParts::serve(const std::vector<Member>& members, std::vector<detail::Ref<Connection>> connections) {
  std::vector<detail::Ref<Peer>> peers;
  for (size_t i = 0; i < members.size(); ++i) {
    peers.push_back(new_peer(members[i]));
    if (connections[i]) peers.back()->attach(std::move(connections[i]));
  }
  // All is in its place before the first frame is read: a call may make us call any of them.
  world.fill(peers);
  references.share(weak_from_this(), calls);
  server.ready(weak_from_this(), *this);
  calls.share(weak_from_this());
  for (const auto& peer : peers) {
    if (peer->connection()) peer->connection()->start(peer);
  }
}

detail::Ref<Peer> AgentParts::new_peer(const Member& m) {
  return detail::make_ref<Peer>(WorkerInfo{m.name, m.rank}, m.incarnation,
                                m.incarnation == world.incarnation(), peers_, *this);
}

// Stands for a worker that has gone: it keeps the error that calls to it fail with, but no connection and no tables.
detail::Ref<Peer> AgentParts::remains_of(Peer& peer, std::exception_ptr cause) noexcept {
  try {
    auto remains = detail::make_ref<Peer>(peer.info, peer.incarnation, false, peers_, *this);
    remains->set_joined();
    remains->end.store(peer.end.load());
    remains->die(std::move(cause));
    remains->gone.store(true, std::memory_order_release);
    return remains;
  } catch (const std::bad_alloc&) {
    return detail::Ref<Peer>::share(&peer);  // itself, as it is
  }
}

// On the loop's thread, which close() ends before it looks at the peers for the last time.
void AgentParts::take_in(const Member& member, detail::Ref<Connection> connection) {
  const auto peer = new_peer(member);
  peer->attach(connection);
  world.add(peer);
  connection->start(peer);
}

void AgentParts::serve_control(const detail::Ref<IncomingState>& call) {
  if (!membership.serve_control(call)) barrier.serve_control(call);
}

void AgentParts::on_frame(Peer& from, Frame& frame, At at) noexcept {
  switch (frame.header.kind) {
    case FrameKind::kRequest: return server.serve(from, frame, at);
    case FrameKind::kReply:
    case FrameKind::kError: return calls.on_answer(from, frame);
    case FrameKind::kCancel: return server.cancel(from, frame.header.call_id);
    default:
      if (frame.header.kind == FrameKind::kCodeKnown ? !on_code_known(from, frame)
                                                     : !references.on_frame(from.info.id, frame))
        log([&] {
          return fmt::format("worker '{}' sent a malformed {}", from.info.name, name_of(frame.header.kind));
        });
  }
}

void AgentParts::on_death(Peer& peer, const CloseInfo& info) noexcept {
  const detail::CallbackGate gate(*peers_.callbacks);
  const bool goodbye = info.why == CloseInfo::Why::kGoodbye;
  const bool failed = goodbye && info.reason == GoodbyeReason::kFailed;
  std::exception_ptr cause;
  try {
    cause = make_error(ErrorKind::kPeerDied,
                       fmt::format("worker '{}' (rank {}) {}: {}", peer.info.name, peer.info.id,
                                   goodbye ? "has left" : "died", message_of(info.error)));
  } catch (const std::bad_alloc&) {
    cause = info.error;  // it fails what waits all the same
  }
  // A worker that says goodbye ends as expected, unless its program failed.
  const bool closing = closing_.load(std::memory_order_acquire);
  const bool expected = closing || info.why == CloseInfo::Why::kLocal || (goodbye && !failed);
  if (!expected && peer.joined()) log([&] { return describe(cause); });
  peer.end.store(failed ? Peer::End::kFailed : goodbye ? Peer::End::kLeft : Peer::End::kDied);
  // This worker's own shutdown gives them up, which is not reported. There are no new ones any more.
  if (closing) peer.calls.each([](const CallState& call) { call.observe(); });
  peer.die(cause);
  server.worker_died(peer);
  references.worker_died(peer.info.id, peer.incarnation, cause);
  if (world.changes()) {
    peer.detach();
    peer.gone.store(true, std::memory_order_release);
    // One that never joined was nobody's to know.
    world.replace(peer, peer.joined() ? remains_of(peer, cause) : nullptr);
    membership.place_is_free();
    if (OpenRegister* const all = links.open_register()) all->lost(peer.incarnation);
  }
  const bool left_with_us = goodbye && !failed && ending_.load(std::memory_order_acquire) && !world.changes();
  if (peer.joined() && !closing_.load(std::memory_order_acquire) && !left_with_us)
    hooks_.lost(peer.info, cause);
  world.changed();
}

void AgentParts::shutdown(bool graceful, Seconds timeout, std::string_view failed_by) {
  if (of_parent()) return;
  if (!(timeout.count() >= 0))
    throw ValueError(fmt::format("shutdown: timeout is {} s: expected 0 (none) or more", timeout.count()));
  const TimePoint deadline = timeout.count() > 0 && timeout < kForEver
                                 ? Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout)
                                 : kNoDeadline;
  if (!graceful) leaves_now_.store(true);
  const auto turn = [this](TimePoint until) { return takes_shutdown(until); };
  if (!wait_interruptible(deadline, interrupted_, "shutdown", turn))
    throw DeadlineExceeded(fmt::format(
        "shutdown: the one that another thread has begun did not end within {:.3g} s", timeout.count()));
  const auto end = [this] {
    const MutexLock lock(shutdown_mutex_);
    shuts_down_ = false;
    shutdown_ended_.notify_all();
  };
  try {
    if (!closed()) shut_down(graceful, deadline, failed_by);
  } catch (...) {
    end();
    throw;
  }
  end();
}

bool AgentParts::takes_shutdown(TimePoint until) noexcept {
  MutexLock lock(shutdown_mutex_);
  while (shuts_down_) {
    if (!shutdown_ended_.wait_until(shutdown_mutex_, until)) return false;
  }
  return shuts_down_ = true;
}

void AgentParts::shut_down(bool graceful, TimePoint deadline, std::string_view failed_by) {
  std::exception_ptr failure;
  if (graceful) {
    try {
      ending_.store(true, std::memory_order_release);
      world.changes() ? membership.leave(deadline) : barrier.wait(deadline);
    } catch (const Cancelled&) {
      failure = leaves_now_.load() ? make_error(ErrorKind::kCancelled,
                                                "shutdown: another thread has ended this worker at once")
                                   : std::current_exception();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  closing_.store(true, std::memory_order_release);
  if (!world.changes()) {
    // The others wait for this worker's program, and are told how that ended.
    const bool failed = !failure && !failed_by.empty();
    barrier.let_go(failed
                       ? make_error(ErrorKind::kPeerDied,
                                    fmt::format("shutdown: the program of worker '{}' (rank {}) failed: {}",
                                                world.name(), world.rank(), failed_by))
                       : failure);
  }
  close(
      make_error(ErrorKind::kAbandoned,
                 fmt::format("RPC was shut down on worker '{}' before this call was answered", world.name())),
      Clock::now() + std::chrono::milliseconds(graceful ? 1000 : 100), failed_by);
  if (failure) std::rethrow_exception(failure);
}

void AgentParts::close(const std::exception_ptr& cause, TimePoint deadline, std::string_view failed_by) {
  closing_.store(true, std::memory_order_release);
  closed_.store(true, std::memory_order_release);
  calls.close();
  hooks_.close();
  links.close_listeners();
  membership.close();
  const GoodbyeReason reason = failed_by.empty() ? GoodbyeReason::kShutdown : GoodbyeReason::kFailed;
  for (const auto& p : world.peers()) {
    if (p->connected()) p->connection()->shutdown(reason, failed_by, deadline);
  }
  barrier.wait_until_left(deadline);
  for (const auto& p : world.peers()) {
    if (p->connected()) p->connection()->close(nullptr);  // also when its reader never returns from a frame
  }
  links.stop(std::chrono::milliseconds(500), shared_from_this());
  for (const auto& p : world.peers()) {
    p->die(cause);
    server.worker_died(*p);
    p->detach();
  }
  references.clear(cause);
  server.close();
  barrier.close();
}

void AgentParts::abandon_in_child() noexcept {
  closing_.store(true, std::memory_order_relaxed);
  closed_.store(true, std::memory_order_relaxed);
}

}  // namespace tine::rpc
