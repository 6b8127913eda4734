#include "src/rpc/rendezvous.h"

#include <fmt/format.h>

#include <map>
#include <new>

#include "src/base/error_or_want.h"
#include "src/base/mutex.h"
#include "src/rpc/call_table.h"
#include "src/rpc/wire/request.h"

namespace tine::rpc {
namespace {

class PlainHooks final : public ValueHooks {};

Value list_of(std::vector<Value> items) { return detail::make_ref<List>(std::move(items)); }

Value to_value(const std::vector<Address>& addresses) {
  std::vector<Value> items;
  for (const Address& a : addresses) items.push_back(list_of({a.text, a.reach}));
  return list_of(std::move(items));
}

std::vector<Address> to_addresses(const Value& value) {
  std::vector<Address> addresses;
  for (const Value& item : value.to_list().items) {
    const auto& f = item.to_list().items;
    if (f.size() != 2) throw ValueError(fmt::format("an address has {} fields, expected 2", f.size()));
    addresses.push_back({f[0].to_string(), f[1].to_string()});
  }
  return addresses;
}

Value to_value(const std::vector<Member>& members) {
  std::vector<Value> items;
  for (const Member& m : members)
    items.push_back(list_of({m.name, m.rank, static_cast<int64_t>(m.incarnation), to_value(m.addresses)}));
  return list_of(std::move(items));
}

std::vector<Member> to_members(const Value& value) {
  std::vector<Member> members;
  for (const Value& item : value.to_list().items) {
    const auto& f = item.to_list().items;
    if (f.size() != 4)
      throw ValueError(fmt::format("the list of workers has entries of {} fields, expected 4", f.size()));
    members.push_back({f[0].to_string(), static_cast<int>(f[1].to_int()),
                       static_cast<uint64_t>(f[2].to_int()), to_addresses(f[3])});
  }
  return members;
}

std::string who(const Member& m) {
  return fmt::format("'{}' (rank {}, {})", m.name, m.rank, text_of(m.addresses));
}

// What cannot be sent goes to nobody: the connection is closing, and its end tells the other side.
void tell(Connection& connection, OutFrame frame) { static_cast<void>(connection.send(std::move(frame))); }

void send_value(Connection& connection, uint64_t id, const Value& value) {
  PlainHooks hooks;
  OutFrame frame(FrameKind::kReply, id);
  write_value(frame.body, value, hooks);
  tell(connection, std::move(frame));
}

void send_failure(Connection& connection, uint64_t id, const std::exception_ptr& error) {
  OutFrame frame(FrameKind::kError, id);
  write_error(frame.body, ErrorBody::of(error));
  tell(connection, std::move(frame));
}

}  // namespace

// Rank 0's register of workers.
class Rendezvous::Register final : public detail::RefCounted {
 public:
  Register(int world_size, std::string address) : world_size_(world_size), address_(std::move(address)) {
    // A failure is reported by the code that waits, in words of its own.
    all_listed_.state()->observe();
    all_ready_.state()->observe();
  }

  void enter(Member member, Connection* connection, uint64_t call, int world_size) {
    const MutexLock lock(mutex_);
    bool taken = false;
    std::string refusal = failure_;
    if (ended_ && refusal.empty()) refusal = "the rendezvous has failed: rank 0 had no memory";
    if (refusal.empty()) refusal = reason_against(member, world_size, &taken);
    if (!refusal.empty()) {
      if (!connection) throw ValueError(refusal);
      if (!ended_) refused_.push_back(refusal);
      send_failure(*connection, call, make_error(ErrorKind::kValue, refusal));
      // The world that everybody waits for cannot come together any more.
      if (taken) fail_locked(refusal, ErrorKind::kValue);
      return;
    }
    const int rank = member.rank;
    entries_.emplace(rank, Entry{std::move(member), detail::Ref<Connection>::share(connection), call, false});
    if (static_cast<int>(entries_.size()) < world_size_) return;
    std::vector<Member> members;
    for (const auto& [r, entry] : entries_) members.push_back(entry.member);
    const Value list = to_value(members);
    for (auto& [r, entry] : entries_) {
      if (entry.connection) send_value(*entry.connection, std::exchange(entry.call, 0), list);
    }
    listed_.set_value(std::move(members));
  }

