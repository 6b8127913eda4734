#include "src/rpc/stream_reader.h"

#include <fmt/format.h>

#include "src/rpc/stream_answer.h"

namespace tine::rpc {

StreamReader::StreamReader(detail::Ref<Reference> stream, std::string what, Seconds timeout, size_t credit,
                           const std::source_location& where)
    : Node(&kOps),
      what_(std::move(what)),
      timeout_(timeout),
      credit_(credit),
      context_(detail::ContextRef::current()),
      created_(stream->confirmed()),
      helper_(created_.state()->helper()),
      stream_(std::move(stream)),
      failure_(detail::make_ref<detail::State<Value>>()) {
  created_.state()->observe();  // its error is that of the first item
  failure_->made_at(where);
  failure_->show();
}

void StreamReader::next(detail::Ref<detail::ItemWaiter> waiter) {
  Later later;
  {
    const MutexLock lock(mutex_);
    if (waiter_ && waiter_->wants())
      throw Error("Stream::next: the last item that was asked for has not come yet");
    waiter_ = std::move(waiter);
    later = serve();
  }
  do_later(std::move(later));
}

// To the one who waits what there is, and for more if there is room for half of the credit and memory for it.
StreamReader::Later StreamReader::serve() {
  Later later;
  if (waiter_) {
    bool served = false;
    if (!items_.empty()) {
      served = waiter_->give(&items_.front(), &later.callbacks);
      if (served) {
        later.item = items_.pop().value;
        ++taken_;
      }
    } else if (const std::exception_ptr* const error = failure_ ? failure_->peek_error() : nullptr) {
      served = waiter_->fail(*error, &later.callbacks);
      if (served) {
        failure_->observe();
        later.told = std::move(failure_);
      }
    } else if (over_) {
      served = waiter_->give(nullptr, &later.callbacks);
    }
    if (served || !waiter_->wants()) waiter_ = nullptr;
  }
  if (over_) {
    later.dropped = std::move(stream_);
  } else if (!asked_ && items_.size() * 2 <= credit_ && !items_.is_full()) {
    asked_ = later.asks = true;
  }
  return later;
}

void StreamReader::do_later(Later later) {
  // A creation that has not come back is cancelled: its function runs for nobody. One that has goes with its reference.
  if (later.dropped && !created_.ready()) (void)created_.cancel();
  if (later.callbacks.state) detail::run_chain(later.callbacks);
  if (later.asks) ask();
}

void StreamReader::ask() {
  const auto self = detail::Ref<StreamReader>::share(this);
  // In a loop: an answer may be there at once, on a worker that reads its own stream.
  for (;;) {
    detail::Ref<Reference> stream;
    int64_t taken = 0;
    {
      const MutexLock lock(mutex_);
      if (over_) return;
      asked_ = true;
      stream = stream_;
      taken = taken_;
    }
    Future<Value> request;
    try {
      const detail::ContextSwap swap(context_);
      request = stream->next_items(what_, taken, stream->deadline_after(timeout_));
    } catch (...) {
      fail(std::current_exception(), true);
    }
    if (request.valid() && !request.ready()) {
      bool closed = false;
      {
        const MutexLock lock(mutex_);
        closed = over_;
        request_ = request;
      }
      retain();
      request.state()->subscribe(this);
      if (closed) (void)request.cancel();
      return;
    }
    if (request.valid()) absorb(request);
    Later later;
    {
      const MutexLock lock(mutex_);
      later = serve();
    }
    const bool again = std::exchange(later.asks, false);
    do_later(std::move(later));
    if (!again) return;
  }
}

void StreamReader::answered(detail::Node* node, detail::StateBase& done) noexcept {
  const auto self = detail::Ref<StreamReader>::adopt(static_cast<StreamReader*>(node));
  auto& answer = static_cast<detail::State<Value>&>(done);
  self->absorb(Future<Value>(detail::Ref<detail::State<Value>>::share(&answer)));
  Later later;
  {
    const MutexLock lock(self->mutex_);
    later = self->serve();
  }
  self->do_later(std::move(later));
}

// What came belongs to the stream from here on.
void StreamReader::absorb(const Future<Value>& answer) noexcept {
  Future<Value> request;
  detail::State<Value>& done = *answer.state();
  // Nobody need be told of a request that was cancelled, or that a shutdown gave up: its error counts as observed.
  const bool is_news = done.outcome() == detail::Outcome::kValue || (done.peek_error() && !done.observed());
  try {
    std::vector<ItemQueue::Item> items;
    if (done.outcome() != detail::Outcome::kValue) std::rethrow_exception(done.error());
    for (Value& item : read_stream_answer(done.value())) items.emplace_back(std::move(item));
    const MutexLock lock(mutex_);
    request = std::move(request_);
    asked_ = false;
    if (over_) return;
    over_ = items.empty();
    for (ItemQueue::Item& item : items) items_.push(std::move(item));
  } catch (...) {
    fail(std::current_exception(), is_news);
  }
}

void StreamReader::fail(std::exception_ptr error, bool is_news) noexcept {
  Future<Value> request;
  const MutexLock lock(mutex_);
  request = std::move(request_);
  asked_ = false;
  if (std::exchange(over_, true)) return;
  if (!is_news) failure_->observe();
  failure_->fail(std::move(error));
}

void StreamReader::close() noexcept {
  ItemQueue items;
  Future<Value> request;
  detail::Ref<detail::State<Value>> untold;
  Later later;
  {
    const MutexLock lock(mutex_);
    over_ = true;
    untold = std::move(failure_);
    std::swap(items, items_);
    request = std::move(request_);
    later = serve();
  }
  if (request.valid()) (void)request.cancel();
  do_later(std::move(later));
}

}  // namespace tine::rpc
