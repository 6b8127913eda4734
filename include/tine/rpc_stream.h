// Streams between workers: how rpc::Worker::stream() brings items here. Included by rpc.h.
//
//   // One worker serves a function that returns a Stream, such as a coroutine that yields.
//   worker.serve("count", [](int64_t n) -> tine::Stream<int64_t> {
//     for (int64_t i = 0; i < n; ++i) co_yield i;
//   });
//   // Another one reads it; dropping the Stream tells the first.
//   for (const int64_t i : worker.stream<int64_t>("server", "count", 1000)) use(i);
//
// Credit. The items that were made and not yet taken are at most `credit` many: the callee makes the first of them when the
// stream is opened, then it is asked for more when half of the credit has been taken, and waits when it is used up. So a
// reader that is slower than the writer does not wait for messages, and a faster one gets several items with a message: up to
// 64 KiB of them, at least one. Whatever the credit, either end asks for no more while it holds items of 16 MiB.
//
// How it ends. next() holds nothing after the last item. It fails with what the function threw, after the items that came
// before; with DeadlineExceeded when the next item takes longer than the call's timeout (of each item, not of the whole);
// with PeerDied when the worker dies or this one leaves. A stream belongs to the Context in which it was opened: it ends with
// that one's deadline or cancellation, and the callee has the same deadline. Dropped or closed, by whatever way, it also ends
// at the callee: a Stream there is closed (tine/stream.h), a Python generator gets GeneratorExit, its finally blocks run. What
// it had failed with by then, and next() has not thrown, is reported: unobserved.h.
//
// Python programs read a stream by rpc.stream("server", "count", args=(1000,)), and serve one as a generator. The
// specification is docs/spec/agent.md, "Streams".
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "tine/convert.h"
#include "tine/detail/export.h"
#include "tine/detail/typed_answer.h"
#include "tine/stream.h"

namespace tine::rpc {

inline constexpr size_t kStreamCredit = 16;
inline constexpr size_t kMaxStreamCredit = 65'536;

}  // namespace tine::rpc

namespace tine::detail {

// A future of the next item, as somebody waits for it. Both are called under the lock of the stream, and hand the callbacks
// out that are to be run without it. False when nobody waits any more: then nothing was done.
class ItemWaiter : public RefCounted {
 public:
  [[nodiscard]] virtual bool wants() const noexcept = 0;
  // Null: the stream is over.
  [[nodiscard]] virtual bool give(const Value* item, Chained* callbacks) noexcept = 0;
  [[nodiscard]] virtual bool fail(const std::exception_ptr& error, Chained* callbacks) noexcept = 0;
};

// The reader's end of a stream of another worker, or of this one's own. Any thread may use it.
class TINE_API RemoteItems : public RefCounted {
 public:
  // What Stream::next() throws.
  virtual void next(Ref<ItemWaiter> waiter) = 0;
  virtual void close() noexcept = 0;
  // That of calls to the worker: a thread that waits polls its connection. It lives as long as this object.
  [[nodiscard]] virtual WaitHelper* helper() const noexcept = 0;
};

template <class T>
class TypedItemWaiter final : public ItemWaiter {
 public:
  explicit TypedItemWaiter(WaitHelper* helper) : state_(make_ref<State<std::optional<T>>>(helper)) {
    join_current_context(*state_);
  }
  [[nodiscard]] Future<std::optional<T>> future() const { return Future<std::optional<T>>(state_); }
  [[nodiscard]] bool wants() const noexcept override { return !state_->done(); }
  [[nodiscard]] bool give(const Value* item, Chained* callbacks) noexcept override {
    if (state_->done()) return false;
    try {
      if (item) {
        state_->construct(std::optional<T>(from_value<T>(*item)));
      } else {
        state_->construct(std::nullopt);
      }
    } catch (...) {
      return fail(std::current_exception(), callbacks);
    }
    *callbacks = {state_.get(), nullptr};
    state_->retain();
    return state_->publish(owning, &callbacks->newest);
  }
  [[nodiscard]] bool fail(const std::exception_ptr& error, Chained* callbacks) noexcept override {
    *callbacks = {state_.get(), nullptr};
    state_->retain();
    return state_->fail(owning, error, &callbacks->newest);
  }

 private:
  const Ref<State<std::optional<T>>> state_;
};

template <class T>
class RemoteSource final : public StreamSource<T> {
 public:
  explicit RemoteSource(Ref<RemoteItems> items) noexcept : items_(std::move(items)) {}
  Future<std::optional<T>> next() override {
    const auto waiter = make_ref<TypedItemWaiter<T>>(items_->helper());
    items_->next(waiter);
    return waiter->future();
  }
  void close() noexcept override { items_->close(); }

 private:
  const Ref<RemoteItems> items_;
};

}  // namespace tine::detail
