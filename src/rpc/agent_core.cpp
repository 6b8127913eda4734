// Starting, calling, deadlines, death.

#include "src/rpc/agent_core.h"

#include <fmt/format.h>

#include <algorithm>

namespace tine::rpc {
namespace {

int64_t ticks(TimePoint t) noexcept { return t.time_since_epoch().count(); }

TimePoint after(Seconds s) { return Clock::now() + std::chrono::duration_cast<Clock::duration>(s); }

uint64_t remaining_us(TimePoint deadline) {
  if (deadline == kNoDeadline) return kNoTimeLimit;
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
  return static_cast<uint64_t>(std::max<int64_t>(left, 0));
}

}  // namespace

AgentCore::AgentCore(AgentOptions o)
    : options(std::move(o)),
      rpc_timeout(options.rpc_timeout.count()),
      incarnation(random_incarnation()),
      rrefs(*this),
      holding_(options.hold_calls) {
  if (options.name.empty() || options.name.size() > 128) {
    throw ValueError(
        fmt::format("worker name '{}': expected 1 to 128 bytes, got {}", options.name, options.name.size()));
  }
  if (options.world_size < 1 || options.rank < 0 || options.rank >= options.world_size) {
    throw ValueError(fmt::format("worker '{}': rank {} in a world of {}: expected a rank from 0 to {}",
                                 options.name, options.rank, options.world_size, options.world_size - 1));
  }
  if (!options.executor) throw ValueError("an agent needs an executor");
  if (!options.secret) options.secret = Secret::load();
}

AgentCore::~AgentCore() = default;

void AgentCore::accept(detail::Ref<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing.load(std::memory_order_relaxed)) arrived_.push_back(std::move(connection));
  }
  changed_.notify_all();
  if (connection) connection->close(nullptr);
}

void AgentCore::start() {
  const TimePoint deadline = after(options.init_timeout);
  Member self{options.name, options.rank, incarnation, machine_identity(), "", ""};
  std::vector<Member> members{self};
  if (options.world_size > 1) {
    loop_ = std::make_shared<IoLoop>();
    const Identity identity{options.name, incarnation, options.secret};
    tcp_ = make_tcp_transport(*loop_, identity, TransportOptions{options.plaintext_beyond_loopback});
    ConnectionOptions connection;
    connection.callbacks = &callbacks();
    ListenOptions listen;
    listen.connection = connection;
    listen.on_connection = [this](detail::Ref<Connection> c) { accept(std::move(c)); };
    listen.on_refused = [this](std::exception_ptr error) { log("refused: " + describe(error)); };

    RendezvousOptions meet;
    meet.world_size = options.world_size;
    meet.address = options.address;
    meet.deadline = deadline;
    meet.timeout_s = options.init_timeout.count();
    meet.interrupted = options.interrupted;
    meet.log = options.log;
    meet.connection = connection;
    listeners_.push_back(
        tcp_->listen(fmt::format("tcp://{}:0", local_host_towards(options.address)), listen));
    self.tcp_address = listeners_.back()->address();
    if (options.unix_sockets) {
      unix_ = make_unix_transport(*loop_, identity);
      listeners_.push_back(unix_->listen(fmt::format("unix:@tine-{:016x}", incarnation), listen));
      self.unix_address = listeners_.back()->address();
    }
    meet.self = self;
    Rendezvous rendezvous(*tcp_, meet);
    try {
      members = rendezvous.enter();
      if (static_cast<int>(members.size()) != options.world_size)
        throw ValueError("the list of workers is incomplete");
      connect_all(members, deadline);
      rendezvous.wait_ready();
    } catch (...) {
      rendezvous.fail(describe(std::current_exception()));
      throw;
    }
  } else {
    workers = {WorkerInfo{options.name, 0}};
    ranks = {{options.name, 0}};
    peers = {detail::make_ref<Peer>(*this, workers[0], incarnation, true)};
  }
  for (const auto& listener : listeners_) listener->close();
  decltype(arrived_) strangers;
  {
    const std::lock_guard lock(mutex_);
    strangers.swap(arrived_);
  }
  for (const auto& c : strangers) {
    if (c) c->close(nullptr);
  }
}

