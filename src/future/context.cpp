#include "tine/context.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <map>
#include <vector>

#include "src/base/mutex.h"
#include "src/future/origin.h"
#include "src/future/run_limits.h"
#include "tine/detail/keeping.h"
#include "tine/detail/stoppable.h"
#include "tine/timer.h"

namespace tine {
namespace detail {

namespace {
// The stack on which a task that is run inside a wait can count.
constexpr size_t kStackReserve = size_t{256} << 10;
}  // namespace

void note_stack() noexcept {
  if (thread_state.stack_limit) return;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* lowest = nullptr;
  size_t size = 0;
  if (pthread_attr_getstack(&attributes, &lowest, &size) == 0 && size > 2 * kStackReserve) {
    thread_state.stack_limit = static_cast<const char*>(lowest) + kStackReserve;
  }
  pthread_attr_destroy(&attributes);
}

std::exception_ptr too_deep_error(const std::source_location& forked) noexcept {
  try {
    return make_error(
        ErrorKind::kRuntime,
        fmt::format("the task forked at {}:{} ({}) was not run: waits inside tasks are nested so deep "
                    "that less than 256 KiB of this thread's stack is left; let the tasks co_await "
                    "their forks (a coroutine's wait holds no stack), or fork fewer levels",
                    forked.file_name(), forked.line(), forked.function_name()));
  } catch (...) {
    return std::current_exception();  // out of memory
  }
}

// What a CancelSource, a token and a Context with a deadline share. It is raised once: by a source, a deadline or a parent. Its
// two lists hold whom it then tells: futures, and the StopStates of nested contexts.
class StopState : public std::enable_shared_from_this<StopState> {
 public:
  // A future that is to be told. It is owned by the future's list of callbacks, and stays in the list of its StopState until
  // the future is done.
  class Watch final : public Node {
   public:
    Watch(StateBase& state, std::shared_ptr<StopState> stop) noexcept
        : Node(&kOps), state_(Ref<StateBase>::share(&state)), stop_(std::move(stop)) {}

    // One comes and goes with each future.
    static void* operator new(size_t bytes) { return allocate_block(bytes); }
    static void operator delete(void* watch, size_t bytes) noexcept { free_block(watch, bytes); }

   private:
    friend class StopState;
    static void run(Node* node, StateBase&) noexcept {
      const std::unique_ptr<Watch> self(static_cast<Watch*>(node));
      StopState& stop = *self->stop_;
      const MutexLock lock(stop.mutex_);
      stop.unlink(*self);
    }
    static constexpr NodeOps kOps{&Watch::run, false, true};

    const Ref<StateBase> state_;
    const std::shared_ptr<StopState> stop_;
    // Guarded by stop_->mutex_, as the list that they belong to: link() and unlink() alone use them.
    Watch* before_ = nullptr;
    Watch* after_ = nullptr;
    bool linked_ = false;
  };

  [[nodiscard]] Outcome outcome() const noexcept { return outcome_.load(std::memory_order_acquire); }

  bool raise(Outcome outcome) noexcept {
    std::vector<std::weak_ptr<StopState>> children;
    {
      const MutexLock lock(mutex_);
      if (outcome_.load(std::memory_order_relaxed) != Outcome::kPending) return false;
      outcome_.store(outcome, std::memory_order_release);
      children.swap(children_);
    }
    // Without the lock: this runs callbacks of users, and each Watch takes the lock when its future is done. One after the
    // other, because a list of them would need memory.
    while (const Ref<StateBase> future = take_first()) future->cancel(outcome);
    for (const std::weak_ptr<StopState>& weak : children) {
      if (const auto child = weak.lock()) child->raise(outcome);
    }
    return true;
  }

  void add(StateBase& state) {
    auto watch = std::make_unique<Watch>(state, shared_from_this());
    bool pending = false;
    {
      const MutexLock lock(mutex_);
      pending = outcome() == Outcome::kPending;
      if (pending) link(*watch);
    }
    if (!pending) {
      state.cancel(outcome());
      return;
    }
    state.subscribe(watch.release());
  }

  void follow(const std::shared_ptr<StopState>& parent) {
    if (!parent) return;
    parents_.push_back(parent);
    {
      const MutexLock lock(parent->mutex_);
      if (parent->outcome() == Outcome::kPending) {
        // Before the list grows, the entries of contexts that are gone make room.
        if (parent->children_.size() == parent->children_.capacity()) {
          std::erase_if(parent->children_, [](const auto& child) { return child.expired(); });
        }
        parent->children_.push_back(weak_from_this());
        return;
      }
    }
    raise(parent->outcome());
  }

