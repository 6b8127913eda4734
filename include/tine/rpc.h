// RPC: this process as a worker, among workers in C++ and Python that call each other by name.
//
//   #include "tine/operators.h"
//   #include "tine/rpc.h"
//   #include "tine/runtime.h"
//   using namespace tine;
//
//   // One process serves a function,
//   void serve(Runtime& runtime, const std::string& address) {
//     rpc::Worker& worker = runtime.rpc();
//     worker.serve("scale", [&runtime](Tensor x, double by) { return runtime.ops().call("aten::mul", x, by); });
//     worker.join({.name = "server", .rank = 0, .world_size = 2, .address = address});
//     worker.leave();  // when nobody calls any more
//   }
//
//   // another one calls it, calls an operator there, and keeps a result there.
//   double ask(Runtime& runtime, const std::string& address) {
//     rpc::Worker& worker = runtime.rpc();
//     worker.join({.name = "client", .rank = 1, .world_size = 2, .address = address});
//     const Value three = worker.call("server", "aten::full", std::vector{2}, 3.0).get();
//     const Future<Value> twice = worker.call({.to = "server", .name = "scale", .args = {three, 2.0}, .timeout = rpc::Seconds(5)});
//     const rpc::RRef sum = worker.remote("server", "aten::sum", twice.get());
//     const double number = runtime.ops().call<double>("aten::item", sum.to_here().get());
//     worker.leave();
//     return number;
//   }
//
// A Python worker calls a C++ worker's function by its name: rpc.rpc_sync("server", "scale", args=(x, 2.0)). The workers
// of a world prove to each other that they share a secret before anything else is read (docs/security.md).
//
// What is called. A name is looked for among the operators ("aten::add") and then the script functions of the caller, whose
// code travels with the call; any other name is one that the callee serves, or a script function that the callee knows. A
// Python function has no such name: C++ programs call it where it is a script function of the callee.
//
// How a call ends. Its future has the callee's result, or fails: with the callee's error, of its kind, with "on worker w1"
// in its trail; with DeadlineExceeded when its time is over; with PeerDied at once when the worker dies; with PeerDied or
// Abandoned when this worker leaves. A call is never sent twice. It is made in the current Context: it ends with that one's
// deadline or cancellation, of which the callee is told. Cancelling the future does the same, and so does the caller's end.
// At the callee a served function then finds its own Context stopped, and a script is ended with all that it forked and
// called: one that waits at once, one that computes within 50 ms.
//
// Where code runs. Operators run at the callee's reader when they are short, else in its pool; scripts in its pool; served
// functions on handler threads, where they may block. Several run at once. Callbacks of futures run as include/tine/future.h
// says, but never on a thread that reads a connection: they are posted to the runtime's threads of callbacks.
//
// Every member may be called from any thread. Those that make calls throw Error when this worker has not joined or has left,
// and ValueError for a worker that is not there, with the names of those that are. In a child of fork(2) calls are refused.
// The specification is docs/spec/agent.md and docs/spec/rref.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/convert.h"
#include "tine/detail/export.h"
#include "tine/detail/given_arguments.h"
#include "tine/executor.h"
#include "tine/future.h"
#include "tine/tls.h"
#include "tine/value.h"

namespace tine {
class Runtime;
}

namespace tine::rpc {

using Seconds = std::chrono::duration<double>;
// As any negative one: that of the worker, JoinOptions::rpc_timeout.
inline constexpr Seconds kDefaultTimeout{-1};
inline constexpr Seconds kNoTimeout{0};

struct Language;  // include/tine/foreign.h

struct WorkerInfo {
  std::string name;
  int id = -1;  // its rank
  friend bool operator==(const WorkerInfo&, const WorkerInfo&) = default;
};

// Which worker a call goes to: its name, its rank, or a WorkerInfo.
class To {
 public:
  To(const char* name) : value_(name) {}
  To(const std::string& name) : value_(name) {}
  To(std::string_view name) : value_(name) {}
  To(int rank) : value_(rank) {}
  To(const WorkerInfo& worker) : value_(worker.name) {}
  // A str, an int, or a tuple that begins with one of them. Others are refused by the call, with a TypeError.
  explicit To(Value value) : value_(std::move(value)) {}
  [[nodiscard]] const Value& value() const noexcept { return value_; }

 private:
  Value value_;
};

// A reference to a value that lives on one worker, its owner. Copies share it. The value lives for as long as any worker
// has a reference to it, and goes with its owner. An RRef may be an argument and a result of calls, and lie in lists, tuples
// and dicts that are; its receiver gets an RRef to the same value. Passing one on costs two small messages, for which nobody
// waits. It converts to a Value and back, and so is a parameter type of served functions.
class TINE_API RRef {
 public:
  explicit RRef(detail::Ref<RRefObject> reference) noexcept : reference_(std::move(reference)) {}
  // The RRef in a Value. TypeError when it holds something else.
  [[nodiscard]] static RRef from(const Value& value);
  operator Value() const noexcept { return Value(reference_); }

