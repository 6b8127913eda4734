// GeneratorSource: the items that a coroutine yields. Included by stream.h.
//
// The body is idle (suspended at its start or at a co_yield), running (it runs, or waits for a future), or over. The thread
// that finds it idle may resume or destroy it. One that was closed while running destroys itself when it next suspends here.
#pragma once

#include <exception>

#include <optional>
#include <utility>

#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/detail/mutex.h"
#include "tine/detail/ref.h"
#include "tine/future.h"

namespace tine {
template <class T>
class Stream;
}

namespace tine::detail {

// Where a stream's items come from.
template <class T>
class StreamSource : public RefCounted {
 public:
  virtual Future<std::optional<T>> next() = 0;
  // Nobody asks any more. Called once, by any thread, also while a next() is not done: that is over then, without an item.
  virtual void close() noexcept = 0;
};

template <class T>
class GeneratorSource final : public StreamSource<T> {
 public:
  using Item = std::optional<T>;
  explicit GeneratorSource(std::coroutine_handle<> body)
      : body_(body), context_(Context::current().with_token(stop_.token()).data()) {}

  Future<Item> next() override {
    const auto self = Ref<GeneratorSource>::share(this);
    Future<Item> answer;
    {
      const MutexLock lock(mutex_);
      if (asked_ && !asked_->cancelled())
        throw Error("Stream::next: the last item that was asked for has not come yet");
      if (kept_) return make_ready(std::exchange(kept_, std::nullopt));
      if (failure_) return make_failed<Item>(std::exchange(failure_, nullptr));
      if (step_ == Step::kOver) return make_ready(Item());
      asked_.emplace();
      answer = asked_->future();
      if (step_ == Step::kRunning) return answer;  // for an item that was given up
      step_ = Step::kRunning;
    }
    resume_nested(body_, std::move(context_));
    return answer;
  }

  void close() noexcept override {
    const auto self = Ref<GeneratorSource>::share(this);
    Step found;
    {
      const MutexLock lock(mutex_);
      closed_ = true;
      found = step_;
      if (found == Step::kIdle) step_ = Step::kOver;
    }
    if (found == Step::kIdle) {
      context_ = ContextRef();
      body_.destroy();
    } else if (found == Step::kRunning) {
      stop_.cancel();
    }
  }

  // By the body, suspended at a co_yield; it is gone, or goes on elsewhere, when this returns.
  void yielded(Item item) noexcept {
    const auto self = Ref<GeneratorSource>::share(this);
    std::optional<Promise<Item>> asked;
    bool closed = false;
    {
      const MutexLock lock(mutex_);
      closed = closed_;
      step_ = closed ? Step::kOver : Step::kIdle;
      context_ = closed ? ContextRef() : ContextRef::current();
      asked = std::exchange(asked_, std::nullopt);
      if (!closed && asked->cancelled()) {
        kept_ = std::move(item);
        return;
      }
    }
    if (closed) {
      body_.destroy();
      item.reset();
    }
    (void)asked->set_value(std::move(item));
  }

  // By the body, which has come to its end, by `failure` unless that is null.
  void ended(std::exception_ptr failure) noexcept {
    const auto self = Ref<GeneratorSource>::share(this);
    body_.destroy();
    std::optional<Promise<Item>> asked;
    {
      const MutexLock lock(mutex_);
      step_ = Step::kOver;
      if (closed_) failure = nullptr;
      if (asked_->cancelled()) failure_ = std::exchange(failure, nullptr);
      asked = std::exchange(asked_, std::nullopt);
    }
    if (failure) {
      (void)asked->set_error(std::move(failure));
    } else {
      (void)asked->set_value(Item());
    }
  }

 private:
  enum class Step : unsigned char { kIdle, kRunning, kOver };
  const std::coroutine_handle<> body_;
  const CancelSource stop_;
  Mutex mutex_;
  ContextRef context_;  // the body's while it is idle
  Step step_ TINE_GUARDED_BY(mutex_) = Step::kIdle;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  std::optional<Promise<Item>> asked_ TINE_GUARDED_BY(mutex_);  // while it runs
  Item kept_ TINE_GUARDED_BY(mutex_);                           // for whom nobody waited
  std::exception_ptr failure_ TINE_GUARDED_BY(mutex_);          // the same
};

template <class T>
struct GeneratorPromise {
  struct Yield {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<GeneratorPromise> body) noexcept {
      // This object goes with the body.
      std::optional<T> taken = std::move(item);
      item.reset();
      body.promise().source->yielded(std::move(taken));
    }
    void await_resume() const noexcept {}
    std::optional<T> item;
  };
  struct End {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<GeneratorPromise> body) const noexcept {
      body.promise().source->ended(std::move(body.promise().failure));
    }
    void await_resume() const noexcept {}
  };

  static void* operator new(size_t bytes) { return allocate_block(bytes); }
  static void operator delete(void* frame, size_t bytes) noexcept { free_block(frame, bytes); }

  Stream<T> get_return_object() {
    source = make_ref<GeneratorSource<T>>(std::coroutine_handle<GeneratorPromise>::from_promise(*this));
    return Stream<T>(Ref<StreamSource<T>>::share(source.get()));
  }
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] End final_suspend() const noexcept { return {}; }
  template <class U = T>
  requires std::convertible_to<U&&, T> Yield yield_value(U&& item) {
    return {std::optional<T>(std::in_place, std::forward<U>(item))};
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { failure = std::current_exception(); }

  Ref<GeneratorSource<T>> source;
  std::exception_ptr failure;
};

}  // namespace tine::detail

template <class T, class... Args>
struct std::coroutine_traits<tine::Stream<T>, Args...> {
  using promise_type = tine::detail::GeneratorPromise<T>;
};