  void ready(int rank, uint64_t call) {
    const MutexLock lock(mutex_);
    const auto at = entries_.find(rank);
    if (at == entries_.end() || ended_) return;
    at->second.call = call;
    at->second.ready = true;
    for (const auto& [r, entry] : entries_) {
      if (!entry.ready) return;
    }
    for (auto& [r, entry] : entries_) {
      if (entry.connection) send_value(*entry.connection, std::exchange(entry.call, 0), Value());
    }
    went_ = true;
    go_.set_value();
  }

  void opened() {
    const MutexLock lock(mutex_);
    ++open_;
  }
  void left(Connection& connection, const CloseInfo& info) noexcept {
    const MutexLock lock(mutex_);
    --open_;
    closed_.notify_all();
    try {
      for (const auto& [rank, entry] : entries_) {
        if (entry.connection.get() != &connection || went_) continue;
        fail_locked(fmt::format("worker {} left before all were connected: {}", who(entry.member),
                                describe(info.error)));
      }
    } catch (const std::bad_alloc&) {
      end_locked(std::current_exception());
    }
  }

  // A connection that did not prove itself. Anybody can make one, so only the last is kept, for missing().
  void refused(std::string why) {
    const MutexLock lock(mutex_);
    stranger_ = std::move(why);
  }

  // Tells everybody who waits.
  void fail(const std::string& reason) noexcept {
    const MutexLock lock(mutex_);
    fail_locked(reason);
  }
  // So that they have read it before the sockets close.
  void wait_until_left(TimePoint deadline) {
    const MutexLock lock(mutex_);
    while (open_ > 0) {
      if (!closed_.wait_until(mutex_, deadline)) return;
    }
  }

  [[nodiscard]] std::string missing() {
    const MutexLock lock(mutex_);
    std::string absent, present;
    for (int rank = 0; rank < world_size_; ++rank) {
      const auto at = entries_.find(rank);
      if (at == entries_.end()) {
        absent += fmt::format("{}{}", absent.empty() ? "" : ", ", rank);
      } else {
        present += fmt::format("{}{}", present.empty() ? "" : ", ", who(at->second.member));
      }
    }
    std::string text =
        absent.empty() ? "all have registered but not all are connected to each other"
                       : fmt::format("rank {} of {} did not connect to {}", absent, world_size_, address_);
    text += fmt::format("; here are {}", present);
    for (const std::string& refusal : refused_) text += "; refused: " + refusal;
    if (!stranger_.empty()) text += "; the last connection that was refused: " + stranger_;
    return text;
  }

  [[nodiscard]] const Future<std::vector<Member>>& listed() const noexcept { return all_listed_; }
  [[nodiscard]] const Future<void>& go() const noexcept { return all_ready_; }

 private:
  struct Entry {
    Member member;
    detail::Ref<Connection> connection;  // null for rank 0 itself
    uint64_t call = 0;                   // waiting for its answer
    bool ready = false;
  };

  // For want of memory the error is that, and those who wait elsewhere see rank 0 leave.
  void fail_locked(const std::string& reason, ErrorKind kind = ErrorKind::kRuntime) noexcept
      TINE_REQUIRES(mutex_) {
    if (went_ || ended_) return;
    try {
      failure_ = reason;
      const std::exception_ptr error = make_error(kind, "rendezvous failed: " + reason);
      for (auto& [rank, entry] : entries_) {
        if (entry.connection && entry.call)
          send_failure(*entry.connection, std::exchange(entry.call, 0), error);
      }
      end_locked(error);
    } catch (const std::bad_alloc&) {
      end_locked(std::current_exception());
    }
  }
  void end_locked(const std::exception_ptr& error) noexcept TINE_REQUIRES(mutex_) {
    if (went_ || std::exchange(ended_, true)) return;
    // Once all have entered, listed_ has its value.
    if (static_cast<int>(entries_.size()) < world_size_) listed_.set_error(error);
    go_.set_error(error);
  }

  std::string reason_against(const Member& m, int world_size, bool* taken) const TINE_REQUIRES(mutex_) {
    if (world_size != world_size_) {
      return fmt::format("worker {} says that the world has {} workers, rank 0 says {}", who(m), world_size,
                         world_size_);
    }
    if (m.rank < 0 || m.rank >= world_size_) {
      return fmt::format("worker {}: ranks go from 0 to {}", who(m), world_size_ - 1);
    }
    for (const auto& [rank, entry] : entries_) {
      if (*taken = entry.member.name == m.name; *taken) {
        return fmt::format("the worker name '{}' is not unique: {} has it, {} wants it", m.name,
                           who(entry.member), who(m));
      }
      if (*taken = rank == m.rank; *taken) {
        return fmt::format("rank {} is not unique: {} has it, {} wants it", rank, who(entry.member), who(m));
      }
    }
    return {};
  }

