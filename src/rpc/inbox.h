// Inbox: the frames that one worker sends, on their way from the thread that reads to the sink that handles them.
//
// Small bodies are handled at once, in the order in which they came. Large ones are read in the pool, one after the
// other, so small ones may overtake them, except for messages that take something away: a release, a cancellation, the
// end. These wait behind the large body (docs/spec/rref.md says why). The inbox is `straight` while nothing waits,
// `behind` while a large body is being read, and ended once its connection is.
//
// The reader of the connection calls arrived() and ended(); the sink runs on it or in the pool. The inbox keeps the
// frames that wait, and keeps its sink meanwhile. A frame costs one load when straight, and a lock and a node when
// behind.
#pragma once

#include <atomic>
#include <deque>
#include <optional>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/placement.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class Inbox final : public detail::RefCounted, private Task {
 public:
  class Sink {
   public:
    virtual void handle(Frame& frame, At at) noexcept = 0;
    virtual void handle_end(const CloseInfo& info) noexcept = 0;
    // Keeps the sink, and what it uses, alive.
    virtual std::shared_ptr<void> alive() = 0;

   protected:
    ~Sink() = default;
  };

  // `callbacks`: where users' callbacks go that a frame completes in the pool.
  Inbox(Sink& sink, Executor& pool, Executor& callbacks) noexcept
      : sink_(sink), pool_(pool), callbacks_(callbacks) {}

  void arrived(Frame& frame) noexcept;
  void ended(const CloseInfo& info) noexcept;

 private:
  struct Item {
    Frame frame;
    std::vector<std::byte> body;  // when the frame has no buffer of its own
    std::optional<CloseInfo> end;
  };
  void push(Item item) noexcept;
  bool push_if_behind(Item&& item) noexcept;
  void post() noexcept;
  void run() noexcept override;
  void abandon() noexcept override;

  Sink& sink_;
  Executor& pool_;
  Executor& callbacks_;
  std::atomic<bool> behind_{false};  // written under the lock
  Mutex mutex_;
  std::deque<Item> waiting_ TINE_GUARDED_BY(mutex_);
  std::shared_ptr<void> alive_ TINE_GUARDED_BY(mutex_);  // while something waits
};

}  // namespace tine::rpc
