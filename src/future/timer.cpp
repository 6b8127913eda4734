#include "tine/timer.h"

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/base/thread.h"

namespace tine {

using detail::Ref;

struct Timer::Core {
  explicit Core(Executor& e) noexcept : callbacks(e) {}

  const Birth birth;
  Executor& callbacks;
  mutable Mutex mutex;
  Condition changed;
  // Earliest first; an entry at i has place_ i + 1. `mutex` guards place_, too.
  std::vector<Ref<Entry>> heap TINE_GUARDED_BY(mutex);
  bool closed TINE_GUARDED_BY(mutex) = false;
  Thread thread;  // started under `mutex`, joined once `closed` is set

  void put(size_t i, Ref<Entry> entry) noexcept TINE_REQUIRES(mutex) {
    entry->place_ = i + 1;
    heap[i] = std::move(entry);
  }
  void up(size_t i) noexcept TINE_REQUIRES(mutex) {
    Ref<Entry> moving = std::move(heap[i]);
    while (i > 0 && moving->when_ < heap[(i - 1) / 2]->when_) {
      put(i, std::move(heap[(i - 1) / 2]));
      i = (i - 1) / 2;
    }
    put(i, std::move(moving));
  }
  void down(size_t i) noexcept TINE_REQUIRES(mutex) {
    Ref<Entry> moving = std::move(heap[i]);
    for (size_t child = 2 * i + 1; child < heap.size(); child = 2 * i + 1) {
      if (child + 1 < heap.size() && heap[child + 1]->when_ < heap[child]->when_) ++child;
      if (moving->when_ <= heap[child]->when_) break;
      put(i, std::move(heap[child]));
      i = child;
    }
    put(i, std::move(moving));
  }
  Ref<Entry> take(size_t i) noexcept TINE_REQUIRES(mutex) {
    Ref<Entry> taken = std::move(heap[i]);
    taken->place_ = 0;
    Ref<Entry> last = std::move(heap.back());
    heap.pop_back();
    // The last entry fills the gap, and may belong further down or further up.
    if (i < heap.size()) {
      Entry* const moved = last.get();
      heap[i] = std::move(last);
      down(i);
      if (heap[i].get() == moved) up(i);
    }
    return taken;
  }

  void main() noexcept {
    const detail::CallbackGate gate(callbacks);
    MutexLock lock(mutex);
    while (!closed) {
      if (heap.empty()) {
        changed.wait(mutex);
      } else if (const TimePoint next = heap.front()->when_; Clock::now() < next) {
        (void)changed.wait_until(mutex, next);
      } else {
        const Ref<Entry> due = take(0);
        lock.unlock();
        due->fire();
        lock.lock();
      }
    }
  }
};

bool Timer::Entry::stop() noexcept {
  Ref<Entry> taken;  // declared first, so that it is dropped after the lock is released
  // In a child after fork(2) the mutex may be held for ever, by the parent's timer thread.
  if (!core_ || core_->birth.inherited()) return false;
  Timer::Core& core = *core_;
  const MutexLock lock(core.mutex);
  if (place_ == 0) return false;
  taken = core.take(place_ - 1);
  return true;
}

Timer::Timer(Executor& callbacks) : core_(std::make_shared<Core>(callbacks)) {}

Timer::~Timer() {
  if (!core_) return;
  std::vector<Ref<Entry>> left;
  Core& core = *core_;
  {
    const MutexLock lock(core.mutex);
    core.closed = true;
    left.swap(core.heap);
    for (const Ref<Entry>& entry : left) entry->place_ = 0;
  }
  core.changed.notify_one();
  core.thread.join();
  for (const Ref<Entry>& entry : left) entry->abandon();
}

void Timer::start(const Ref<Entry>& entry, TimePoint when) {
  if (core_->birth.inherited()) {
    entry->abandon();
    return;
  }
  entry->core_ = core_;
  entry->when_ = when;
  bool first = false;
  Core& core = *core_;
  {
    const MutexLock lock(core.mutex);
    if (!core.thread.joinable()) core.thread = Thread("tine-timer", [&core] { core.main(); });
    core.heap.push_back(entry);
    core.up(core.heap.size() - 1);
    first = entry->place_ == 1;
  }
  if (first) core.changed.notify_one();
}

size_t Timer::size() const noexcept {
  const Core& core = *core_;
  const MutexLock lock(core.mutex);
  return core.heap.size();
}

void Timer::leave_in_child() noexcept {
  // Leaked, because its mutex may be held by a thread that does not exist here.
  new std::shared_ptr<Core>(std::move(core_));
}

namespace {

// It is in the timer's heap and in its future's list of callbacks. The one that comes first takes it out of the other.
class Sleep final : public Timer::Entry, private detail::Node {
 public:
  Sleep() : Node(&kOps), state_(detail::make_ref<detail::State<void>>(detail::task_helper())) {
    state_->made_at({});
    if (detail::ContextData* context = detail::current_context()) detail::join_context(*state_, *context);
  }
  Future<void> future() const { return Future<void>(state_); }
  void watch() noexcept {
    retain();  // the list's reference
    state_->subscribe(this);
  }

 private:
  void fire() noexcept override {
    if (state_->claim()) state_->emplace();
  }
  void abandon() noexcept override {
    if (state_->claim()) {
      state_->fail(make_error(ErrorKind::kAbandoned, "the timer ended before the time of this sleep"));
    }
  }
  static void run(Node* node, detail::StateBase&) noexcept {
    auto* const self = static_cast<Sleep*>(node);
    self->stop();
    self->release();
  }
  static constexpr detail::NodeOps kOps{&Sleep::run, false, true};

  const Ref<detail::State<void>> state_;
};

}  // namespace

Future<void> Timer::sleep_until(TimePoint when) {
  const auto sleep = detail::make_ref<Sleep>();
  Future<void> future = sleep->future();
  start(sleep, when);
  sleep->watch();
  return future;
}

}  // namespace tine