  const int world_size_;
  const std::string address_;
  Mutex mutex_;
  Condition closed_;
  int open_ TINE_GUARDED_BY(mutex_) = 0;
  bool went_ TINE_GUARDED_BY(mutex_) = false;
  bool ended_ TINE_GUARDED_BY(mutex_) = false;
  std::string failure_ TINE_GUARDED_BY(mutex_);
  std::map<int, Entry> entries_ TINE_GUARDED_BY(mutex_);
  std::vector<std::string> refused_ TINE_GUARDED_BY(mutex_);
  std::string stranger_ TINE_GUARDED_BY(mutex_);
  Promise<std::vector<Member>> listed_;
  Promise<void> go_;
  const Future<std::vector<Member>> all_listed_ = listed_.future();
  const Future<void> all_ready_ = go_.future();
};

// Rank 0's side of one worker's connection.
class Rendezvous::Session final : public FrameHandler {
 public:
  explicit Session(detail::Ref<Register> reg) : register_(std::move(reg)) {}

  void on_frame(Connection& connection, Frame& frame) noexcept override {
    const uint64_t id = frame.header.call_id;
    try {
      if (frame.header.kind != FrameKind::kRequest) return;
      PlainHooks hooks;
      ReceivedSegments none;
      Request request;
      request.read(frame.body, none, hooks);
      if (request.target != Target::kControl)
        throw ValueError("this address takes only the requests of the rendezvous");
      const std::string& name = request.name;
      const std::vector<Value>& args = request.args;
      if (name == "register" && args.size() == 3) {
        Member m{connection.peer().name, static_cast<int>(args[0].to_int()), connection.peer().incarnation,
                 to_addresses(args[2])};
        if (const std::string bad = what_is_wrong_with(m.addresses); !bad.empty())
          throw ValueError(fmt::format("worker '{}' cannot be registered: {}", m.name, bad));
        rank_ = m.rank;
        register_->enter(std::move(m), &connection, id, static_cast<int>(args[1].to_int()));
      } else if (name == "ready") {
        register_->ready(rank_, id);
      } else {
        throw ValueError(fmt::format("unknown rendezvous request '{}' with {} arguments", name, args.size()));
      }
    } catch (...) {
      answer(connection, id, std::current_exception());
    }
  }
  void on_close(Connection& connection, const CloseInfo& info) noexcept override {
    register_->left(connection, info);
  }

  // The end of the connection says as much where there is no memory for words.
  static void answer(Connection& connection, uint64_t id, const std::exception_ptr& error) noexcept {
    try {
      send_failure(connection, id, error);
    } catch (const std::bad_alloc&) {
      connection.close(nullptr);
    }
  }

 private:
  const detail::Ref<Register> register_;
  int rank_ = -1;
};

// The other workers' side.
class Rendezvous::Client final : public Callee {
 public:
  explicit Client(detail::Ref<Connection> connection) : Callee(2), connection_(std::move(connection)) {}

  Future<Value> request(const char* name, const std::vector<Value>& args) {
    PlainHooks hooks;
    RequestView view;
    view.target = Target::kControl;
    view.name = name;
    view.args = args;
    const auto call = detail::make_ref<CallState>(detail::Ref<Callee>::share(this), nullptr, name,
                                                  view.target, kNoDeadline);
    const Future<Value> answer{detail::Ref<detail::State<Value>>(call)};
    if (!calls.add(call)) {
      call->fail(connection_->error());
      return answer;
    }
    OutFrame frame(FrameKind::kRequest, call->id);
    write_request(frame.body, view, hooks);
    if (auto error = connection_->send(std::move(frame)); error && calls.take(call->id)) call->fail(error);
    return answer;
  }

