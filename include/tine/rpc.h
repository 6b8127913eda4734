// RPC: this process as a worker, among workers in C++ and Python that call each other by name.
//
//   #include "tine/operators.h"
//   #include "tine/rpc.h"
//   #include "tine/runtime.h"
//   using namespace tine;
//
//   inline constexpr rpc::Function<Tensor(Tensor, double)> kScale{"scale"};  // what both processes know
//
//   // One serves the function,
//   void serve(Runtime& runtime, const std::string& address) {
//     rpc::Worker& worker = runtime.rpc();
//     worker.serve(kScale, [&runtime](Tensor x, double by) { return runtime.ops().call<Tensor>("aten::mul", x, by); });
//     worker.join({.name = "server", .rank = 0, .world_size = 2, .address = address});
//     worker.leave();  // when nobody calls any more
//   }
//
//   // the other calls an operator there, then the function, and keeps a result there.
//   double ask(Runtime& runtime, const std::string& address) {
//     rpc::Worker& worker = runtime.rpc();
//     worker.join({.name = "client", .rank = 1, .world_size = 2, .address = address});
//     const Future<Tensor> three = worker.call<Tensor>("server", "aten::full", std::vector{2}, 3.0);
//     const Future<Tensor> twice = worker.call(kScale, {"server", rpc::Seconds(5)}, three.get(), 2.0);
//     const rpc::RRef<Tensor> sum = worker.remote<Tensor>("server", "aten::sum", twice.get());
//     const double number = runtime.ops().call<double>("aten::item", sum.to_here().get());
//     worker.leave();
//     return number;
//   }
//
// In a coroutine, co_await takes the place of get(), and no thread waits. A Python worker calls the function by its name:
// rpc.rpc_sync("server", "scale", args=(x, 2.0)). The workers of a world prove to each other that they share a secret
// before anything else is read (docs/security.md).
//
// What is called. A name is looked for among the operators ("aten::add") and then the script functions of the caller, whose
// code travels with the call; any other name is one that the callee serves, or a script function that the callee knows. A
// Python worker serves what it has registered (@rpc.register), and any function that it can import, by "module:qualname".
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
// Calls in parts: rpc_call.h; shared declarations: rpc_function.h; references: rpc_reference.h; streams: rpc_stream.h. The
// specification is docs/spec/agent.md and docs/spec/rref.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tine/detail/export.h"
#include "tine/detail/given_arguments.h"
#include "tine/executor.h"
#include "tine/rpc_call.h"
#include "tine/rpc_function.h"
#include "tine/rpc_reference.h"
#include "tine/rpc_stream.h"
#include "tine/tensor.h"
#include "tine/tls.h"

namespace tine {
class Runtime;
}

namespace tine::rpc {

// As the size of a world: workers come and go.
inline constexpr int kWorldChanges = 0;

struct Language;  // include/tine/foreign.h

// What other workers may make this one run.
enum class Allow : uint8_t {
  kAll,  // operators, scripts, served functions; of another language what they name or bring
  // The functions that this worker serves, and nothing else. It takes no operator, no script and no pickle of others, also
  // not as an answer or as an error: those fail the call that was to get them. Calls to itself are as before.
  kRegistered,
};

struct JoinOptions {
  std::string name{};  // 1 to 128 bytes, unique in the world
  // 0 to world_size - 1, unique. In a world that changes 0 for the one that keeps its register, else up to 65,535, or -1:
  // the next free one.
  int rank = 0;
  // kWorldChanges: workers come and go while calls run. join() then waits for no others.
  int world_size = 1;
  // The same for all. "tcp://host:port": rank 0 listens there (port 0 only in a world of one). Or "file:///path": a file,
  // which all can read and rank 0 can write, in which rank 0 says where it listens; "file:///path?host=name" with the name of
  // its machine if others are on another one. Rank 0 removes it.
  std::string address{};
  std::string secret{};      // empty: TINE_AUTH_KEY, else the user's key file
  Seconds rpc_timeout{60};   // of calls that name none; kNoTimeout: none
  Seconds init_timeout{60};  // how long join() waits for the others
  // The ways to other workers, nearest first: a worker is reached by the first that leads to it. "shm": memory that two
  // processes of one machine share. "unix": sockets between such processes. "tcp": needed for the address.
  std::vector<std::string> transports{"shm", "unix", "tcp"};
  // Encrypts what goes by TCP. Without it addresses beyond loopback are refused, unless they are allowed by name.
  TlsOptions tls{};
  bool plaintext_beyond_loopback = false;
  Allow allow = Allow::kAll;
  // What a caller waits at, for each worker: calls without an answer, and bytes that were copied to be sent. A tensor is not
  // copied and does not count.
  size_t max_calls_in_flight = 65536;
  size_t max_send_buffer_bytes = size_t{64} << 20;
  // So much of other workers' shared memory (shared_empty) is used in place, of one of them half. Beyond it, and always with
  // Allow::kRegistered, its tensors are copied.
  size_t max_mapped_bytes = size_t{4} << 30;
  // A worker that says nothing is asked for a sign of life after the first, and is dead after the second; 0: never asked.
  std::chrono::milliseconds heartbeat_interval{5000};
  std::chrono::milliseconds heartbeat_timeout{30000};
  // For how long a thread that waits for an answer looks for it before it sleeps, while that pays; 0: it sleeps at once.
  std::chrono::microseconds polling{50};
  // Asked every 100 ms while join(), leave() and a call that waits for room block; true ends the wait with Cancelled.
  std::function<bool()> interrupted{};
  // Told of each worker that joins a world that changes, and of each that leaves or dies, with what its calls fail with. On a
  // thread of callbacks, one at a time, in order; not told of ends that this worker's own end brings about. What they throw is
  // logged.
  std::function<void(const WorkerInfo&)> on_worker_joined{};
  std::function<void(const WorkerInfo&, const std::exception_ptr& cause)> on_worker_lost{};
  // Is told of refused handshakes and dead workers, by threads that read: it must not block. Empty: nobody is told.
  std::function<void(const std::string&)> log{};
  const Language* language = nullptr;  // another language than C++; copied