  void raise_at(Timer& timer, TimePoint when) {
    if (when <= Clock::now()) {
      raise(Outcome::kDeadline);
      return;
    }
    alarm_ = make_ref<Alarm>(weak_from_this());
    timer.start(alarm_, when);
  }

  ~StopState() {
    if (alarm_) alarm_->stop();
  }

 private:
  class Alarm final : public Timer::Entry {
   public:
    explicit Alarm(std::weak_ptr<StopState> stop) noexcept : stop_(std::move(stop)) {}

   private:
    void fire() noexcept override {
      if (const auto stop = stop_.lock()) stop->raise(Outcome::kDeadline);
    }
    void abandon() noexcept override {}
    const std::weak_ptr<StopState> stop_;
  };

  Ref<StateBase> take_first() noexcept {
    const MutexLock lock(mutex_);
    if (!first_) return {};
    Watch& watch = *first_;
    unlink(watch);
    return watch.state_;
  }
  void link(Watch& watch) noexcept TINE_REQUIRES(mutex_) {
    watch.before_ = last_;
    (last_ ? last_->after_ : first_) = &watch;
    last_ = &watch;
    watch.linked_ = true;
  }
  void unlink(Watch& watch) noexcept TINE_REQUIRES(mutex_) {
    if (!watch.linked_) return;
    (watch.before_ ? watch.before_->after_ : first_) = watch.after_;
    (watch.after_ ? watch.after_->before_ : last_) = watch.before_;
    watch.linked_ = false;
  }

  std::atomic<Outcome> outcome_{Outcome::kPending};
  Mutex mutex_;
  Watch* first_ TINE_GUARDED_BY(mutex_) = nullptr;
  Watch* last_ TINE_GUARDED_BY(mutex_) = nullptr;
  std::vector<std::weak_ptr<StopState>> children_ TINE_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<StopState>>
      parents_;  // kept, because a parent tells its children only while it exists
  Ref<Timer::Entry> alarm_;
};

class ContextData final : public RefCounted {
 public:
  ContextData() = default;
  // A copy, which may be changed until another thread sees it.
  static std::unique_ptr<ContextData> copy(const ContextData* from) {
    auto made = std::make_unique<ContextData>();
    if (from) {
      made->deadline = from->deadline;
      made->stop = from->stop;
      made->trace_id = from->trace_id;
      made->values = from->values;
      made->limits = from->limits;
      made->kept = from->kept;
      made->origin = from->origin;
    }
    return made;
  }
  ~ContextData() override = default;

  TimePoint deadline = kNoDeadline;
  TimePoint origin = kNoDeadline;
  std::shared_ptr<StopState> stop;
  std::string trace_id;
  std::map<std::string, std::string, std::less<>> values;
  std::shared_ptr<RunLimits> limits;  // null: none
  std::shared_ptr<const void> kept;   // keeping(); with what was kept before
};

void retain_context(ContextData* context) noexcept { context->retain(); }
void release_context(ContextData* context) noexcept { context->release(); }
void join_context(StateBase& state, ContextData& context) {
  if (context.stop) context.stop->add(state);
}

bool can_stop(const ContextData& context) noexcept { return context.stop != nullptr; }

namespace {

// The state on which a thread or coroutine waits when its context can stop. It is in the list of the source, and joined to the
// context: the first of the two completes it.
class Wakeup final : public State<void>, private Node {
 public:
  explicit Wakeup(WaitHelper* helper) noexcept : State<void>(helper), Node(&kOps) {}
  void watch(StateBase& source) noexcept {
    retain();  // the list's reference
    source.subscribe(this);
  }

