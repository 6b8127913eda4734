// Inbox: what one worker sends, on its way from the thread that reads to whoever handles it.
//
// State      Straight: frames are handled as they come; or behind: a large body is being read in the pool, and
//            some of what came later waits behind it. Ended once its connection is.
// Threads    arrived and ended by the connection's reader; the sink on it or in the pool, see below.
// Ordering   Small bodies are handled at once, in the order in which they came. Large ones are handled one after
//            the other, and so may be overtaken by small ones, but never by what takes something away: a
//            release, a cancellation, the end.
// Ownership  Keeps frames that wait, and while any do its sink.
// Errors     None.
// Cost       Straight: one load. Behind: a lock and a node.
// Source     src/rpc/placement.h; docs/spec/rref.md says why releases wait.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

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
    std::optional<CloseInfo> end;
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
  std::mutex mutex_;
  std::deque<Item> waiting_;
  std::shared_ptr<void> alive_;  // while something waits
};

}  // namespace tine::rpc