  [[nodiscard]] const WorkerInfo& owner() const noexcept;
  [[nodiscard]] bool is_owner() const noexcept;  // whether the value lives on this worker
  // The value, brought here: a message there and one back; on its owner the very value, without a copy. Fails with the error
  // of the call that was to make the value, with PeerDied when the owner has died, and with DeadlineExceeded.
  [[nodiscard]] Future<Value> to_here(Seconds timeout = kDefaultTimeout) const;
  // The owner's value itself: a future, because it may still be in the making. Elsewhere Error, which names the owner.
  [[nodiscard]] Future<Value> local_value() const;
  // Done when the owner has the value; fails as the call did that was to make it. It holds None or the value.
  [[nodiscard]] Future<Value> confirmed() const;
  // Names the value among all workers, for printing and hashing.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string repr() const { return reference_->repr(); }
  // Whether both refer to one value.
  friend TINE_API bool operator==(const RRef& a, const RRef& b) noexcept;

  [[nodiscard]] const detail::Ref<RRefObject>& object() const noexcept { return reference_; }

 private:
  detail::Ref<RRefObject> reference_;
};

// A call, in parts: for arguments in arrays, arguments by name, and a time limit of its own.
struct Call {
  To to;
  std::string name{};
  std::vector<Value> args{};
  std::vector<std::pair<std::string, Value>> kwargs{};
  Seconds timeout = kDefaultTimeout;  // kNoTimeout: the call may take as long as both workers live
};

// A call of a served function, as that sees it when it asks for all of it.
struct Invocation {
  std::string name;
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  WorkerInfo caller;
};
using Served = std::function<Future<Value>(Invocation)>;

// What other workers may make this one run.
enum class Allow : uint8_t {
  kAll,  // operators, scripts, served functions; of another language what they name or bring
  // The functions that this worker serves, and nothing else. It takes no operator, no script and no pickle of others, also
  // not as an answer or as an error: those fail the call that was to get them. Calls to itself are as before.
  kRegistered,
};

struct JoinOptions {
  std::string name{};  // 1 to 128 bytes, unique in the world
  int rank = 0;        // 0 to world_size - 1, unique
  int world_size = 1;
  // "tcp://host:port", the same for all: rank 0 listens there. Port 0 only in a world of one.
  std::string address{};
  std::string secret{};      // empty: TINE_AUTH_KEY, else the user's key file
  Seconds rpc_timeout{60};   // of calls that name none; kNoTimeout: none
  Seconds init_timeout{60};  // how long join() waits for the others
  // The ways to other workers, nearest first: a worker is reached by the first that leads to it. "unix": sockets between
  // processes of one machine. "tcp": needed for the address.
  std::vector<std::string> transports{"unix", "tcp"};
  // Encrypts what goes by TCP. Without it addresses beyond loopback are refused, unless they are allowed by name.
  TlsOptions tls{};
  bool plaintext_beyond_loopback = false;
  Allow allow = Allow::kAll;
  // What a caller waits at, for each worker: calls without an answer, and bytes that were copied to be sent. A tensor is not
  // copied and does not count.
  size_t max_calls_in_flight = 65536;
  size_t max_send_buffer_bytes = size_t{64} << 20;
  // A worker that says nothing is asked for a sign of life after the first, and is dead after the second; 0: never asked.
  std::chrono::milliseconds heartbeat_interval{5000};
  std::chrono::milliseconds heartbeat_timeout{30000};
  // For how long a thread that waits for an answer looks for it before it sleeps, while that pays; 0: it sleeps at once.
  std::chrono::microseconds polling{50};
  // Asked every 100 ms while join(), leave() and a call that waits for room block; true ends the wait with Cancelled.
  std::function<bool()> interrupted{};
  // Is told of refused handshakes and dead workers, by threads that read: it must not block. Empty: nobody is told.
  std::function<void(const std::string&)> log{};
  const Language* language = nullptr;  // another language than C++; copied

  // With rank, world_size and address as `tine launch` and torchrun set them: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT.
  // ValueError that names a variable that is missing or is not a number.
  [[nodiscard]] TINE_API static JoinOptions from_environment(std::string name);
};

}  // namespace tine::rpc

namespace tine::detail {
template <class R, class... Params>
rpc::Served served(std::function<R(Params...)> f);
}  // namespace tine::detail

