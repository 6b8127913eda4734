// Inbox: takes what one worker sends from the thread that reads to the thread that handles it.
//
// The inbox is straight while frames are handled as they come. It is behind while a large body is being read in the pool and
// some of what came later waits for that. It ends with its connection.
//   1. Small bodies are handled at once, in the order in which they came.
//   2. Large bodies are handled in the pool, one after the other, so small ones may overtake them.
//   3. A release, a cancellation and the end overtake nothing: they take something away (docs/spec/rref.md).
// arrived() and ended() are called by the connection's reader. The inbox keeps frames that wait, and its sink while there are
// any. Straight, it costs one load; behind, a lock and a node. src/rpc/placement.h.
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

  // Throws std::bad_alloc, with the frame unhandled, when it would have to wait and there is no memory for that.
  void arrived(Frame& frame);
  void ended(const CloseInfo& info) noexcept;

 private:
  struct Item {
    Frame frame;
    std::vector<std::byte> body;  // when the frame has no buffer of its own
  };
  void push(Item item);
  bool push_if_behind(Item&& item);
  void post() noexcept;
  void run() noexcept override;
  void abandon() noexcept override;

  Sink& sink_;
  Executor& pool_;
  Executor& callbacks_;
  std::atomic<bool> behind_{false};  // written under the lock
  Mutex mutex_;
  std::deque<Item> waiting_ TINE_GUARDED_BY(mutex_);
  std::optional<CloseInfo> end_
      TINE_GUARDED_BY(mutex_);  // comes behind all that waits, and needs no memory to wait
  std::shared_ptr<void> alive_ TINE_GUARDED_BY(mutex_);  // while something waits
};

}  // namespace tine::rpc