 private:
  static void run(Node* node, StateBase&) noexcept {
    auto* const self = static_cast<Wakeup*>(node);
    self->emplace();
    self->release();
  }
  static constexpr NodeOps kOps{&Wakeup::run, false, true};
};

}  // namespace

Ref<State<void>> until_stopped(StateBase& source, ContextData& context) {
  const auto wakeup = make_ref<Wakeup>(source.helper());
  wakeup->watch(source);
  if (!wakeup->done()) join_context(*wakeup, context);
  return wakeup;
}

void throw_stopped(Outcome how, const StateBase& source) {
  if (how == Outcome::kCancelled) {
    throw Cancelled(fmt::format("the context was cancelled before {} was done", source.subject()));
  }
  throw DeadlineExceeded(fmt::format("the context's deadline passed before {} was done", source.subject()));
}

void wait_in_context_slowly(StateBase& state, TimePoint deadline) {
  ContextData* const context = current_context();
  if (!context || !context->stop) {
    state.wait_until(deadline);
    return;
  }
  // The context's deadline counts also when the timer is late.
  const TimePoint end = std::min(deadline, context->deadline);
  // The caller learns that the wait was given up. An error of the future that comes later need not be reported.
  const auto give_up = [&state](Outcome how) {
    state.observe();
    throw_stopped(how, state);
  };
  if (context->stop->outcome() != Outcome::kPending) give_up(context->stop->outcome());
  if (state.help_until(TimePoint::min())) return;
  const Ref<State<void>> wakeup = until_stopped(state, *context);
  const bool woken = wakeup->wait_until(end);
  if (woken && wakeup->outcome() == Outcome::kValue) return;  // the future is done
  if (!woken && end != context->deadline) return;             // the caller's deadline came first
  give_up(woken ? wakeup->outcome() : Outcome::kDeadline);
}

namespace {
Context made(std::unique_ptr<ContextData> data) {
  Context context{ContextRef(data.get())};
  data.release()->release();
  return context;
}
}  // namespace

Context with_run_limits(const Context& context, int64_t steps, uint32_t depth) {
  auto data = ContextData::copy(context.data().get());
  data->limits = std::make_shared<RunLimits>(steps, depth, data->limits);
  return made(std::move(data));
}

ContextRef keeping(const ContextRef& context, std::shared_ptr<const void> kept) {
  auto data = ContextData::copy(context.get());
  if (data->kept) {
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
    kept = std::make_shared<const Both>(std::move(data->kept), std::move(kept));
  }
  data->kept = std::move(kept);
  ContextRef made(data.get());
  data.release()->release();
  return made;
}

Context context_of_call(const CancelToken& token, Timer& timer, TimePoint deadline, TimePoint origin) {
  auto data = std::make_unique<ContextData>();
  data->origin = origin;
  data->stop = token.state();
  if (deadline != kNoDeadline) {
    const auto stop = std::make_shared<StopState>();
    stop->follow(data->stop);
    stop->raise_at(timer, deadline);
    data->deadline = deadline;
    data->stop = stop;
  }
  return made(std::move(data));
}

TimePoint origin_of(const ContextData& context) noexcept { return context.origin; }

RunLimits* run_limits(const ContextData& context) noexcept { return context.limits.get(); }

}  // namespace detail

using detail::ContextData;
using detail::Outcome;
using detail::StopState;

bool CancelToken::raised() const noexcept { return state_ && state_->outcome() != Outcome::kPending; }

CancelSource::CancelSource() : state_(std::make_shared<StopState>()) {}
bool CancelSource::cancel() const noexcept { return state_->raise(Outcome::kCancelled); }

Context Context::with_deadline(Timer& timer, TimePoint deadline) const {
  if (deadline >= this->deadline()) return *this;
  auto data = ContextData::copy(data_.get());
  const auto stop = std::make_shared<StopState>();
  stop->follow(data->stop);
  stop->raise_at(timer, deadline);
  data->deadline = deadline;
  data->stop = stop;
  return detail::made(std::move(data));
}

Context Context::with_token(const CancelToken& token) const {
  if (!token.state()) return *this;
  auto data = ContextData::copy(data_.get());
  if (data->stop) {
    const auto stop = std::make_shared<StopState>();
    stop->follow(data->stop);
    stop->follow(token.state());
    data->stop = stop;
  } else {
    data->stop = token.state();
  }
  return detail::made(std::move(data));
}

Context Context::with_trace_id(std::string id) const {
  auto data = ContextData::copy(data_.get());
  data->trace_id = std::move(id);
  return detail::made(std::move(data));
}

Context Context::with(std::string key, std::string value) const {
  auto data = ContextData::copy(data_.get());
  data->values.insert_or_assign(std::move(key), std::move(value));
  return detail::made(std::move(data));
}

TimePoint Context::deadline() const noexcept { return data_.get() ? data_.get()->deadline : kNoDeadline; }
std::string_view Context::trace_id() const noexcept {
  return data_.get() ? std::string_view(data_.get()->trace_id) : std::string_view();
}
std::optional<std::string> Context::get(std::string_view key) const {
  if (!data_.get()) return std::nullopt;
  const auto found = data_.get()->values.find(key);
  if (found == data_.get()->values.end()) return std::nullopt;
  return found->second;
}

bool Context::stopped() const noexcept {
  const ContextData* const data = data_.get();
  return data && data->stop && (data->stop->outcome() != Outcome::kPending || Clock::now() >= data->deadline);
}

void Context::check() const {
  if (!stopped()) return;
  if (data_.get()->stop->outcome() == Outcome::kCancelled) throw Cancelled("the context was cancelled");
  throw DeadlineExceeded("the context's deadline passed");
}

}  // namespace tine
