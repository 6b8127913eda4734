#include "tine/runtime.h"

#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "src/runtime/parts.h"
#include "src/tensor/kernels/linear.h"
#include "src/value/ops/ops.h"

namespace tine {
namespace {

sched::BlockingOptions handler_options(const RuntimeOptions& options) {
  sched::BlockingOptions o;
  o.name = "tine-h";
  o.eager = options.handler_threads;
  o.max_threads = options.max_handler_threads;
  o.limit_name = "max_handler_threads";
  o.advice =
      ": none is left to run it; raise the limit (max_handler_threads of TensorPipeRpcBackendOptions or "
      "RuntimeOptions), or let handlers wait without a thread (@rpc.functions.async_execution)";
  return o;
}

sched::BlockingOptions callback_options() {
  sched::BlockingOptions o;
  o.name = "tine-c";
  o.refuses = false;
  return o;
}

// A whole number in the variable, if it is set and not empty.
template <class T>
void read_variable(const char* name, T& option, T least, T most) {
  const char* const text = std::getenv(name);
  if (!text || !*text) return;
  const char* const end = text + std::strlen(text);
  T number{};
  const auto read = std::from_chars(text, end, number);
  if (read.ec != std::errc{} || read.ptr != end || number < least || number > most) {
    throw ValueError(
        fmt::format("the environment variable {}: expected a whole number from {} to {}, got \"{}\"", name,
                    least, most, text));
  }
  option = number;
}

// Process-wide by nature. Never destroyed.
constinit std::atomic<Runtime*> default_runtime{nullptr};
constinit std::atomic<bool> parent_was_worker{false};

// Runs in the child before fork() returns there. Other threads of the parent may have held any lock, so this takes none and
// calls no code of users. The parent's Runtime is leaked as it is; the next use makes another.
void enter_child() noexcept {
  if (Runtime* const left = default_runtime.exchange(nullptr, std::memory_order_relaxed))
    parent_was_worker.store(left->rpc().parts().leave_in_child(), std::memory_order_relaxed);
}

}  // namespace

RuntimeOptions RuntimeOptions::from_environment() {
  RuntimeOptions o;
  read_variable("TINE_MAX_THREADS", o.max_threads, 1, 1024);
  read_variable("TINE_NUM_THREADS", o.num_threads, 1, o.max_threads);
  read_variable("TINE_SEED", o.seed, uint64_t{0}, UINT64_MAX);
  read_variable("TINE_MAX_SCRIPT_DEPTH", o.max_script_depth, 1U, UINT32_MAX);
  return o;
}

Runtime::Parts::Parts(Runtime& runtime, const RuntimeOptions& options)
    : ops(&context),
      scheduler(
          {.num_threads = options.num_threads, .max_threads = options.max_threads, .seed = options.seed}),
      trimming(Recycler::of_process(), scheduler.timer()),
      splitter(scheduler),
      callbacks(callback_options()),
      handlers(handler_options(options)),
      rpc(runtime) {
  tensor::use_one_blas_thread();  // products are split over this pool
  add_builtin_operators(ops);
  add_rpc_operators(ops);
  add_foreign_operators(ops);
  context.generator = &generator;
  context.splitter = &splitter;
  context.remote = &rpc.parts();
  scripts.emplace(ops, scheduler, context, options.max_script_depth);
  script_runner.emplace(*scripts, scheduler.timer());
  rpc.parts().set_script_runner(&*script_runner);
}

Runtime::Runtime(RuntimeOptions options) : parts_(std::make_unique<Parts>(*this, options)) {}
Runtime::~Runtime() {
  // In a child of fork(2) the threads of this Runtime do not exist, and locks that they held stay locked. So it is leaked.
  if (parts_->birth.inherited()) (void)parts_.release();
}

Runtime& Runtime::instance() {
  if (Runtime* const runtime = default_runtime.load(std::memory_order_acquire)) [[likely]]
    return *runtime;
  detail::watch_forks();
  [[maybe_unused]] static const int once = pthread_atfork(nullptr, nullptr, &enter_child);
  // Without a lock, which a child of fork(2) could inherit. If two threads make a Runtime, that of the first to finish is
  // used, and the other is destroyed.
  auto made = std::make_unique<Runtime>(RuntimeOptions::from_environment());
  if (parent_was_worker.load(std::memory_order_relaxed)) made->rpc().parts().set_in_child();
  Runtime* known = nullptr;
  if (!default_runtime.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) return *known;
  return *made.release();
}

bool Runtime::exists() noexcept { return default_runtime.load(std::memory_order_acquire) != nullptr; }

Scheduler& default_scheduler() {
  Scheduler* const mine = Scheduler::current();
  return mine ? *mine : Runtime::instance().scheduler();
}

Scheduler& Runtime::scheduler() noexcept { return parts_->scheduler; }
Executor& Runtime::blocking() noexcept { return parts_->handlers; }
Executor& Runtime::callbacks() noexcept { return parts_->callbacks; }
void Runtime::set_handler_threads(int handler_threads, int max_handler_threads) {
  parts_->handlers.set_limits(handler_threads, max_handler_threads);
}
HandlerCounters Runtime::handler_counters() const noexcept {
  const sched::BlockingCounters c = parts_->handlers.counters();
  return {c.threads, c.idle, c.blocked, c.peak, c.queued, c.refused};
}
int Runtime::close_blocking(TimePoint bound) noexcept {
  const int left = parts_->handlers.close_and_join(bound);
  return left + parts_->callbacks.close_and_join(bound);
}
const OpTable& Runtime::ops() const noexcept { return parts_->ops; }
rpc::Worker& Runtime::rpc() noexcept { return parts_->rpc; }
ScriptStore& Runtime::scripts() noexcept { return *parts_->scripts; }

}  // namespace tine
