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

#include <memory>

#include "tine/scheduler.h"

namespace tine {

class Generator;
class OpTable;
class ScriptUnit;
struct OpContext;
class RpcService;

struct RuntimeOptions {
  int num_threads = 0;        // workers of the pool; 0: the cores this process may use
  int blocking_threads = 16;  // threads at most for code that may block (Python handlers, users' callbacks)
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
  // Abandons what waits for a blocking thread and joins those threads; used at the end of an interpreter.
  void close_blocking() noexcept;
  [[nodiscard]] const OpTable& ops() const noexcept;
  // The context in which this thread calls operators; without a recorder.
  [[nodiscard]] OpContext& context() noexcept;
  [[nodiscard]] Generator& generator() noexcept;
  // The script functions (src/runtime/script.h).
  [[nodiscard]] ScriptUnit& scripts() noexcept;

 private:
  friend RpcService& rpc_service(Runtime& runtime) noexcept;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tine
