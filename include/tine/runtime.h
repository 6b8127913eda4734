// Runtime: builds and owns everything that runs: the pool, the operators, scripts, RPC.
//
// State      Complete from construction. The default one is made on first use and never destroyed; in a
//            child after fork(2) the next use makes a new one, the parent's is left alone.
// Threads    Every member from any thread, but for the destructor.
// Ordering   Members are destroyed in the reverse order of their making: RPC before scripts before the pool.
// Ownership  Owns what it hands out references to. A Runtime of your own must outlive the futures that its
//            pool or connections are to complete.
// Errors     Construction throws ValueError for bad options.
// Cost       Under a millisecond; threads start with the first task.
// Source     DESIGN "The house": no mutable globals, no static registration.
#pragma once

#include <cstdint>
#include <memory>

#include "tine/scheduler.h"

namespace tine {

class Generator;
class OpTable;
class ScriptStore;
struct OpContext;
class RpcService;

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
  [[nodiscard]] const OpTable& ops() const noexcept;
  // The context in which this thread calls operators.
  [[nodiscard]] OpContext& context() noexcept;
  [[nodiscard]] Generator& generator() noexcept;
  // The script functions (src/runtime/script.h).
  [[nodiscard]] ScriptStore& scripts() noexcept;

 private:
  friend RpcService& rpc_service(Runtime& runtime) noexcept;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// The pool of the calling worker; on other threads the default Runtime's.
[[nodiscard]] TINE_API Scheduler& default_scheduler();

// fork(f, args...): on that pool.
template <class F>
requires std::invocable<std::decay_t<F>>
[[nodiscard]] auto fork(F&& f, std::source_location where = std::source_location::current()) {
  return fork(detail::ExecutorAt(default_scheduler(), where), std::forward<F>(f));
}
// With arguments: one overload a number of them, since the place of the call can't follow a pack.
#define TINE_FORK_OVERLOAD(types, parameters, decayed, arguments)                                        \
  template <class F, TINE_FORK_LIST types>                                                               \
  requires(!std::derived_from<std::remove_cvref_t<F>, Executor> &&                                       \
           std::invocable<std::decay_t<F>, TINE_FORK_LIST decayed>) [[nodiscard]] auto                   \
  fork(F&& f, TINE_FORK_LIST parameters, std::source_location where = std::source_location::current()) { \
    return fork(detail::ExecutorAt(default_scheduler(), where), std::forward<F>(f),                      \
                TINE_FORK_LIST arguments);                                                               \
  }
#define TINE_FORK_LIST(...) __VA_ARGS__
TINE_FORK_OVERLOAD((class A), (A && a), (std::decay_t<A>), (std::forward<A>(a)))
TINE_FORK_OVERLOAD((class A, class B), (A && a, B&& b), (std::decay_t<A>, std::decay_t<B>),
                   (std::forward<A>(a), std::forward<B>(b)))
TINE_FORK_OVERLOAD((class A, class B, class C), (A && a, B&& b, C&& c),
                   (std::decay_t<A>, std::decay_t<B>, std::decay_t<C>),
                   (std::forward<A>(a), std::forward<B>(b), std::forward<C>(c)))
TINE_FORK_OVERLOAD((class A, class B, class C, class D), (A && a, B&& b, C&& c, D&& d),
                   (std::decay_t<A>, std::decay_t<B>, std::decay_t<C>, std::decay_t<D>),
                   (std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d)))
#undef TINE_FORK_OVERLOAD
#undef TINE_FORK_LIST
// With more: the place is not known.
template <class F, class A, class B, class C, class D, class E, class... More>
requires(!std::derived_from<std::remove_cvref_t<F>, Executor> &&
         std::invocable<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>, std::decay_t<C>, std::decay_t<D>,
                        std::decay_t<E>, std::decay_t<More>...>)
    [[nodiscard]] auto fork(F&& f, A&& a, B&& b, C&& c, D&& d, E&& e, More&&... more) {
  return fork(detail::ExecutorAt(default_scheduler(), {}), std::forward<F>(f), std::forward<A>(a),
              std::forward<B>(b), std::forward<C>(c), std::forward<D>(d), std::forward<E>(e),
              std::forward<More>(more)...);
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