  void on_frame(Connection&, Frame& frame) noexcept override {
    const auto call = calls.take(frame.header.call_id);
    if (!call) return;
    try {
      PlainHooks hooks;
      BodyReader in(frame.body);
      ReceivedSegments segments(std::move(frame.segments));
      if (frame.header.kind == FrameKind::kReply) {
        call->emplace(read_value(in, segments, hooks));
      } else {
        call->fail(read_error(in, segments).to_exception());
      }
    } catch (...) {
      call->fail(std::current_exception());
    }
  }
  void on_close(Connection&, const CloseInfo& info) noexcept override {
    const std::exception_ptr error = error_or_want([&] {
      return make_error(ErrorKind::kPeerDied,
                        fmt::format("rank 0 left before all were connected: {}", describe(info.error)));
    });
    calls.close_and_end([&](CallState& call) { call.fail(error); });
  }
  [[nodiscard]] const std::string& callee() const noexcept override { return connection_->peer().name; }
  void send_cancel(uint64_t) noexcept override {}  // nobody cancels one
  void leave() noexcept {
    connection_->shutdown(GoodbyeReason::kDone, "", Clock::now() + std::chrono::seconds(1));
  }

 private:
  const detail::Ref<Connection> connection_;
};

Rendezvous::Rendezvous(Transport& transport, RendezvousOptions options)
    : transport_(transport), options_(std::move(options)) {
  if (options_.self.rank != 0) return;
  register_ = detail::make_ref<Register>(options_.world_size, options_.address);
  ListenOptions listen;
  listen.connection = options_.connection;
  listen.on_connection = [reg = register_](detail::Ref<Connection> connection) {
    try {
      auto session = detail::make_ref<Session>(reg);
      // Before start(), because the connection may end at once.
      reg->opened();
      connection->start(std::move(session));
    } catch (const std::bad_alloc&) {
      connection->close(nullptr);
    }
  };
  listen.on_refused = [reg = register_, log = options_.log](const std::exception_ptr& error,
                                                            const std::string&) {
    const std::string why = describe(error);
    if (log) log("refused at the rendezvous: " + why);
    reg->refused(why);
  };
  listener_ = transport_.listen(options_.address, std::move(listen));
}

Rendezvous::~Rendezvous() {
  if (client_) client_->leave();
  if (listener_) listener_->close();
}

template <class T>
T Rendezvous::wait(const Future<T>& future, const char* what) {
  const auto slice = [&](TimePoint until) { return future.wait_until(until); };
  // Rank 0 gives up first and tells the others what it knows.
  const TimePoint deadline = options_.deadline + std::chrono::seconds(register_ ? 0 : 1);
  if (!wait_interruptible(deadline, options_.interrupted, "init_rpc", slice)) {
    throw DeadlineExceeded(fmt::format(
        "rendezvous of worker {} did not end within {:.3g} s: {}", who(options_.self), options_.timeout_s,
        register_ ? register_->missing() : fmt::format("{} (rank 0 is at {})", what, options_.address)));
  }
  return future.get();
}

std::vector<Member> Rendezvous::enter() {
  const Member& self = options_.self;
  if (register_) {
    register_->enter(self, nullptr, 0, options_.world_size);
    return wait(register_->listed(), "");
  }
  ConnectOptions connect;
  connect.connection = options_.connection;
  connect.deadline = options_.deadline;
  connect.retry = true;
  auto connection = transport_.connect(options_.address, connect);
  // The transport's own error at the deadline says what happened to the attempts.
  const auto slice = [&](TimePoint until) { return connection.wait_until(until); };
  if (!wait_interruptible(options_.deadline + std::chrono::seconds(1), options_.interrupted, "init_rpc",
                          slice)) {
    throw DeadlineExceeded(
        fmt::format("rank 0 was not reachable at {} within {:.3g} s", options_.address, options_.timeout_s));
  }
  detail::Ref<Connection> opened;
  try {
    opened = connection.get();
  } catch (const AuthError&) {
    throw;
  } catch (const Error& e) {
    std::rethrow_exception(make_error(
        e.kind(), fmt::format("worker '{}' (rank {}) did not reach rank 0 at {} within {:.3g} s: {}",
                              self.name, self.rank, options_.address, options_.timeout_s, e.message())));
  }
  client_ = detail::make_ref<Client>(opened);
  opened->start(client_);
  const auto answer =
      client_->request("register", {self.rank, options_.world_size, to_value(self.addresses)});
  return to_members(wait(answer, "other workers have not registered yet"));
}

void Rendezvous::wait_ready() {
  if (register_) {
    register_->ready(0, 0);
    wait(register_->go(), "");
    listener_->close();
    return;
  }
  (void)wait(client_->request("ready", {}), "not all workers are connected to each other yet");
}

void Rendezvous::fail(const std::string& reason) noexcept {
  if (!register_) return;
  register_->fail(reason);
  listener_->close();
  register_->wait_until_left(Clock::now() + std::chrono::seconds(1));
}

}  // namespace tine::rpc