  // With rank, world_size and address as `tine launch` and torchrun set them: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT.
  // ValueError that names a variable that is missing or is not a number.
  [[nodiscard]] TINE_API static JoinOptions from_environment(std::string name);
};

}  // namespace tine::rpc

namespace tine::detail {
template <class... Params, class F>
rpc::Served served(F f);
template <class R, class... Params>
rpc::Served served_as(std::function<R(Params...)> f);
template <class R, class... Params, class F>
rpc::Served served_fitting(F f);
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

  // Makes this process a worker, and returns when all workers of the world (that are there) are connected to each other. Calls of others may
  // run here before it returns. Throws ValueError (an option that cannot be, a name or rank that two workers have: then
  // all are told), DeadlineExceeded (with the names or ranks that are missing), AuthError (another secret than rank 0's, or
  // none; rank 0 is told by `log` and in its DeadlineExceeded), SystemError (the address is in use), Cancelled, and Error
  // when this worker has joined already. It starts one thread.
  void join(JoinOptions options);
  // In a world that changes: leaves when the calls of this worker are answered, and those of others here; rank 0 when all others
  // have left. In a fixed one: leaves when every worker has called it and no call runs anywhere. After `timeout` at the
  // latest (kNoTimeout: as long as they live); DeadlineExceeded or PeerDied then name the stragglers. Calls of others are served meanwhile. In any case this
  // worker has left when it returns or throws: pending futures have failed. Nothing happens when it has not joined.
  void leave(Seconds timeout = kNoTimeout);
  // Leaves at once. `failure`, unless empty, is what this program failed by: the others' errors quote it.
  void leave_now(std::string_view failure = {});
  [[nodiscard]] bool joined() const noexcept;

  [[nodiscard]] WorkerInfo self() const;
  [[nodiscard]] std::vector<WorkerInfo> workers() const;  // by rank; those who are there
  // ValueError for one that is not there, or has left a world that changes.
  [[nodiscard]] WorkerInfo info(const To& worker) const;
  // That of calls that name none; ValueError for less than 0.
  [[nodiscard]] Seconds rpc_timeout() const;
  void set_rpc_timeout(Seconds timeout);

  // From now on other workers may call `f` by that name: serve before join(), or callers may come too early. The parameters
  // of `f` are of types that from_value() of include/tine/convert.h makes, or one Invocation, which has all of the call, also
  // arguments by name. It returns void, anything that to_value() takes, a Future of it, which answers the call when it is done
  // and holds no thread meanwhile, or a Stream of it for callers of stream(). It may be a coroutine: its parameters, also those
  // taken by reference, and its captures live for as long as anything runs or waits to run in its Context. It is copied once,
  // and called on handler threads, several at once, in a Context with the call's deadline, which is cancelled when the caller
  // gives up. What it throws is the answer. ValueError for an empty name, one that is served already, the name of an operator or
  // a script function, and one with a single colon, which is that of a Python function ("module:qualname").
  template <class F>
  void serve(std::string name, F f) {
    serve_by_name(std::move(name), detail::served_as(std::function(std::move(f))));
  }
  // The same by a declaration that callers share, which `f` must fit.
  template <class R, class... Params, class F>
  void serve(const Function<R(Params...)>& function, F f) {
    static_assert(std::is_invocable_v<const F&, std::decay_t<Params>...>,
                  "Worker::serve: the function does not take the parameters of its rpc::Function");
    static_assert(
        detail::kAnswers<std::invoke_result_t<const F&, std::decay_t<Params>...>, R>,
        "Worker::serve: the function returns something else than its rpc::Function, or a Future of it");
    serve_by_name(std::string(function.name()),
                  detail::served_fitting<R, std::decay_t<Params>...>(std::move(f)));
  }
  // Calls that come in from now on do not find it; those that run go on. Nothing happens when it is not served.
  void stop_serving(std::string_view name) noexcept;

