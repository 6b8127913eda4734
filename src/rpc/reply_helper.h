// ReplyHelper: what a thread does while it waits for an answer of another worker: it polls that worker's connection.
//
// State      Serves one connection of one agent, or none; from serve() to retire().
// Threads    help(): any. serve(), retire(): the agent's.
// Ordering   None.
// Ownership  Lives for ever: a future, and each that was derived from it, points to it without owning it and may well
//            outlive the agent. One that was retired serves the next connection; a future that still points to it
//            then polls there, which does nobody harm. While a thread polls, what `keep` holds lives.
// Errors     None.
// Cost       help(): a lock that only retire() contends for, two counts.
// Source     docs/spec/agent.md.
#pragma once

#include <atomic>
#include <memory>

#include "src/base/mutex.h"
#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class ReplyHelper final : public detail::WaitHelper {
 public:
  // One that nobody uses, or a new one.
  [[nodiscard]] static ReplyHelper& take();
  // `keep`: what the connection's frames are handed to.
  void serve(detail::Ref<Connection> connection, std::shared_ptr<const void> keep) noexcept;
  void retire() noexcept;

  void help(detail::StateBase& state, TimePoint deadline) noexcept override;

 private:
  ReplyHelper() = default;

  std::atomic<bool> taken_{true};
  ReplyHelper* next_ = nullptr;  // of all there are
  Mutex mutex_;
  detail::Ref<Connection> connection_ TINE_GUARDED_BY(mutex_);
  std::shared_ptr<const void> keep_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc
