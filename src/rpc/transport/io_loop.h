// IoLoop: the thread "tine-io", which handles the descriptors and small posted work of one agent, at once or at a time.
//
// It runs from construction until stop() or destruction. Pollable::on_events, timers and posted functions run on the loop's
// own thread: they must never block, throw, or run a user's code. All else may be called by any thread. Posted functions run in
// the order posted, timers in the order of their times.
//
// The IoLoop owns its thread and joins it; stop() closes all connections. Whatever outlives the IoLoop holds a Loop. The Timer
// that it is handed outlives it. Construction throws SystemError. To wake a thread that sleeps on another core costs 85 us, so
// after work the loop polls on for about 50 us, less when others need the processor (src/base/polling.h). epoll(7),
// level-triggered.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "src/base/polling.h"
#include "src/future/trimming.h"
#include "src/rpc/transport/buffer.h"
#include "tine/timer.h"

namespace tine::rpc {

// Something with a file descriptor that the loop watches.
class Pollable : public detail::RefCounted {
 public:
  // On the loop's thread. 0: the loop is being stopped.
  virtual void on_events(uint32_t epoll_events) noexcept = 0;
  // Of one that the loop was asked to keep looking at. Handles what has come, as on_events would; true if there was something.
  // It is called often and costs no system call.
  virtual bool look() noexcept { return false; }
  // How often before the loop gives way to another thread.
  [[nodiscard]] virtual int looks_in_a_row() const noexcept { return 1; }
  // The loop is going to sleep: from here on an event has to tell of what comes. True: something has come already, so the
  // loop goes on looking.
  virtual bool loop_sleeps() noexcept { return false; }

 private:
  friend class Loop;
  std::atomic<bool> watched_{false};
};

// What schedule_at() gave; empty: no timer.
class TimerId {
 public:
  TimerId() noexcept = default;
  explicit operator bool() const noexcept { return static_cast<bool>(due_); }

 private:
  friend class Loop;
  explicit TimerId(detail::Ref<detail::RefCounted> due) noexcept : due_(std::move(due)) {}
  detail::Ref<detail::RefCounted> due_;
};

// What others hold of an IoLoop: copies are cheap and stay good when it has stopped, or has left its thread behind.
class Loop {
 public:
  struct Options {
    std::chrono::microseconds poll_budget = PollTimes::kConnection;  // 0: always sleep
    Timer* timer = nullptr;                                          // null: one of its own
    Recycler* recycler = nullptr;                                    // null: that of the process
    // Received memory of no use for one to two of these goes back to the system.
    std::chrono::milliseconds trim_interval = Trimming::kInterval;
    Executor* callbacks = nullptr;  // of a timer of its own; null: in place
  };

  // Work whose object exists beforehand, so that posting it needs no memory. It may be posted again once it runs or
  // was dropped, which happens on the loop's thread. The poster keeps it alive until then.
  class Errand {
   public:
    virtual void run_errand() noexcept = 0;
    virtual void drop_errand() noexcept = 0;

   protected:
    ~Errand() = default;

   private:
    friend class Loop;
    Errand* next_ = nullptr;  // guarded by the loop's mutex
  };

  // False, and the function is dropped, once the loop has stopped.
  bool post(std::function<void()> work);
  // False once the loop has stopped: then the errand is neither run nor dropped.
  [[nodiscard]] bool post(Errand& errand) noexcept;
  TimerId schedule_at(TimePoint when, std::function<void()> work);
  // True when it will not run any more; false when it has run, is running, or never was.
  bool cancel(const TimerId& id) noexcept;

  [[nodiscard]] bool on_loop_thread() const noexcept;
  // In the child after fork(2): the thread is the parent's, nothing here works any more; its descriptors have been closed
  // (src/base/forks.h). The loop may only be destroyed, which does nothing.
  [[nodiscard]] bool forked() const noexcept;

  [[nodiscard]] Recycler& recycler() const noexcept;
  [[nodiscard]] std::chrono::microseconds poll_budget() const noexcept;

  // Something to be looked after on the loop's thread each millisecond, until it says that this is enough.
  class Guard : public detail::RefCounted {
   public:
    // False: enough. Then it is let go of.
    [[nodiscard]] virtual bool look_after() noexcept = 0;

   private:
    friend class Loop;
    detail::Ref<Guard> next_;  // in the loop's list
  };
  static constexpr std::chrono::milliseconds kGuardInterval{1};
  // Not one that is being looked after. False once the loop has stopped.
  [[nodiscard]] bool guard(detail::Ref<Guard> guard) noexcept;

  // For Pollables. The loop holds a reference until `forget`, which any thread may call. After `forget` returned on the
  // loop's thread no on_events comes any more. watch throws SystemError (also when it watches that descriptor already),
  // or Cancelled when the loop has stopped.
  void watch(int fd, Pollable& pollable, uint32_t epoll_events);
  void change(int fd, Pollable& pollable, uint32_t epoll_events) noexcept;
  void forget(int fd, Pollable& pollable) noexcept;
  // On the loop's thread, for a Pollable that it watches: look() is called from here on, until the loop sleeps. False: it looks
  // at so many others already.
  [[nodiscard]] bool keep_looking(Pollable& pollable) noexcept;
  // Brackets a thread's polling of a connection of this loop: the loop sleeps meanwhile.
  void begin_polling() noexcept;
  void end_polling() noexcept;

 protected:
  struct Impl;
  class Due;
  explicit Loop(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

class IoLoop : public Loop {
 public:
  IoLoop() : IoLoop(Options{}) {}
  explicit IoLoop(Options options);
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // Stops and joins. Each Pollable gets on_events(0) first and has up to `grace` to be forgotten (a
  // connection says on_close meanwhile); timers, and what is posted later, are dropped. Not from the loop's
  // own thread. False: something that the loop runs has not returned within `grace` and a second more. Then its thread is
  // left behind, and what that uses must stay.
  bool stop(std::chrono::milliseconds grace = std::chrono::seconds(2)) noexcept;

 private:
  struct Timing;
  IoLoop(const Options& options, std::unique_ptr<Timing> timing);
  // A timer of its own, and who trims by it; empty once stopped.
  std::unique_ptr<Timing> timing_;
};

}  // namespace tine::rpc