  // Calls the function of that name on that worker; the future holds its result as an R: any type that from_value() makes,
  // void (nobody looks), or Value. TypeError when it is none. Tensors are sent from their own memory: they must not be written
  // until the future is done; to this worker itself they are passed, not copied. An error that nobody looks at is reported with
  // the line of the call (unobserved.h), unless this worker's own end gave the call up. Blocks while more calls are on their way than
  // the options allow, at most until the call's deadline. TypeError for arguments that no overload of an operator takes, and
  // for a Future among them. A small call costs two allocations, and a system call at either end; an R one more.
  template <class R = Value, class... Args>
  [[nodiscard]] Future<R> call(const To& to, std::string_view name, Args&&... args) {
    return call<R>(parts_of(to, name, std::forward<Args>(args)...));
  }
  template <class R = Value>
  [[nodiscard]] Future<R> call(Call call) {
    std::string what = call.name;
    const std::source_location where = call.to.where();
    return detail::typed_answer<R>(call_value(std::move(call)), std::move(what), where);
  }
  // The same by a declaration that the callee shares: arguments that do not fit do not compile.
  template <class R, class... Params, class... Args>
  [[nodiscard]] Future<R> call(const Function<R(Params...)>& function, const To& to, Args&&... args) {
    static_assert(!detail::is_stream<R>, "Worker::call: the function returns a stream: use Worker::stream()");
    return call<R>(parts_of(function, to, std::forward<Args>(args)...));
  }
  // The same, but the result stays there, and need not be able to travel. Returns at once; an error of the call is that of
  // to_here() and confirmed().
  template <class R = Value, class... Args>
  [[nodiscard]] RRef<R> remote(const To& to, std::string_view name, Args&&... args) {
    return remote<R>(parts_of(to, name, std::forward<Args>(args)...));
  }
  template <class R = Value>
  [[nodiscard]] RRef<R> remote(Call call) {
    return RRef<R>(remote_value(std::move(call)));
  }
  template <class R, class... Params, class... Args>
  [[nodiscard]] RRef<R> remote(const Function<R(Params...)>& function, const To& to, Args&&... args) {
    static_assert(!detail::is_stream<R>,
                  "Worker::remote: the function returns a stream: use Worker::stream()");
    return remote<R>(parts_of(function, to, std::forward<Args>(args)...));
  }
  // A reference to a value of this worker. TypeError when there is a Future in it.
  [[nodiscard]] RRef<> own(Value value);
  template <class T>
  [[nodiscard]] RRef<T> own(std::type_identity_t<T> value) {
    return RRef<T>(own(to_value(std::move(value))));
  }
  // Calls a function that returns a stream (in Python: is a generator), and reads its items as they come: rpc_stream.h. The
  // timeout is that of each item. Returns at once; an error of the call is that of the first item. ValueError for a credit of
  // 0 or above kMaxStreamCredit.
  template <class R = Value, class... Args>
  [[nodiscard]] Stream<R> stream(const To& to, std::string_view name, Args&&... args) {
    return stream<R>(parts_of(to, name, std::forward<Args>(args)...));
  }
  template <class R = Value>
  [[nodiscard]] Stream<R> stream(Call call, size_t credit = kStreamCredit) {
    return Stream<R>(detail::make_ref<detail::RemoteSource<R>>(open_stream(std::move(call), credit)));
  }
  template <class R, class... Params, class... Args>
  [[nodiscard]] Stream<R> stream(const Function<Stream<R>(Params...)>& function, const To& to,
                                 Args&&... args) {
    return stream<R>(parts_of(function, to, std::forward<Args>(args)...));
  }

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
  template <class R, class... Params, class... Args>
  static Call parts_of(const Function<R(Params...)>& function, const To& to, Args&&... args) {
    static_assert(detail::kAllFit<std::tuple<Params...>, std::tuple<Args...>>,
                  "the arguments are not those that the rpc::Function takes");
    return {.to = to,
            .name = std::string(function.name()),
            .args = {to_value(static_cast<std::decay_t<Params>>(std::forward<Args>(args)))...}};
  }
  void serve_by_name(std::string name, Served f);
  Future<Value> call_value(Call call);
  RRef<> remote_value(Call call);
  detail::Ref<detail::RemoteItems> open_stream(Call call, size_t credit);

  std::unique_ptr<Parts> parts_;
};

// A tensor whose elements, which are not set, lie in memory that this process shares with workers of its machine. It and its
// views are sent to them, and come back in their answers, without a copy: both sides have the same memory, and see what the other
// one writes. Sent to anybody else it is copied, like any tensor. An ordinary tensor where that memory cannot be had (then the log
// says so once), and below 4 KiB. Throws as Tensor::empty. A new one costs what fresh pages cost, 1 us each: use it again.
// docs/spec/shm.md, "Memory that is lent".
[[nodiscard]] TINE_API Tensor shared_empty(std::span<const int64_t> sizes, DType dtype);

}  // namespace tine::rpc

#include "tine/detail/serving.h"
