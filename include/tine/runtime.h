// Runtime: owns everything that runs: the pool, the operators, the scripts, this process as a worker of RPC.
//
//   tine::Runtime& runtime = tine::Runtime::instance();
//   const tine::Future<int> sum = tine::fork([](int a, int b) { return a + b; }, 1, 2);  // on its pool
//   const tine::Tensor x = runtime.ops().call<tine::Tensor>("aten::ones", std::vector{2, 3});
//
// The Python package and the short C++ calls use one default Runtime, instance(), which is made on first use and never
// destroyed. A program that wants another number of threads, or several workers in one process, makes Runtimes of its own.
// Making one takes less than a millisecond: threads start with the first task. What a Runtime hands out lives as long as it
// does; it must outlive the futures that its pool or connections are to complete. Its destructor leaves RPC, ends the
// scripts that run, ends the pool, then drops the scripts: a script that computes is over within 50 ms, a task of C++ is
// waited for. In a child of fork(2) the default Runtime is made anew on next use, and the parent's is left alone. Every
// member may be called from any thread, but for the destructor.
#pragma once

#include <cstdint>
#include <memory>

#include "tine/scheduler.h"

namespace tine {

class OpTable;      // tine/operators.h
class ScriptStore;  // for bindings: src/runtime/script.h. C++ programs use tine/script.h
namespace rpc {
class Worker;  // tine/rpc.h
}

struct RuntimeOptions {
  int num_threads = 0;     // of the pool; 0: the cores this process may use
  int max_threads = 1024;  // of the pool, with those that stand in for blocked ones
  uint64_t seed = 1;       // of the order in which threads of the pool look at each other's queues
  uint32_t max_script_depth = 1'000'000;  // nested calls and forks of a script; a deeper one fails
  // Code that may block (Python handlers): so many threads run it before anybody asks whether those get on; more
  // come when they don't, up to the limit. A call that finds it reached and every thread blocked is refused.
  int handler_threads = 16;
  int max_handler_threads = 4096;

  // The defaults, but for what TINE_NUM_THREADS, TINE_MAX_THREADS, TINE_SEED and TINE_MAX_SCRIPT_DEPTH say: the options of
  // Runtime::instance(). ValueError that names the variable.
  [[nodiscard]] TINE_API static RuntimeOptions from_environment();
};

// The threads that run handlers, now.
struct HandlerCounters {
  int threads = 0;
  int idle = 0;
  int blocked = 0;    // in a wait of tine's; those in a lock or asleep are not told apart from those that run
  int peak = 0;       // threads at most so far
  size_t queued = 0;  // calls that wait for a thread
  size_t refused = 0;  // calls that found none at the limit, so far
};

class TINE_API Runtime {
 public:
  // ValueError for a number of threads that cannot be.
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // The one that the Python package and the short C++ calls use.
  [[nodiscard]] static Runtime& instance();
  // Whether instance() has been made in this process.
  [[nodiscard]] static bool exists() noexcept;

  [[nodiscard]] Scheduler& scheduler() noexcept;
  // For code that may sleep or wait outside tine: its threads are started on demand.
  [[nodiscard]] Executor& blocking() noexcept;
  // The same for users' callbacks and what else is owed in any case: never behind handlers, and never refused.
  [[nodiscard]] Executor& callbacks() noexcept;
  // As the options of those names, also while handlers run. ValueError as for those.
  void set_handler_threads(int handler_threads, int max_handler_threads);
  [[nodiscard]] HandlerCounters handler_counters() const noexcept;
  // Abandons what waits for a thread of the two and joins those threads; used at the end of an interpreter. How many do
  // not return within the bound: they are left to themselves, and the Runtime must not be destroyed any more.
  int close_blocking(TimePoint bound) noexcept;
  // Every operator, by name.
  [[nodiscard]] const OpTable& ops() const noexcept;
  // The script functions: tine/script.h compiles, finds and runs them.
  [[nodiscard]] ScriptStore& scripts() noexcept;
  // This process as a worker that calls others and is called by them.
  [[nodiscard]] rpc::Worker& rpc() noexcept;

 private:
  struct TINE_LOCAL Parts;
  std::unique_ptr<Parts> parts_;
};

// The pool of the calling worker; on other threads the default Runtime's.
[[nodiscard]] TINE_API Scheduler& default_scheduler();

namespace detail {
template <class F, class... Args>
concept Forkable = !std::derived_from<std::remove_cvref_t<F>, Executor> &&
                   std::invocable<std::decay_t<F>, std::decay_t<Args>...>;
[[nodiscard]] inline ExecutorAt default_pool(std::source_location where) {
  return ExecutorAt(default_scheduler(), where);
}
}  // namespace detail

// fork(f, args...): as fork(executor, f, args...) of include/tine/fork.h, on that pool. One overload for each number of
// arguments, because the place of the call cannot follow a pack.
template <class F>
requires std::invocable<std::decay_t<F>>
[[nodiscard]] auto fork(F&& f, std::source_location where = std::source_location::current()) {
  return fork(detail::default_pool(where), std::forward<F>(f));
}
template <class F, class A>
requires detail::Forkable<F, A>
[[nodiscard]] auto fork(F&& f, A&& a, std::source_location where = std::source_location::current()) {
  return fork(detail::default_pool(where), std::forward<F>(f), std::forward<A>(a));
}
template <class F, class A, class B>
requires detail::Forkable<F, A, B>
[[nodiscard]] auto fork(F&& f, A&& a, B&& b, std::source_location where = std::source_location::current()) {
  return fork(detail::default_pool(where), std::forward<F>(f), std::forward<A>(a), std::forward<B>(b));
}
template <class F, class A, class B, class C>
requires detail::Forkable<F, A, B, C>
[[nodiscard]] auto fork(F&& f, A&& a, B&& b, C&& c,
                        std::source_location where = std::source_location::current()) {
  return fork(detail::default_pool(where), std::forward<F>(f), std::forward<A>(a), std::forward<B>(b),
              std::forward<C>(c));
}
template <class F, class A, class B, class C, class D>
requires detail::Forkable<F, A, B, C, D>
[[nodiscard]] auto fork(F&& f, A&& a, B&& b, C&& c, D&& d,
                        std::source_location where = std::source_location::current()) {
  return fork(detail::default_pool(where), std::forward<F>(f), std::forward<A>(a), std::forward<B>(b),
              std::forward<C>(c), std::forward<D>(d));
}
// With more: the place is not known.
template <class F, class A, class B, class C, class D, class E, class... More>
requires detail::Forkable<F, A, B, C, D, E, More...>
[[nodiscard]] auto fork(F&& f, A&& a, B&& b, C&& c, D&& d, E&& e, More&&... more) {
  return fork(detail::default_pool({}), std::forward<F>(f), std::forward<A>(a), std::forward<B>(b),
              std::forward<C>(c), std::forward<D>(d), std::forward<E>(e), std::forward<More>(more)...);
}

// Done then; by the timer of that pool.
[[nodiscard]] inline Future<void> sleep_until(TimePoint when) {
  return default_scheduler().timer().sleep_until(when);
}
template <class Rep, class Period>
[[nodiscard]] Future<void> sleep_for(std::chrono::duration<Rep, Period> time) {
  return default_scheduler().timer().sleep_for(time);
}

}  // namespace tine