void AgentCore::connect_all(const std::vector<Member>& members, TimePoint deadline) {
  for (const Member& m : members) {
    workers.push_back({m.name, m.rank});
    ranks.emplace(m.name, m.rank);
    peers.push_back(detail::make_ref<Peer>(*this, workers.back(), m.incarnation, m.rank == options.rank));
  }
  const Member& me = members[static_cast<size_t>(options.rank)];
  std::vector<Future<detail::Ref<Connection>>> opening;
  for (int rank = 0; rank < options.rank; ++rank) {
    const Member& m = members[static_cast<size_t>(rank)];
    ConnectOptions connect;
    connect.connection.callbacks = &callbacks();
    connect.deadline = deadline;
    connect.expected_name = m.name;
    const bool near = unix_ && !m.unix_address.empty() && m.machine == me.machine;
    opening.push_back(near ? unix_->connect(m.unix_address, connect) : tcp_->connect(m.tcp_address, connect));
    opening.back().state()->observe();  // the first that fails is the error
  }
  std::vector<detail::Ref<Connection>> connections(peers.size());
  for (size_t rank = 0; rank < opening.size(); ++rank) {
    const auto slice = [&](TimePoint until) { return opening[rank].wait_until(until); };
    if (!wait_interruptible(deadline + std::chrono::seconds(1), options.interrupted, "init_rpc", slice)) {
      throw DeadlineExceeded(fmt::format("worker '{}' did not connect to '{}' within {:.3g} s", me.name,
                                         members[rank].name, options.init_timeout.count()));
    }
    connections[rank] = opening[rank].get();
  }
  const auto matched = [&] {
    for (auto& c : arrived_) {
      if (!c) continue;
      for (const Member& m : members) {
        if (m.rank <= options.rank || m.incarnation != c->peer().incarnation || m.name != c->peer().name)
          continue;
        if (!connections[static_cast<size_t>(m.rank)])
          connections[static_cast<size_t>(m.rank)] = std::move(c);
        break;
      }
    }
    return std::all_of(members.begin(), members.end(), [&](const Member& m) {
      return m.rank == options.rank || connections[static_cast<size_t>(m.rank)];
    });
  };
  const auto slice = [&](TimePoint until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, matched);
  };
  if (!wait_interruptible(deadline, options.interrupted, "init_rpc", slice)) {
    std::string absent;
    for (const Member& m : members) {
      if (m.rank > options.rank && !connections[static_cast<size_t>(m.rank)]) {
        absent += fmt::format("{}'{}'", absent.empty() ? "" : ", ", m.name);
      }
    }
    throw DeadlineExceeded(fmt::format("{} did not connect to worker '{}' within {:.3g} s", absent, me.name,
                                       options.init_timeout.count()));
  }
  // All are attached before the first frame is read: a call may make us call any of them.
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    if (connections[rank]) peers[rank]->attach(connections[rank], loop_, shared_from_this());
  }
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    if (connections[rank]) connections[rank]->start(peers[rank]);
  }
}

void AgentCore::write_request(BodyWriter& out, const CallRequest& request, bool with_code,
                              const Creation* creation, WireHooks& hooks) {
  out.array(5);
  out.integer(static_cast<int64_t>(request.target));
  out.str(request.name);
  const ForeignPayload* payload = request.args.empty() ? nullptr : ForeignPayload::in(request.args[0]);
  if (request.target == Target::kForeign && payload) {
    out.array(1 + payload->leaves().size());
    write_last_value(out, request.args[0], hooks);
  } else {
    out.array(request.args.size());
    for (const Value& v : request.args) write_value(out, v, hooks);
  }
  out.map(request.kwargs.size());
  for (const auto& [key, value] : request.kwargs) {
    out.str(key);
    write_value(out, value, hooks);
  }
  const bool code = request.code != nullptr;
  out.map(size_t{code} + size_t{code && with_code} + size_t{creation != nullptr} +
          size_t{request.async_execution} + size_t{static_cast<bool>(request.after)});
  const auto option = [&out](RequestOption o) { out.integer(static_cast<int64_t>(o)); };
  if (code) {
    option(RequestOption::kCodeHash);
    out.str(request.code->hash);
    if (with_code) {
      option(RequestOption::kCodeText);
      out.str(request.code->text);
    }
  }
  if (creation) {
    option(RequestOption::kCreates);
    std::array<std::byte, kRRefIdBytes> id;
    put_rref_id(creation->id, id.data());
    out.bin(id);
  }
  if (request.async_execution) {
    option(RequestOption::kAsyncExecution);
    out.boolean(true);
  }
  if (request.after) {
    option(RequestOption::kAfter);
    write_value(out, Value(request.after), hooks);
  }
}

