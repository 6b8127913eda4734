// ReplyHelper: what a thread does while it waits for an answer of another worker: it polls the connection of that worker
// (docs/spec/agent.md).
//
// A helper serves one connection of one agent from serve() to retire(), and then none. It is never destroyed, because a
// future, and each future derived from it, points to it without owning it and may outlive the agent. A retired helper
// serves the next connection; a future that still points to it then polls there, which does no harm. While a thread
// polls, the object in `keep` lives. Any thread may call help(), which costs two counts and a lock that only retire()
// contends for; the agent calls the others.
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
