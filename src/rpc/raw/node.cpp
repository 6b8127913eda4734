#include "src/rpc/raw/node.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/error_or_want.h"
#include "src/rpc/post.h"
#include "src/rpc/raw/incoming.h"
#include "src/rpc/waits.h"
#include "src/rpc/wire/handshake.h"

namespace tine::rpc {
namespace {

constexpr std::chrono::seconds kIntroductionTime{5};
// For the end of a worker whose name or id another comes with.
constexpr std::chrono::seconds kPatience{1};
constexpr std::chrono::milliseconds kStopTime{500};
constexpr int kMostLogging = 64;
constexpr std::chrono::milliseconds kOutOfMemory{100};  // until it is tried again

ConnectionOptions connection_options(const RawNodeOptions& o, Executor& callbacks) {
  ConnectionOptions c;
  c.max_copied_bytes = o.max_send_buffer_bytes;
  c.heartbeat_interval = o.heartbeat_interval;
  c.heartbeat_timeout = o.heartbeat_timeout;
  c.callbacks = &callbacks;
  return c;
}

RawNodeOptions checked(RawNodeOptions o) {
  if (o.name.empty() || o.name.size() > kMaxRawNameBytes)
    throw ValueError(fmt::format("worker name '{}': expected 1 to {} bytes, got {}", o.name, kMaxRawNameBytes,
                                 o.name.size()));
  if (o.id < 0 || o.id > kMaxRawId)
    throw ValueError(fmt::format("worker '{}': its id is {}, expected 0 to {}", o.name, o.id, kMaxRawId));
  if (!o.handler) throw ValueError(fmt::format("worker '{}': a node needs a handler", o.name));
  if (o.protocol.size() > kMaxRawProtocolBytes) {
    throw ValueError(fmt::format("worker '{}': its protocol has {} bytes, at most {} are allowed", o.name,
                                 o.protocol.size(), kMaxRawProtocolBytes));
  }
  if (o.polling.count() < 0)
    throw ValueError(
        fmt::format("worker '{}': polling is {} us, expected 0 or more", o.name, o.polling.count()));
  return o;
}

}  // namespace

RawPresence::~RawPresence() {
  const auto node = node_.lock();
  if (!death_ || !node || !node->handlers.enter()) return;
  {
    const Activity::Inside inside(node->handlers);
    node->options.handler->died(who_, death_->first, death_->second);
  }
  node->handlers.end();
}

void RawPresence::tell_joined() const noexcept {
  const auto node = node_.lock();
  if (!node || !node->handlers.enter()) return;
  {
    const Activity::Inside inside(node->handlers);
    node->options.handler->joined(who_);
  }
  node->handlers.end();
}

RawNode::Parts::Parts(const Means& m, RawNodeOptions o)
    : options(checked(std::move(o))),
      means(m),
      endings(new Endings{m.callbacks, {}}),
      members({options.name, options.id}, random_incarnation(), options.protocol),
      identity_{options.name, members.incarnation(),
                options.secret.empty() ? Secret::load() : std::make_shared<const Secret>(options.secret),
                kRawCalls},
      connection_(connection_options(options, m.callbacks)),
      loop_(Loop::Options{.poll_budget = options.polling, .timer = m.timer, .callbacks = &m.callbacks}),
      ways_(m.transports, loop_, identity_),
      deadlines([this]() -> Loop& { return loop_; }, [this](TimePoint now) { return sweep(now); }) {
  members.set_self(detail::make_ref<RawPeer>(*this, members.self(), options.max_calls_in_flight));
}

std::unique_ptr<RawNode> RawNode::Parts::start(const Means& means, RawNodeOptions options) {
  return std::make_unique<RawNode>(make(means, std::move(options)));
}

std::shared_ptr<RawNode::Parts> RawNode::Parts::make(const Means& means, RawNodeOptions options) {
  auto parts = std::make_shared<Parts>(means, std::move(options));
  parts->deadlines.share(parts->weak_from_this());
  try {
    parts->listen();
  } catch (...) {
    (void)parts->close(std::chrono::milliseconds(0), {});
    throw;
  }
  return parts;
}

void RawNode::Parts::listen() {
  ListenOptions listen;
  listen.connection = connection_;
  listen.on_connection = [this](detail::Ref<Connection> c) { accept(std::move(c)); };
  listen.on_refused = [this](const std::exception_ptr& error, const std::string& claimed) {
    members.note_refusal(claimed, error);
    log([&] { return "refused: " + message_of(error); });
  };
  const RawCard c{members.self(), members.incarnation(), options.protocol, ways_.listen({}, listen)};
  card = c.text();
}

void RawNode::Parts::log(std::string text) noexcept {
  if (!options.log) return;
  // Strangers may keep this thread busy; who is told must not be kept busy without a bound.
  if (logging_.fetch_add(1, std::memory_order_relaxed) >= kMostLogging) {
    logging_.fetch_sub(1, std::memory_order_relaxed);
    unlogged_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  post_to(means.callbacks, [self = shared_from_this(), text = std::move(text)]() mutable {
    if (self->handlers.enter()) {
      const Activity::Inside inside(self->handlers);
      if (const uint64_t n = self->unlogged_.exchange(0, std::memory_order_relaxed))
        text += fmt::format(" ({} more lines were left out)", n);
      self->options.log(text);
      self->handlers.end();
    }
    self->logging_.fetch_sub(1, std::memory_order_relaxed);
  });
}

void RawNode::Parts::check_alive(const char* what) const {
  if (of_parent()) {
    throw Error(fmt::format("{} cannot {}: this process is a fork of it, whose connections are its parent's",
                            describe(members.self()), what));
  }
  if (closing()) throw Error(fmt::format("{} cannot {}: it has been closed", describe(members.self()), what));
}

RawFailure RawNode::Parts::closed_failure() const {
  return failure_of(RawFailure::Kind::kClosed, members.self(), [&] {
    return fmt::format("{} was closed here before this call was answered", describe(members.self()));
  });
}

// --- coming and going

void RawNode::Parts::accept(detail::Ref<Connection> connection) noexcept {
  try {
    const auto peer = detail::make_ref<RawPeer>(*this, RawWorker{}, connection, options.max_calls_in_flight);
    if (!members.add_stranger(peer)) return connection->close(nullptr);
    peer->start();
    (void)loop_.schedule_at(Clock::now() + kIntroductionTime, [this, peer] {
      if (peer->is_taken_in() || peer->end().error) return;
      log([&] {
        return fmt::format("refused: {} did not introduce itself in time",
                           peer->connection().peer().describe());
      });
      peer->refuse(GoodbyeReason::kRefused, "it did not introduce itself in time");
    });
  } catch (const std::bad_alloc&) {
    connection->close(nullptr);
  }
}

void RawNode::Parts::introduced(RawPeer& peer, const Introduction& introduction) noexcept {
  // One that we connected to has us already, and may call: it does not wait.
  take_in(detail::Ref<RawPeer>::share(&peer), introduction,
          peer.we_connected() ? TimePoint() : Clock::now() + kPatience);
}

// On the loop's thread.
void RawNode::Parts::take_in(const detail::Ref<RawPeer>& peer, const Introduction& introduction,
                             TimePoint patience) noexcept {
  try {
    take_in_or_throw(peer, introduction, patience);
  } catch (const std::bad_alloc&) {
    // The end of the connection undoes what has been done.
    peer->connection().close(nullptr);
  }
}

void RawNode::Parts::take_in_or_throw(const detail::Ref<RawPeer>& peer, const Introduction& introduction,
                                      TimePoint patience) {
  // Set before the worker is in, because another thread may remove it from then on.
  auto presence = detail::make_ref<RawPresence>(weak_from_this(),
                                                RawWorker{peer->connection().peer().name, introduction.id});
  peer->presence = presence;
  const auto refusal = members.take_in(peer, introduction);
  if (!refusal) {
    return post_to(means.callbacks, [presence = std::move(presence)]() mutable {
      presence->tell_joined();
      presence = nullptr;
    });
  }
  peer->presence = nullptr;
  if (refusal->may_pass && Clock::now() < patience) {
    // A worker that was started anew may be faster than the news of its end.
    waiting_.push_back({peer, introduction, patience});
    (void)loop_.schedule_at(patience, [this] { look_at_waiting(); });
    return;
  }
  if (refusal->reason == GoodbyeReason::kRefused) log([&] { return "refused: " + refusal->why; });
  CloseInfo info;
  info.why = CloseInfo::Why::kLocal;
  info.reason = refusal->reason;
  info.error = make_error(ErrorKind::kValue, refusal->why);
  peer->set_end(info);
  peer->refuse(refusal->reason, refusal->why);
}

void RawNode::Parts::look_at_waiting() noexcept {
  const auto all = std::exchange(waiting_, {});
  for (const Waiting& w : all) {
    if (!w.peer->end().error) take_in(w.peer, w.introduction, w.patience);
  }
}

namespace {

// What words() says; where there is no memory for that, as much as fits without.
template <class Words>
std::string said(const Words& words) noexcept {
  try {
    return words();
  } catch (const std::bad_alloc&) {
    return "it is gone";
  }
}

}  // namespace

void RawNode::Parts::malformed(RawPeer& peer, FrameKind kind, std::string_view reason) noexcept {
  const std::string what = said([&] { return fmt::format("a {}: {}", name_of(kind), reason); });
  const std::string why = said([&] {
    return fmt::format("{} died: it sent something malformed, so the connection was closed: {}",
                       describe(peer.who), what);
  });
  if (!peer.end().error) {
    CloseInfo info;
    info.why = CloseInfo::Why::kMalformed;
    info.error = error_or_want([&] { return make_error(ErrorKind::kPeerDied, why); });
    peer.set_end(info);
  }
  log([&] { return why; });
  lose(peer, why, false);
  peer.refuse(GoodbyeReason::kMalformed, what);
}

void RawNode::Parts::ended(RawPeer& peer, const CloseInfo& info) noexcept {
  if (!peer.end().error) peer.set_end(info);
  const bool goodbye = info.why == CloseInfo::Why::kGoodbye;
  const bool left =
      goodbye && (info.reason == GoodbyeReason::kDone || info.reason == GoodbyeReason::kShutdown);
  const std::string why = said([&] {
    const std::string who = describe(peer.who);
    if (left) return fmt::format("{} has left: it {}", who, info.how);
    if (info.how.starts_with("died")) return fmt::format("{} {}", who, info.how);
    return info.how.empty() ? fmt::format("{} died: {}", who, message_of(info.error))
                            : fmt::format("{} died: it {}", who, info.how);
  });
  if (!closing() && info.why != CloseInfo::Why::kLocal && !left && peer.is_taken_in() && !peer.dead())
    log([&] { return why; });
  lose(peer, why, left);
  members.closed(peer);
}

void RawNode::Parts::lose(RawPeer& peer, const std::string& why, bool left) noexcept {
  const RawFailure cause = failure_of(RawFailure::Kind::kDied, peer.who, [&] { return why; });
  if (!members.remove(peer, why)) {
    (void)peer.die(cause);
    return;
  }
  // After the failures of its calls: each of them holds it until its sink has returned.
  auto presence = std::exchange(peer.presence, nullptr);
  presence->set_death(said([&] { return why; }), left);
  (void)peer.die(cause, presence);
  post_to(means.callbacks, [presence = std::move(presence)]() mutable { presence = nullptr; });
  try {
    (void)loop_.post([this] { look_at_waiting(); });
  } catch (const std::bad_alloc&) {
    // The loop looks again when the patience of those that wait for the name ends.
  }
}

void RawNode::Parts::remove(int id, const std::string& why) noexcept {
  if (of_parent() || id == options.id) return;
  const auto peer = members.find(id);
  if (!peer) return;
  lose(*peer, said([&] { return fmt::format("{} was removed: {}", describe(peer->who), why); }), true);
  peer->refuse(GoodbyeReason::kDone, why);
}

detail::Ref<Connection> RawNode::Parts::open_connection(const RawCard& to, TimePoint deadline,
                                                        const std::function<bool()>& interrupted) {
  const auto ways = ways_.to(to.addresses);
  if (ways.empty()) {
    throw ValueError(fmt::format(
        "{} listens at {} only, which {} cannot reach from where it is: start it with a host that {} can "
        "reach "
        "(RawNodeOptions::host), and both with a transport that they share",
        describe(to.worker), text_of(to.addresses), describe(members.self()), describe(members.self())));
  }
  ConnectOptions connect;
  connect.connection = connection_;
  connect.deadline = deadline;
  connect.expected_name = to.worker.name;
  for (const Ways::Way& way : ways) {
    auto opening = way.transport->connect(way.address, connect);
    opening.state()->observe();
    const auto slice = [&](TimePoint until) { return opening.wait_until(until) || closing(); };
    (void)wait_interruptible(deadline, interrupted, "connecting", slice);
    check_alive("connect");
    if (!opening.ready()) break;
    try {
      return opening.get();
    } catch (const ConnectError&) {
      if (&way == &ways.back()) throw;
    } catch (const DeadlineExceeded&) {
      break;
    }
  }
  throw DeadlineExceeded(fmt::format("{} could not be reached by {} in time, at {}", describe(to.worker),
                                     describe(members.self()), text_of(to.addresses)));
}

RawNode::Parts::Tried RawNode::Parts::try_connect(const RawCard& to, TimePoint deadline,
                                                  const std::function<bool()>& interrupted) {
  detail::Ref<Connection> connection;
  try {
    connection = open_connection(to, deadline, interrupted);
  } catch (const ConnectError& e) {
    throw PeerDied(fmt::format("{} cannot be reached, so it is gone or behind a firewall: {}",
                               describe(to.worker), e.message()));
  }
  const auto give_up = [&] { connection->close(nullptr); };
  if (connection->peer().incarnation != to.incarnation) {
    give_up();
    throw PeerDied(fmt::format("{} is gone: another life of it listens at {}; get its new card",
                               describe(to.worker), connection->peer().address));
  }
  const auto peer = detail::make_ref<RawPeer>(*this, to.worker, connection, options.max_calls_in_flight);
  if (!members.add_stranger(peer)) {
    give_up();
    check_alive("connect");
  }
  peer->introduce(options.protocol, options.id);
  peer->start();
  const auto decided = [&] { return peer->is_taken_in() || peer->end().error || closing(); };
  const auto slice = [&](TimePoint until) { return members.wait_until(until, decided); };
  try {
    if (!wait_interruptible(deadline, interrupted, "connecting", slice)) {
      throw DeadlineExceeded(fmt::format("{} took the connection of {} but did not introduce itself in time",
                                         describe(to.worker), describe(members.self())));
    }
  } catch (...) {
    if (peer->is_taken_in()) return Tried::kConnected;
    peer->refuse(GoodbyeReason::kRefused, "it did not wait any longer");
    throw;
  }
  if (peer->is_taken_in()) return Tried::kConnected;
  check_alive("connect");
  const CloseInfo end = peer->end();
  const bool told = end.why == CloseInfo::Why::kGoodbye || end.why == CloseInfo::Why::kLocal;
  if (told && end.reason == GoodbyeReason::kReplaced) return Tried::kReplaced;
  const std::string why = message_of(end.error);
  const bool refused = told && end.reason == GoodbyeReason::kRefused;
  const std::string text =
      fmt::format("{} cannot be connected to {}: {}", describe(members.self()), describe(to.worker), why);
  if (refused) throw ValueError(text);
  throw PeerDied(text);
}

void RawNode::Parts::connect(std::string_view text, TimePoint deadline,
                             const std::function<bool()>& interrupted) {
  check_alive("connect");
  const RawCard to = RawCard::parse(text);
  if (to.incarnation == members.incarnation()) return;
  const auto alone = [&] { return !members.has_another(to.worker, to.incarnation) || closing(); };
  const auto alone_by = [&](TimePoint until) { return members.wait_until(until, alone); };
  (void)wait_interruptible(std::min(deadline, Clock::now() + kPatience), interrupted, "connecting", alone_by);
  const auto late = [&] {
    return DeadlineExceeded(
        fmt::format("{} was not connected to {} in time", describe(members.self()), describe(to.worker)));
  };
  std::chrono::milliseconds pause{5};
  for (;;) {
    bool there = false;
    // Another thread may be at it.
    const auto may_try = [&] {
      there = members.has_incarnation(to.incarnation);
      return there || closing() || members.begin_attempt(to.incarnation);
    };
    const auto slice = [&](TimePoint until) { return members.wait_until(until, may_try); };
    if (!wait_interruptible(deadline, interrupted, "connecting", slice)) throw late();
    check_alive("connect");
    if (there) return;
    {
      struct Attempt {
        ~Attempt() { members.end_attempt(incarnation); }
        RawMembers& members;
        uint64_t incarnation;
      } const attempt{members, to.incarnation};
      if (members.has_incarnation(to.incarnation)) return;
      if (try_connect(to, deadline, interrupted) == Tried::kConnected) return;
    }
    // By its own connection, which is there or will be.
    const TimePoint again = std::min(deadline, Clock::now() + pause);
    const auto come = [&] { return members.has_incarnation(to.incarnation) || closing(); };
    (void)members.wait_until(again, come);
    if (interrupted && interrupted()) throw Cancelled("connecting was interrupted");
    if (Clock::now() >= deadline && !come()) throw late();
    pause = std::min(2 * pause, std::chrono::milliseconds(100));
  }
}

void RawNode::Parts::expect(std::string_view name, TimePoint deadline,
                            const std::function<bool()>& interrupted) {
  check_alive("wait for others");
  std::exception_ptr refused;
  const auto come = [&] {
    return members.has_name(name) || closing() || (refused = members.take_refusal(name));
  };
  const auto slice = [&](TimePoint until) { return members.wait_until(until, come); };
  if (!wait_interruptible(deadline, interrupted, "waiting for a worker", slice)) {
    throw DeadlineExceeded(
        fmt::format("worker '{}' did not connect to {} in time", name, describe(members.self())));
  }
  if (members.has_name(name)) return;
  check_alive("wait for others");
  if (refused) std::rethrow_exception(refused);
}

bool RawNode::Parts::lives(std::string_view text, TimePoint deadline,
                           const std::function<bool()>& interrupted) {
  check_alive("look for others");
  const RawCard to = RawCard::parse(text);
  if (to.incarnation == members.incarnation() || members.has_incarnation(to.incarnation)) return true;
  try {
    const auto connection = open_connection(to, deadline, interrupted);
    const bool same = connection->peer().incarnation == to.incarnation;
    connection->close(nullptr);
    return same;
  } catch (const ConnectError& e) {
    if (e.nobody_listens()) return false;
    throw DeadlineExceeded(
        fmt::format("{} cannot be reached, but may be alive: {}", describe(to.worker), e.message()));
  } catch (const PeerDied&) {
    return true;  // somebody answers there, who is busy or about to end
  } catch (const AuthError&) {
    return true;
  }
}

// --- calls

void RawNode::Parts::call(int to, RawMessage message, TimePoint deadline,
                          std::shared_ptr<RawSink> sink) noexcept {
  if (of_parent()) {
    // No other thread is left here.
    return sink->failed(failure_of(RawFailure::Kind::kClosed, members.self(), [&] {
      return fmt::format("this process is a fork of {}, whose connections are its parent's",
                         describe(members.self()));
    }));
  }
  detail::Ref<OutgoingCall> call;
  try {
    call = detail::make_ref<OutgoingCall>(endings, std::move(sink), deadline);
  } catch (const std::bad_alloc&) {  // before the sink was moved
    return post_to(means.callbacks, [sink = std::move(sink), to] {
      sink->failed(failure_of(RawFailure::Kind::kRefused, {{}, to}, [] { return "no memory for the call"; }));
    });
  }
  if (closing()) return call->end(closed_failure());
  if (const auto peer = members.find(to)) return peer->call(std::move(message), call);
  call->end(members.failure_for_absent(to));
}

bool RawNode::Parts::wait_for_room(int to, TimePoint deadline) noexcept {
  if (of_parent()) return true;
  const auto peer = members.find(to);
  if (!peer || peer->has_room()) return true;
  const auto slice = [&](TimePoint until) {
    return peer->has_room() || (peer->room().wait_until(until) && peer->has_room());
  };
  return wait_interruptible(deadline, {}, "", slice);
}

TimePoint RawNode::Parts::sweep(TimePoint now) noexcept {
  TimePoint next = kNoDeadline;
  std::vector<detail::Ref<OutgoingCall>> expired;
  const auto end_expired = [&](RawPeer& peer) {
    for (const auto& call : expired) {
      const double after = std::chrono::duration<double>(now - call->started).count();
      call->end(failure_of(RawFailure::Kind::kTimedOut, peer.who, [&] {
        return fmt::format("RPC ran for more than its timeout: {} did not answer within {:.3g} s",
                           describe(peer.who), after);
      }));
      peer.cancel(call->id);
    }
    expired.clear();
  };
  try {
    for (const auto& peer : members.peers()) {
      try {
        peer->calls.take_expired(now, &expired, &next);
      } catch (const std::bad_alloc&) {
        next = std::min(next, now + kOutOfMemory);
      }
      end_expired(*peer);
    }
  } catch (const std::bad_alloc&) {
    next = now + kOutOfMemory;  // of the list of peers: none was looked at
  }
  return next;
}

void RawNode::Parts::deliver(detail::Ref<RawCall::State> call, At at) noexcept {
  if (holding_.load(std::memory_order_acquire)) {
    try {
      const MutexLock lock(mutex_);
      if (holding_.load(std::memory_order_relaxed)) {
        if (!closing()) held_.push_back(call);
        return;
      }
    } catch (const std::bad_alloc&) {
      return call->fail(RawFailure::Kind::kAbandoned, "no memory to keep the call until this worker starts");
    }
  }
  call->place(at);
}

void RawNode::Parts::open() noexcept {
  if (of_parent()) return;
  std::vector<detail::Ref<RawCall::State>> held;
  {
    const MutexLock lock(mutex_);
    holding_.store(false, std::memory_order_release);
    held.swap(held_);
  }
  for (const auto& call : held) call->place(At::kElsewhere);
}

std::string RawNode::Parts::death_of(int id) const {
  if (of_parent()) return "this process is a fork: the connections belong to its parent";
  if (const auto peer = members.find(id)) {
    // The end of its connection may be known to callers already, and not yet here.
    if (peer->is_self() || !peer->connection().closed()) return {};
    return fmt::format("{} died: {}", describe(peer->who), message_of(peer->connection().error()));
  }
  if (auto end = members.end_of(id)) return *end;
  throw ValueError(members.words_for_absent(id));
}

RawNode::Counts RawNode::Parts::counts() const {
  if (of_parent()) return {};
  Counts counts;
  counts.calls_pending = endings->sinks.count();
  counts.calls_begun = begun.load(std::memory_order_relaxed);
  for (const auto& peer : members.peers()) {
    counts.calls_running += peer->incoming.running();
    if (!peer->is_self()) counts.bytes_queued += peer->connection().copied_bytes();
  }
  return counts;
}

// --- the end

bool RawNode::Parts::close(std::chrono::milliseconds bound, std::string_view failure) noexcept {
  if (of_parent()) return true;
  const TimePoint deadline = Clock::now() + bound;
  if (closing_.exchange(true)) {
    // Another thread is at it, and may wait for what this one is in.
    if (Activity::Inside::count_of(handlers) + Activity::Inside::count_of(endings->sinks) == 0)
      (void)members.wait_until(deadline + 3 * kStopTime, [this] { return closed(); });
    return wait_for_user(deadline);
  }
  handlers.close();
  ways_.close();
  const auto peers = members.close();
  std::vector<detail::Ref<RawCall::State>> held;
  {
    const MutexLock lock(mutex_);
    held.swap(held_);
  }
  const RawFailure cause = closed_failure();
  (void)members.own()->die(cause);
  const GoodbyeReason reason = failure.empty() ? GoodbyeReason::kShutdown : GoodbyeReason::kFailed;
  for (const auto& peer : peers) {
    (void)peer->die(cause);
    peer->connection().shutdown(reason, failure, deadline);
  }
  held.clear();
  (void)members.wait_until(deadline, [this] { return members.all_closed(); });
  for (const auto& peer : peers)
    peer->connection().close(nullptr);  // also when its reader never returns from a frame
  if (!loop_.stop(kStopTime)) [[maybe_unused]]
    auto* const kept = new std::shared_ptr<void>(shared_from_this());
  const bool alone = wait_for_user(std::max(deadline, Clock::now() + std::chrono::milliseconds(100)));
  closed_.store(true, std::memory_order_release);
  members.end_attempt(0);  // who waits looks again
  return alone;
}

bool RawNode::Parts::wait_for_user(TimePoint deadline) noexcept {
  const bool no_handler = handlers.wait(deadline);
  return endings->sinks.wait(deadline) && no_handler;
}

// --- the public face

RawNode::RawNode(std::shared_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
RawNode::~RawNode() {
  // In a child of fork(2) its locks are as the fork found them.
  if (parts_->of_parent()) [[maybe_unused]]
    auto* const left = new std::shared_ptr<Parts>(std::move(parts_));
  else
    (void)parts_->close(std::chrono::milliseconds(1000), {});
}

const std::string& RawNode::card() const noexcept { return parts_->card; }
RawWorker RawNode::owner_of(std::string_view card) { return RawCard::parse(card).worker; }
void RawNode::connect(std::string_view card, TimePoint deadline, const std::function<bool()>& interrupted) {
  parts_->connect(card, deadline, interrupted);
}
bool RawNode::lives(std::string_view card, TimePoint deadline, const std::function<bool()>& interrupted) {
  return parts_->lives(card, deadline, interrupted);
}
void RawNode::expect(std::string_view name, TimePoint deadline, const std::function<bool()>& interrupted) {
  parts_->expect(name, deadline, interrupted);
}
void RawNode::open() { parts_->open(); }
RawWorker RawNode::self() const { return parts_->members.self(); }
std::vector<RawWorker> RawNode::workers() const {
  return parts_->of_parent() ? std::vector<RawWorker>{self()} : parts_->members.workers();
}
std::string RawNode::death_of(int id) const { return parts_->death_of(id); }
void RawNode::remove(int id, const std::string& why) noexcept { parts_->remove(id, why); }
void RawNode::call(int to, RawMessage message, TimePoint deadline, std::shared_ptr<RawSink> sink) noexcept {
  parts_->call(to, std::move(message), deadline, std::move(sink));
}
bool RawNode::wait_for_room(int to, TimePoint deadline) noexcept {
  return parts_->wait_for_room(to, deadline);
}
RawNode::Counts RawNode::counts() const { return parts_->counts(); }
bool RawNode::close(std::chrono::milliseconds bound, std::string_view failure) noexcept {
  return parts_->close(bound, failure);
}
bool RawNode::closed() const noexcept { return parts_->closing() || parts_->of_parent(); }

}  // namespace tine::rpc
