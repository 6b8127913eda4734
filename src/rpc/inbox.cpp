#include "src/rpc/inbox.h"

namespace tine::rpc {
namespace {

bool takes_away(FrameKind kind) noexcept { return kind == FrameKind::kRelease || kind == FrameKind::kCancel; }

}  // namespace

void Inbox::arrived(Frame& frame) {
  const bool large = place_for({Work::Kind::kRead, frame.body.size()}, At::kReader) != Place::kHere;
  const bool behind = behind_.load(std::memory_order_acquire);
  if (!large && !(behind && takes_away(frame.header.kind))) [[likely]]
    return sink_.handle(frame, At::kReader);
  Item item;
  item.frame = std::move(frame);
  // The body lies in the reader's buffer, which the next frame overwrites.
  if (!item.frame.body_buffer && !item.frame.body.empty()) {
    item.body.assign(item.frame.body.begin(), item.frame.body.end());
    item.frame.body = item.body;
  }
  if (large) return push(std::move(item));
  if (!push_if_behind(std::move(item))) sink_.handle(item.frame, At::kReader);
}

void Inbox::ended(const CloseInfo& info) noexcept {
  {
    const MutexLock lock(mutex_);
    if (behind_.load(std::memory_order_relaxed)) {
      CloseInfo& end = end_.emplace();
      end.why = info.why;
      end.reason = info.reason;
      end.error = info.error;
      try {
        end.how = info.how;
      } catch (const std::bad_alloc&) {
        // The error has these words, too.
      }
      return;
    }
  }
  sink_.handle_end(info);
}

void Inbox::push(Item item) {
  {
    const MutexLock lock(mutex_);
    waiting_.push_back(std::move(item));
    if (behind_.load(std::memory_order_relaxed)) return;
    alive_ = sink_.alive();
    behind_.store(true, std::memory_order_release);
  }
  post();
}

// False, and the item as it was: nothing waits.
bool Inbox::push_if_behind(Item&& item) {
  const MutexLock lock(mutex_);
  if (!behind_.load(std::memory_order_relaxed)) return false;
  waiting_.push_back(std::move(item));
  return true;
}

void Inbox::post() noexcept {
  retain();
  pool_.post(*this);
}

void Inbox::run() noexcept {
  const auto self = detail::Ref<Inbox>::adopt(this);
  const detail::CallbackGate gate(callbacks_);
  std::shared_ptr<void> alive;  // dropped outside of the lock
  Item item;
  {
    // It is posted only while something waits.
    const MutexLock lock(mutex_);
    item = std::move(waiting_.front());
    waiting_.pop_front();
  }
  sink_.handle(item.frame, At::kElsewhere);  // a vector's bytes stay where they are when it moves
  std::optional<CloseInfo> end;
  {
    // At once: an end that comes after this finds nothing behind which it would have to wait.
    MutexLock lock(mutex_);
    if (!waiting_.empty()) {
      lock.unlock();
      return post();
    }
    end.swap(end_);
    alive = std::move(alive_);
    behind_.store(false, std::memory_order_release);
  }
  if (end) sink_.handle_end(*end);
}

// The pool has closed: nobody is left to whom this matters but who waits for the end.
void Inbox::abandon() noexcept {
  const auto self = detail::Ref<Inbox>::adopt(this);
  std::shared_ptr<void> alive;
  std::deque<Item> dropped;
  std::optional<CloseInfo> end;
  {
    const MutexLock lock(mutex_);
    alive = std::move(alive_);
    dropped.swap(waiting_);
    end.swap(end_);
    behind_.store(false, std::memory_order_release);
  }
  if (end) sink_.handle_end(*end);
}

}  // namespace tine::rpc