namespace tine::rpc {

// The worker that this process is: Runtime::rpc(). It joins a world, leaves it, and may join another one afterwards.
class TINE_API Worker {
 public:
  class TINE_LOCAL Parts;
  explicit Worker(Runtime& runtime);
  ~Worker();  // leaves at once
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes this process a worker, and returns when all workers of the world are connected to each other. Calls of others may
  // run here before it returns. Throws ValueError (an option that cannot be, a name or rank that two workers have: then
  // all are told), DeadlineExceeded (with the names or ranks that are missing), AuthError (another secret than rank 0's, or
  // none; rank 0 is told by `log` and in its DeadlineExceeded), SystemError (the address is in use), Cancelled, and Error
  // when this worker has joined already. It starts one thread.
  void join(JoinOptions options);
  // Leaves when every worker has called it and no call runs anywhere, after `timeout` at the latest (kNoTimeout: as long as
  // they live); DeadlineExceeded or PeerDied then name the stragglers. Calls of others are served meanwhile. In any case this
  // worker has left when it returns or throws: pending futures have failed. Nothing happens when it has not joined.
  void leave(Seconds timeout = kNoTimeout);
  // Leaves at once. `failure`, unless empty, is what this program failed by: the others' errors quote it.
  void leave_now(std::string_view failure = {});
  [[nodiscard]] bool joined() const noexcept;

  [[nodiscard]] WorkerInfo self() const;
  [[nodiscard]] std::vector<WorkerInfo> workers() const;  // by rank
  [[nodiscard]] WorkerInfo info(const To& worker) const;
  // That of calls that name none; ValueError for less than 0.
  [[nodiscard]] Seconds rpc_timeout() const;
  void set_rpc_timeout(Seconds timeout);

  // From now on other workers may call `f` by that name: serve before join(), or callers may come too early. The parameters
  // of `f` are of types that from_value() of include/tine/convert.h makes, or one Invocation, which has all of the call, also
  // arguments by name. It returns void, anything that to_value() takes, or a Future of it, which answers the call when it is
  // done and holds no thread meanwhile. It is copied once, and called on handler threads, several at once, in a Context with
  // the call's deadline, which is cancelled when the caller gives up. What it throws is the answer. ValueError for an empty
  // name, one that is served already, and the name of an operator or a script function.
  template <class F>
  void serve(std::string name, F f) {
    serve_by_name(std::move(name), detail::served(std::function(std::move(f))));
  }
  // Calls that come in from now on do not find it; those that run go on. Nothing happens when it is not served.
  void stop_serving(std::string_view name) noexcept;

  // Calls the function of that name on that worker. Tensors are sent from their own memory: they must not be written until
  // the future is done; to this worker itself they are passed, not copied. Blocks while more calls are on their way than the
  // options allow, at most until the call's deadline. TypeError for arguments that no overload of an operator takes, and for
  // a Future among them. A small call costs two allocations, and a system call at either end.
  template <class... Args>
  [[nodiscard]] Future<Value> call(const To& to, std::string_view name, Args&&... args) {
    return call(parts_of(to, name, std::forward<Args>(args)...));
  }
  [[nodiscard]] Future<Value> call(Call call);
  // The same, but the result stays there, and need not be able to travel. Returns at once; an error of the call is that of
  // to_here() and confirmed().
  template <class... Args>
  [[nodiscard]] RRef remote(const To& to, std::string_view name, Args&&... args) {
    return remote(parts_of(to, name, std::forward<Args>(args)...));
  }
  [[nodiscard]] RRef remote(Call call);
  // A reference to a value of this worker. TypeError when there is a Future in it.
  [[nodiscard]] RRef own(Value value);

  struct Counts {
    size_t calls_pending = 0;     // this worker's, unanswered
    size_t calls_running = 0;     // of others, here, of callers that live
    size_t references_owned = 0;  // values here that another worker has a reference to
  };
  [[nodiscard]] Counts counts() const;

  [[nodiscard]] Parts& parts() const noexcept { return *parts_; }  // the runtime's own

 private:
  template <class... Args>
  static Call parts_of(const To& to, std::string_view name, Args&&... args) {
    tine::detail::GivenArguments<Args...> given(std::forward<Args>(args)...);
    Call call{.to = to, .name = std::string(name)};
    call.args.assign(std::move_iterator(given.values.begin()), std::move_iterator(given.values.end()));
    for (auto& [key, value] : given.keywords) call.kwargs.emplace_back(std::string(key), std::move(value));
    return call;
  }
  void serve_by_name(std::string name, Served f);

  std::unique_ptr<Parts> parts_;
};

}  // namespace tine::rpc

#include "tine/detail/serving.h"