Future<Value> AgentCore::call(int to, CallRequest request, TimePoint deadline, Creation* creation) {
  if (of_parent()) {
    throw Error(
        fmt::format("{} cannot be called: this process is a fork of worker '{}', whose connections are its "
                    "parent's; call init_rpc here to make it a worker of its own",
                    request.name, options.name));
  }
  if (closed.load(std::memory_order_acquire)) {
    throw Error(fmt::format("RPC has been shut down on worker '{}': {} cannot be called", options.name,
                            request.name));
  }
  Peer& target = peer(to);
  auto state = detail::make_ref<CallState>(detail::Ref<Peer>::share(&target), target.helper(), request.name,
                                           request.target, deadline);
  Future<Value> future{detail::Ref<detail::State<Value>>(state)};
  switch (target.calls.add(state, options.max_calls_in_flight)) {
    case CallTable::Added::kYes: break;
    case CallTable::Added::kClosed: state->fail(target.death()); return future;
    case CallTable::Added::kFull:
      state->fail(make_error(
          ErrorKind::kRuntime,
          fmt::format("{} calls to worker '{}' have no answer yet, which is the limit: wait for some "
                      "of them before calling {}",
                      options.max_calls_in_flight, target.info.name, request.name)));
      return future;
  }
  count_start(request.target);
  watch_deadline(deadline);
  if (target.is_self) return call_self(std::move(request), std::move(state), creation);

  std::unique_lock<std::mutex> code_lock;
  bool with_code = false;
  if (request.code) {
    code_lock = std::unique_lock(target.code_mutex);
    with_code = !target.code_sent.contains(request.code->hash);
    if (!with_code) code_lock.unlock();
  }
  WireHooks hooks(*this, to);
  OutFrame frame(FrameKind::kRequest, state->id, remaining_us(deadline));
  try {
    write_request(frame.body, request, with_code, creation, hooks);
  } catch (const Error& e) {
    (void)target.calls.take(state->id);
    if (!hooks.needs_codec()) throw;
    throw TypeError(
        fmt::format("cannot call {} on worker '{}': {}", request.name, target.info.name, e.message()));
  } catch (...) {
    (void)target.calls.take(state->id);
    throw;
  }
  // Its own node comes before any that a user adds.
  state->watch_cancellation();
  if (auto error = target.send(std::move(frame))) {
    hooks.undo();
    if (target.calls.take(state->id)) state->fail(target.dead() ? target.death() : error);
    return future;
  }
  hooks.sent();
  if (creation) creation->sent = true;
  if (with_code) target.code_sent.insert(request.code->hash);
  return future;
}

Future<Value> AgentCore::call_self(CallRequest request, detail::Ref<CallState> state, Creation* creation) {
  Peer& me = *state->peer;
  const auto refuse = [&](const std::string& where) {
    (void)me.calls.take(state->id);
    throw_future_cannot_travel(where);
  };
  for (size_t i = 0; i < request.args.size(); ++i) {
    if (holds_future(request.args[i])) refuse(fmt::format("argument {} of {}", i + 1, request.name));
  }
  for (const auto& [key, value] : request.kwargs) {
    if (holds_future(value)) refuse(fmt::format("argument '{}' of {}", key, request.name));
  }
  Future<Value> future{detail::Ref<detail::State<Value>>(state)};
  state->watch_cancellation();
  auto call = detail::make_ref<IncomingState>(shared_from_this(), state->peer, state->id, request.target,
                                              state->deadline);
  call->local = std::move(state);
  call->name = std::move(request.name);
  call->args = std::move(request.args);
  call->kwargs = std::move(request.kwargs);
  call->async_execution = request.async_execution;
  if (request.code) {
    call->code_hash = request.code->hash;
    call->code_text = request.code->text;
  }
  if (creation) call->creates = creation->entry;
  std::optional<Value> after_value;
  if (request.after) after_value = Value(request.after);
  dispatch(std::move(call), std::move(after_value));
  return future;
}

