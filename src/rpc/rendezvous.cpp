#include "src/rpc/rendezvous.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "src/base/error_or_want.h"
#include "src/rpc/call_table.h"
#include "src/rpc/waits.h"
#include "src/rpc/wire/request.h"

namespace tine::rpc {
namespace {}  // namespace

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
        // What is too large is neither a rank nor a size.
        const auto number = [&](size_t i) {
          return static_cast<int>(std::clamp<int64_t>(args[i].to_int(), -2, INT32_MAX));
        };
        Member m{connection.peer().name, number(0), connection.peer().incarnation, to_addresses(args[2])};
        if (const std::string bad = what_is_wrong_with(m.addresses); !bad.empty())
          throw ValueError(fmt::format("worker '{}' cannot be registered: {}", m.name, bad));
        register_->enter(std::move(m), &connection, id, number(1));
      } else if (name == "ready") {
        register_->ready(&connection, id);
      } else if (name == "has" && args.size() == 1) {
        send_value(connection, id, register_->has(static_cast<uint64_t>(args[0].to_int())));
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
  if (options_.world_size == 0) {
    register_ = open_ = detail::make_ref<OpenRegister>(options_.open);
  } else {
    register_ = fixed_ = detail::make_ref<FixedRegister>(options_.world_size, options_.address);
  }
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
  const auto reason = [&] {
    return fixed_ ? fixed_->missing() : fmt::format("{} (rank 0 is at {})", what, options_.address);
  };
  LongWait is_long(options_.log);
  const auto slice = [&](TimePoint until) {
    is_long.look(
        [&] { return fmt::format("init_rpc of worker {} still waits: {}", who(options_.self), reason()); });
    return future.wait_until(until);
  };
  // Rank 0 gives up first and tells the others what it knows.
  const TimePoint deadline = options_.deadline + std::chrono::seconds(register_ ? 0 : 1);
  if (!wait_interruptible(deadline, options_.interrupted, "init_rpc", slice)) {
    throw DeadlineExceeded(fmt::format("rendezvous of worker {} did not end within {:.3g} s: {}",
                                       who(options_.self), options_.timeout_s, reason()));
  }
  return future.get();
}

std::vector<Member> Rendezvous::enter() {
  const Member& self = options_.self;
  if (open_) return {self};
  if (fixed_) {
    fixed_->enter(self, nullptr, 0, options_.world_size);
    return wait(fixed_->listed(), "");
  }
  ConnectOptions connect;
  connect.connection = options_.connection;
  connect.deadline = options_.deadline;
  connect.retry = true;
  auto connection = transport_.connect(options_.address, connect);
  // The transport's own error at the deadline says what happened to the attempts.
  LongWait is_long(options_.log);
  const auto slice = [&](TimePoint until) {
    is_long.look([&] {
      return fmt::format("init_rpc of worker '{}' still waits: rank 0 is not reachable at {}", self.name,
                         options_.address);
    });
    return connection.wait_until(until);
  };
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
  if (options_.expected_incarnation && opened->peer().incarnation != options_.expected_incarnation) {
    opened->close(nullptr);
    throw SystemError(fmt::format(
        "worker '{}' found '{}' at {}, which is not the rank 0 that it was to meet there: that one "
        "has ended meanwhile; start again",
        self.name, opened->peer().name, options_.address));
  }
  client_ = detail::make_ref<Client>(opened);
  opened->start(client_);
  const auto answer =
      client_->request("register", {self.rank, options_.world_size, to_value(self.addresses)});
  std::vector<Member> members = to_members(
      wait(answer, options_.world_size ? "other workers have not registered yet"
                                       : "another worker is joining, and has not come to its end"));
  if (options_.world_size == 0 && std::count_if(members.begin(), members.end(), [&](const Member& m) {
                                    return m.incarnation == self.incarnation;
                                  }) != 1)
    throw ValueError("the list of workers that rank 0 gave does not have this one once");
  return members;
}

void Rendezvous::wait_ready() {
  if (open_) return;
  if (fixed_) {
    fixed_->ready(nullptr, 0);
    wait(fixed_->go(), "");
    listener_->close();
    return;
  }
  (void)wait(client_->request("ready", {}), "not all workers are connected to each other yet");
}

bool Rendezvous::has(uint64_t incarnation) {
  return wait(client_->request("has", {static_cast<int64_t>(incarnation)}), "it does not answer").to_bool();
}

void Rendezvous::fail(const std::string& reason) noexcept {
  if (!register_) return;
  register_->fail(reason);
  listener_->close();
  register_->wait_until_left(Clock::now() + std::chrono::seconds(1));
}

}  // namespace tine::rpc
