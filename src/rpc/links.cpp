#include "src/rpc/links.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "src/rpc/waits.h"

namespace tine::rpc {

Links::Links(Options options) : options_(std::move(options)) {}
Links::~Links() = default;

IoLoop& Links::loop() {
  const MutexLock lock(mutex_);
  if (!loop_)
    loop_ = std::make_unique<IoLoop>(Loop::Options{.poll_budget = options_.polling,
                                                   .timer = options_.timer,
                                                   .callbacks = options_.connection.callbacks});
  return *loop_;
}

void Links::accept(detail::Ref<Connection> connection) {
  if (options_.world_size == 0) return options_.on_arrival(std::move(connection));
  try {
    const MutexLock lock(mutex_);
    if (!closed_) arrived_.push_back(std::move(connection));
  } catch (const std::bad_alloc&) {
    // The other side is told by the end of the connection, which follows.
  }
  changed_.notify_all();
  // It is still here if the listeners have closed or memory has run out.
  if (connection) connection->close(nullptr);
}

void Links::meet(const Serve& serve, const Announce& announce) {
  const Identity& identity = options_.identity;
  Member self{identity.name, options_.rank, identity.incarnation, {}};
  if (options_.world_size == 1) return serve({self}, Connections(1));
  const TimePoint deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(options_.timeout);
  ways_ = std::make_unique<Ways>(options_.transports, loop(), identity);
  RendezvousOptions meet;
  meet.address = options_.address;
  if (MeetingFile::is_one(meet.address)) {
    file_ = std::make_unique<MeetingFile>(meet.address);
    if (options_.rank == 0) {
      file_->take();
      meet.address = ways_->meeting_at(file_->host());
    } else {
      const MeetingFile::Entry rank0 =
          file_->wait(deadline, options_.timeout.count(), options_.interrupted, options_.log);
      meet.address = rank0.address;
      meet.expected_incarnation = rank0.incarnation;
    }
  }
  ListenOptions listen;
  listen.connection = options_.connection;
  listen.on_connection = [this](detail::Ref<Connection> c) { accept(std::move(c)); };
  listen.on_refused = [this](const std::exception_ptr& error, const std::string&) {
    if (options_.log) options_.log("refused: " + describe(error));
  };
  // Before the rendezvous, because others connect to these addresses as soon as they know them.
  self.addresses = ways_->listen(meet.address, listen);
  meet.self = self;
  meet.world_size = options_.world_size;
  meet.open = {
      self, options_.expect, options_.forget,
      [this](TimePoint when, std::function<void()> work) { (void)loop().schedule_at(when, std::move(work)); },
      options_.log};
  meet.deadline = deadline;
  meet.timeout_s = options_.timeout.count();
  meet.interrupted = options_.interrupted;
  meet.log = options_.log;
  meet.connection = options_.connection;
  auto rendezvous = std::make_unique<Rendezvous>(ways_->for_address(meet.address), meet);
  if (file_ && options_.rank == 0) file_->write({rendezvous->listens_at(), identity.incarnation});
  try {
    this->meet(*rendezvous, serve, announce, deadline);
  } catch (...) {
    rendezvous->fail(describe(std::current_exception()));
    throw;
  }
  if (options_.world_size != 0) return close_listeners();
  if (options_.rank != 0) return;
  rendezvous_ = std::move(rendezvous);
  open_register()->open();  // now who comes finds this worker serving, and is seen to go
}

void Links::meet(Rendezvous& rendezvous, const Serve& serve, const Announce& announce, TimePoint deadline) {
  std::vector<Member> members = rendezvous.enter();
  if (options_.world_size == 0) {
    // In a statement of its own: it takes those out of `members` who have gone meanwhile.
    Connections connections = connect_to(&members, rendezvous, deadline);
    serve(members, std::move(connections));
    announce(deadline);
  } else {
    if (static_cast<int>(members.size()) != options_.world_size)
      throw ValueError("the list of workers is incomplete");
    // The agent serves before this worker says that it is ready: once all are ready, any of them may call.
    serve(members, connect_all(members, deadline));
  }
  rendezvous.wait_ready();
}

OpenRegister* Links::open_register() const noexcept {
  return rendezvous_ ? rendezvous_->open_register() : nullptr;
}

ConnectOptions Links::connect_options(const Member& to, TimePoint deadline) const {
  ConnectOptions connect;
  connect.connection = options_.connection;
  connect.deadline = deadline;
  connect.expected_name = to.name;
  return connect;
}

Ways::Way Links::way_to(const Member& m) const {
  const auto ways = ways_->to(m.addresses);
  if (!ways.empty()) return ways.front();
  throw SystemError(fmt::format(
      "worker '{}' has no way to worker '{}', which can be reached at {}: give both a "
      "transport that leads from one to the other, and an address that is not of its own machine alone",
      options_.identity.name, m.name, text_of(m.addresses)));
}

Links::Connections Links::connect_to(std::vector<Member>* members, Rendezvous& rendezvous,
                                     TimePoint deadline) {
  constexpr std::chrono::milliseconds kPause{20};
  const uint64_t own = options_.identity.incarnation;
  struct Attempt {
    Ways::Way way;
    Future<detail::Ref<Connection>> connection;
  };
  std::vector<Attempt> attempts(members->size());
  const auto begin = [&](size_t i) {
    Attempt& a = attempts[i];
    a.connection = a.way.transport->connect(a.way.address, connect_options((*members)[i], deadline));
    a.connection.state()->observe();  // what matters of its failures is said below
  };
  for (size_t i = 0; i < members->size(); ++i) {
    if ((*members)[i].incarnation == own) continue;
    attempts[i].way = way_to((*members)[i]);
    begin(i);
  }
  std::vector<Member> living;
  Connections connections;
  for (size_t i = 0; i < members->size(); ++i) {
    const Member& m = (*members)[i];
    detail::Ref<Connection> connection;
    bool has_gone = false;
    while (m.incarnation != own && !connection && !has_gone) {
      const auto slice = [&](TimePoint until) { return attempts[i].connection.wait_until(until); };
      if (!wait_interruptible(deadline + std::chrono::seconds(1), options_.interrupted, "init_rpc", slice)) {
        throw DeadlineExceeded(fmt::format("worker '{}' did not connect to '{}' within {:.3g} s",
                                           options_.identity.name, m.name, options_.timeout.count()));
      }
      bool may_pass = Clock::now() < deadline;
      try {
        connection = attempts[i].connection.get();
        if (connection->peer().incarnation == m.incarnation) break;
        // Another life at the same address.
        std::exchange(connection, nullptr)->close(nullptr);
      } catch (const Error& e) {
        may_pass = may_pass && (dynamic_cast<const ConnectError*>(&e) || e.kind() == ErrorKind::kPeerDied);
      }
      // It may have left, or died, since it was listed. One that is there is tried again.
      has_gone = !rendezvous.has(m.incarnation);
      if (has_gone) break;
      if (!may_pass) {
        (void)attempts[i].connection.get();  // throws
        throw DeadlineExceeded(fmt::format("worker '{}' did not find '{}' at {} within {:.3g} s",
                                           options_.identity.name, m.name, text_of(m.addresses),
                                           options_.timeout.count()));
      }
      Naps::nap_until(std::min(deadline, Clock::now() + kPause), options_.interrupted, "init_rpc");
      begin(i);
    }
    if (has_gone) continue;
    living.push_back(m);
    connections.push_back(std::move(connection));
  }
  *members = std::move(living);
  return connections;
}

Links::Connections Links::connect_all(const std::vector<Member>& members, TimePoint deadline) {
  const Member& me = members[static_cast<size_t>(options_.rank)];
  std::vector<Future<detail::Ref<Connection>>> opening;
  // Each worker connects to those of lower rank and is connected to by the others, so each pair has one connection.
  for (int rank = 0; rank < options_.rank; ++rank) {
    const Member& m = members[static_cast<size_t>(rank)];
    const Ways::Way way = way_to(m);
    opening.push_back(way.transport->connect(way.address, connect_options(m, deadline)));
    opening.back().state()->observe();  // the first that fails is the error
  }
  Connections connections(members.size());
  for (size_t rank = 0; rank < opening.size(); ++rank) {
    const auto slice = [&](TimePoint until) { return opening[rank].wait_until(until); };
    // One second more, because the transport's own error at the deadline says what happened.
    if (!wait_interruptible(deadline + std::chrono::seconds(1), options_.interrupted, "init_rpc", slice)) {
      throw DeadlineExceeded(fmt::format("worker '{}' did not connect to '{}' within {:.3g} s", me.name,
                                         members[rank].name, options_.timeout.count()));
    }
    connections[rank] = opening[rank].get();
  }
  const auto slice = [&](TimePoint until) {
    const MutexLock lock(mutex_);
    while (!match(members, &connections)) {
      if (!changed_.wait_until(mutex_, until)) return match(members, &connections);
    }
    return true;
  };
  if (!wait_interruptible(deadline, options_.interrupted, "init_rpc", slice)) {
    std::string absent;
    for (const Member& m : members) {
      if (m.rank > options_.rank && !connections[static_cast<size_t>(m.rank)]) {
        absent += fmt::format("{}'{}'", absent.empty() ? "" : ", ", m.name);
      }
    }
    throw DeadlineExceeded(fmt::format("{} did not connect to worker '{}' within {:.3g} s", absent, me.name,
                                       options_.timeout.count()));
  }
  return connections;
}

bool Links::match(const std::vector<Member>& members, Connections* connections) {
  for (auto& c : arrived_) {
    if (!c) continue;
    for (const Member& m : members) {
      if (m.rank <= options_.rank || m.incarnation != c->peer().incarnation || m.name != c->peer().name)
        continue;
      auto& place = (*connections)[static_cast<size_t>(m.rank)];
      if (!place) place = std::move(c);
      break;
    }
  }
  return std::all_of(members.begin(), members.end(), [&](const Member& m) {
    return m.rank == options_.rank || (*connections)[static_cast<size_t>(m.rank)];
  });
}

void Links::close_listeners() noexcept {
  if (ways_) ways_->close();
  if (rendezvous_) rendezvous_->fail("it has shut down");
  file_.reset();  // which takes the file away
  Connections strangers;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    strangers.swap(arrived_);
  }
  for (const auto& c : strangers) {
    if (c) c->close(nullptr);
  }
}

void Links::stop(std::chrono::milliseconds grace, std::shared_ptr<void> alive) noexcept {
  IoLoop* loop;
  {
    const MutexLock lock(mutex_);
    loop = loop_.get();
  }
  // A loop that has not stopped is still in a handler, which may go on using the agent. So the agent is never freed.
  if (loop && !loop->stop(grace)) [[maybe_unused]]
    auto* const kept = new std::shared_ptr<void>(std::move(alive));
}

}  // namespace tine::rpc
