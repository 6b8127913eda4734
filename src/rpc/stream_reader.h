// StreamReader: the reader's end of a stream (docs/spec/agent.md, "Streams"): what came and was not taken yet, and the request
// for more.
//
// It is open, then over: by the last item, by a failure, by close(). Any thread may use it; one lock, under which nobody's code
// runs. One request is under way at a time. The reference to the stream goes as soon as it is over.
#pragma once

#include <source_location>
#include <string>

#include "src/base/mutex.h"
#include "src/rpc/item_queue.h"
#include "src/rpc/rref.h"
#include "tine/rpc_stream.h"

namespace tine::rpc {

class StreamReader final : public detail::RemoteItems, private detail::Node {
 public:
  // `stream`: whose creation was asked for. Belongs to this thread's Context. `what`: what errors call it.
  // `where` is the place of that, for the report of a failure that nobody is told of.
  StreamReader(detail::Ref<Reference> stream, std::string what, Seconds timeout, size_t credit,
               const std::source_location& where);
  void start() { ask(); }

  void next(detail::Ref<detail::ItemWaiter> waiter) override;
  void close() noexcept override;
  [[nodiscard]] detail::WaitHelper* helper() const noexcept override { return helper_; }

 private:
  // What is to be done without the lock.
  struct Later {
    detail::Chained callbacks;
    bool asks = false;
    detail::Ref<Reference> dropped;
    detail::Ref<detail::State<Value>> told;
    Value item;
  };
  void do_later(Later later);
  [[nodiscard]] Later serve() TINE_REQUIRES(mutex_);
  void ask();
  void absorb(const Future<Value>& answer) noexcept;
  // Unless it `is_news`, nobody need be told of it.
  void fail(std::exception_ptr error, bool is_news) noexcept;
  static void answered(detail::Node* node, detail::StateBase& done) noexcept;
  // It keeps books: an error counts as looked at when a user was told of it, or when it need not be told.
  static constexpr detail::NodeOps kOps{&StreamReader::answered, false, true};

  const std::string what_;
  const Seconds timeout_;
  const size_t credit_;
  const detail::ContextRef context_;
  const Future<Value> created_;  // keeps the peer whose helper this is
  detail::WaitHelper* const helper_;
  Mutex mutex_;
  detail::Ref<Reference> stream_ TINE_GUARDED_BY(mutex_);
  ItemQueue items_ TINE_GUARDED_BY(mutex_);
  int64_t taken_ TINE_GUARDED_BY(mutex_) = 0;
  bool asked_ TINE_GUARDED_BY(mutex_) = false;
  Future<Value> request_ TINE_GUARDED_BY(mutex_);
  bool over_ TINE_GUARDED_BY(mutex_) = false;
  // Fails with the stream, and reports that if nobody was told before it goes. Null: told, or closed.
  detail::Ref<detail::State<Value>> failure_ TINE_GUARDED_BY(mutex_);
  detail::Ref<detail::ItemWaiter> waiter_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc
