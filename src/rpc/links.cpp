#include "src/rpc/links.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

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

void Links::meet(const Serve& serve) {
  const Identity& identity = options_.identity;
  Member self{identity.name, options_.rank, identity.incarnation, {}};
  if (options_.world_size == 1) return serve({self}, Connections(1));
  const TimePoint deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(options_.timeout);
  ways_ = std::make_unique<Ways>(options_.transports, loop(), identity);
  ListenOptions listen;
  listen.connection = options_.connection;
  listen.on_connection = [this](detail::Ref<Connection> c) { accept(std::move(c)); };
  listen.on_refused = [this](const std::exception_ptr& error, const std::string&) {
    if (options_.log) options_.log("refused: " + describe(error));
  };
  // Before the rendezvous, because others connect to these addresses as soon as they know them.
  self.addresses = ways_->listen(options_.address, listen);
  RendezvousOptions meet;
  meet.self = self;
  meet.world_size = options_.world_size;
  meet.address = options_.address;
  meet.deadline = deadline;
  meet.timeout_s = options_.timeout.count();
  meet.interrupted = options_.interrupted;
  meet.log = options_.log;
  meet.connection = options_.connection;
  Rendezvous rendezvous(ways_->for_address(options_.address), meet);
  try {
    const std::vector<Member> members = rendezvous.enter();
    if (static_cast<int>(members.size()) != options_.world_size)
      throw ValueError("the list of workers is incomplete");
    // The agent serves before this worker says that it is ready: once all are ready, any of them may call.
    serve(members, connect_all(members, deadline));
    rendezvous.wait_ready();
  } catch (...) {
    rendezvous.fail(describe(std::current_exception()));
    throw;
  }
  close_listeners();
}

Links::Connections Links::connect_all(const std::vector<Member>& members, TimePoint deadline) {
  const Member& me = members[static_cast<size_t>(options_.rank)];
  std::vector<Future<detail::Ref<Connection>>> opening;
  // Each worker connects to those of lower rank and is connected to by the others, so each pair has one connection.
  for (int rank = 0; rank < options_.rank; ++rank) {
    const Member& m = members[static_cast<size_t>(rank)];
    ConnectOptions connect;
    connect.connection = options_.connection;
    connect.deadline = deadline;
    connect.expected_name = m.name;
    const auto ways = ways_->to(m.addresses);
    if (ways.empty()) {
      throw SystemError(
          fmt::format("worker '{}' has no way to worker '{}', which can be reached at {}: give both a "
                      "transport that leads from one to "
                      "the other, and an address that is not of its own machine alone",
                      me.name, m.name, text_of(m.addresses)));
    }
    opening.push_back(ways.front().transport->connect(ways.front().address, connect));
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