detail::Ref<RRef> AgentCore::remote(int to, CallRequest request, TimePoint deadline) {
  Creation creation{rrefs.next_id(to), {}};
  if (peer(to).is_self) {
    creation.entry = detail::make_ref<OwnerEntry>(creation.id);
    const Future<Value> confirmed = call(to, std::move(request), deadline, &creation);
    // A deadline is the creator's to see, too: nobody else is told.
    return rrefs.own(creation.entry);
  }
  Future<Value> confirmed = call(to, std::move(request), deadline, &creation);
  auto reference = detail::make_ref<UserRRef>(shared_from_this(), creation.id, peer(to).info);
  if (!creation.sent) reference->forget_lease();
  reference->set_confirmed(std::move(confirmed));
  return reference;
}

Future<Value> AgentCore::fetch(const RRef& reference, TimePoint deadline) {
  if (!reference.is_owner()) {
    const Future<Value> confirmed = reference.confirmed();
    if (confirmed.ready() && confirmed.error()) return confirmed;
  }
  CallRequest request;
  request.target = Target::kFetch;
  request.name = fmt::format("{}.to_here()", reference.repr());
  request.args.emplace_back(detail::Ref<RRefObject>::share(const_cast<RRef*>(&reference)));
  return call(reference.owner().id, std::move(request), deadline);
}

size_t AgentCore::pending() const noexcept {
  size_t n = 0;
  for (const auto& p : peers) n += p->calls.pending();
  return n;
}

void AgentCore::watch_deadline(TimePoint deadline) {
  if (deadline == kNoDeadline) return;
  int64_t next = next_sweep_.load(std::memory_order_seq_cst);
  while (ticks(deadline) < next) {
    if (!next_sweep_.compare_exchange_weak(next, ticks(deadline), std::memory_order_seq_cst)) continue;
    ensure_loop().schedule_at(deadline, [weak = weak_from_this()] {
      if (const auto core = weak.lock()) core->sweep();
    });
    return;
  }
}

IoLoop& AgentCore::ensure_loop() {
  // A world of one needs it only for its deadlines.
  const std::lock_guard lock(mutex_);
  if (!loop_) loop_ = std::make_shared<IoLoop>();
  return *loop_;
}

void AgentCore::sweep() noexcept {
  // A call that is added from here on sees the mark and schedules its own sweep, or is seen below.
  next_sweep_.store(INT64_MAX, std::memory_order_seq_cst);
  const TimePoint now = Clock::now();
  TimePoint next = kNoDeadline;
  std::vector<detail::Ref<CallState>> expired;
  for (const auto& p : peers) p->calls.take_expired(now, &expired, &next);
  const detail::CallbackGate gate(callbacks());
  for (const auto& call : expired) {
    if (call->fail(call->deadline_error(now))) call->peer->send_cancel(call->id);
  }
  watch_deadline(next);
}

void AgentCore::on_death(Peer& peer, const CloseInfo& info) noexcept {
  const detail::CallbackGate gate(callbacks());
  const bool goodbye = info.why == CloseInfo::Why::kGoodbye;
  const bool expected = closing.load(std::memory_order_acquire) || info.why == CloseInfo::Why::kLocal ||
                        (goodbye && leaving.load(std::memory_order_acquire));
  std::string text = describe(info.error);
  try {
    std::rethrow_exception(info.error);
  } catch (const Error& e) {
    text = e.message();
  } catch (...) {
  }
  auto cause =
      make_error(ErrorKind::kPeerDied, fmt::format("worker '{}' (rank {}) {}: {}", peer.info.name,
                                                   peer.info.id, goodbye ? "has left" : "died", text));
  if (!expected) log(describe(cause));
  peer.left = goodbye;
  peer.die(cause);
  peer.cancel_all_incoming();
  rrefs.worker_died(peer.info.id, cause);
  { const std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

}  // namespace tine::rpc
