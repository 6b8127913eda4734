// Stream<T>: items that come one after the other, made as they are asked for. Here or on another worker: rpc::Worker::stream().
//
//   Stream<int64_t> countdown(int64_t n) {       // a coroutine that yields; it may co_await futures, too
//     while (n > 0) co_yield n--;
//   }
//   int64_t sum() {
//     int64_t total = 0;
//     for (const int64_t n : countdown(3)) total += n;  // waits for each item
//     return total;
//   }
//   Future<int64_t> sum_of(Stream<int64_t> numbers) {  // or asks for each, and holds no thread meanwhile
//     int64_t total = 0;
//     while (const auto n = co_await numbers.next()) total += *n;
//     co_return total;
//   }
//
// A stream belongs to one user at a time, like a Promise. next() asks for an item: its future holds the item, or nothing when
// the stream is over; it fails when the stream failed, and then the stream is over. The next item is asked for when the last
// one has come. To cancel the future of next() is to stop waiting: the item is kept for the next call. Other members may be
// called from any thread.
//
// A coroutine that yields starts at the first next(), on the thread that calls it. It runs there until it yields or has to
// wait, goes on as other coroutines do (coroutine.h), and between items it is suspended: it is never ahead of its user. It runs
// in the Context in which it was called. When the stream is dropped or closed, its body ends at the co_yield where it is: its
// locals are destroyed and no handler sees an exception. A body that runs or waits just then finds its Context cancelled: a
// co_await throws Cancelled, and at its next co_yield it ends. As with other coroutines, parameters taken by reference, and the
// captures of a lambda, must outlive the stream (docs/hazards.md); functions that a worker serves need not care (rpc.h).
//
// A stream costs three allocations, and an item one.
#pragma once

#include <iterator>
#include <optional>
#include <utility>

#include "tine/detail/generator.h"
#include "tine/detail/ref.h"
#include "tine/future.h"

namespace tine {
template <class T>
class [[nodiscard]] Stream {
 public:
  using value_type = T;
  // Without items: only valid(), assignment and destruction are allowed.
  Stream() noexcept = default;
  // For tine's own use.
  explicit Stream(detail::Ref<detail::StreamSource<T>> source) noexcept : source_(std::move(source)) {}
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&& other) noexcept {
    Stream moved(std::move(other));
    std::swap(source_, moved.source_);
    return *this;
  }
  ~Stream() { close(); }

  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(source_); }
  // Throws Error while the last one is neither done nor cancelled, and on a stream that was closed.
  [[nodiscard]] Future<std::optional<T>> next() {
    if (!source_) throw Error("Stream::next: the stream is closed, or was moved from");
    return source_->next();
  }
  // Nobody asks for more; what makes the items ends. The destructor does the same.
  void close() noexcept {
    if (const auto source = std::exchange(source_, nullptr)) source->close();
  }

  // For tine's own use.
  [[nodiscard]] detail::Ref<detail::StreamSource<T>> leak_source() noexcept {
    return std::exchange(source_, nullptr);
  }

  // For a range-for, which waits for each item as Future::get() does.
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Stream& stream) : stream_(&stream), item_(stream.next().get()) {}
    [[nodiscard]] T& operator*() noexcept { return *item_; }
    Iterator& operator++() {
      item_ = stream_->next().get();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& at, std::default_sentinel_t) noexcept { return !at.item_; }

   private:
    Stream* stream_;
    std::optional<T> item_;
  };
  [[nodiscard]] Iterator begin() { return Iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  detail::Ref<detail::StreamSource<T>> source_;
};

namespace detail {
template <class R>
struct ItemsOf {
  using type = R;
};
template <class T>
struct ItemsOf<Stream<T>> {
  using type = T;
};
// T of a Stream<T>, else the type itself.
template <class R>
using ItemOf = typename ItemsOf<R>::type;
template <class R>
inline constexpr bool is_stream = false;
template <class T>
inline constexpr bool is_stream<Stream<T>> = true;
}  // namespace detail
}  // namespace tine
