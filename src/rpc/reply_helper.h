// ReplyHelper: what a thread does while it waits for an answer of another worker: it polls the connection of that worker
// (docs/spec/agent.md).
//
// A helper serves one connection of one agent, from serve() to retire(), or none. It lives for ever: a future, and each
// future that was derived from it, points to it without owning it and may well outlive the agent. A helper that was retired
// serves the next connection; a future that still points to it then polls there, which does no harm. What `keep` holds lives
// while a thread polls. help() may be called by any thread, and takes a lock that only retire() contends for.
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
