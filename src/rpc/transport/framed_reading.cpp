// The reader of a FramedConnection: which thread has the role, for how long, and how it is passed on.
#include <fmt/format.h>
#include <sys/uio.h>

#include <array>
#include <optional>
#include <thread>
#include <utility>

#include "src/rpc/transport/framed_connection.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr size_t kReadPieces = 32;
constexpr size_t kReadAtOnce = size_t{1} << 20;  // of one connection, before the loop looks at others
constexpr std::chrono::microseconds kHoldTime{50};

}  // namespace

class FramedConnection::Guard final : public Loop::Guard {
 public:
  explicit Guard(FramedConnection& connection)
      : connection_(detail::Ref<FramedConnection>::share(&connection)) {}

 private:
  bool look_after() noexcept override { return connection_->look_after(); }

  const detail::Ref<FramedConnection> connection_;
};

// Gives the role, which its thread has taken, back at the end of a scope. Until then users' callbacks go to their executor.
class TINE_SCOPED_CAPABILITY FramedConnection::Role {
 public:
  Role(FramedConnection& connection, bool on_loop) noexcept TINE_REQUIRES(connection.reader_)
      : connection_(connection), on_loop_(on_loop) {
    if (connection_.options_.callbacks) gate_.emplace(*connection_.options_.callbacks);
    if (!on_loop_) {
      connection_.polling_.store(std::this_thread::get_id(), std::memory_order_relaxed);
      connection_.loop_.begin_polling();
      connection_.channel_->disarm();
    }
  }
  // The analysis does not know that connection_ is the constructor's.
  ~Role() TINE_RELEASE() TINE_NO_THREAD_SAFETY_ANALYSIS {
    gate_.reset();
    if (!on_loop_) {
      connection_.polling_.store({}, std::memory_order_relaxed);
      connection_.loop_.end_polling();
    }
    lend_ ? connection_.lend_role() : connection_.leave_role();
  }
  // Instead of giving it back.
  void lend() noexcept { lend_ = true; }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;

 private:
  FramedConnection& connection_;
  const bool on_loop_;
  bool lend_ = false;
  std::optional<detail::CallbackGate> gate_;
};

// Where another thread has the role, that one arms the channel before it gives the role back.
bool FramedConnection::loop_sleeps() noexcept {
  if (closed() || !role_.take_if_free()) return false;
  reader_.assert_held();
  role_.leave();
  const bool unread = channel_->arm();
  free_role(Left::kNothing);
  return unread;
}

void FramedConnection::read_on_loop(bool buffered_only) noexcept {
  if (closed() || !role_.take_for_event()) return;
  reader_.assert_held();
  Role role(*this, true);
  if (read_rest() == Read::kEnded || buffered_only) return;
  size_t bytes = 0;
  while (bytes < kReadAtOnce && read_once() == Read::kSome && reading_.may_have_more) bytes += reading_.bytes;
}

// What an earlier reader has left in the buffer.
FramedConnection::Read FramedConnection::read_rest() noexcept {
  if (!reading_.has_rest) return Read::kNothing;
  try {
    return dispatch_all(Clock::now());
  } catch (const std::exception& e) {
    give_up(e.what());
    return Read::kEnded;
  }
}

FramedConnection::Read FramedConnection::read_once() noexcept {
  try {
    std::array<iovec, kReadPieces> pieces;
    const auto into = std::span(pieces).first(reading_.frames.prepare(pieces));
    const Channel::Outcome in = channel_->try_read(into);
    if (in.what == Channel::What::kNothingNow) return Read::kNothing;
    if (in.what == Channel::What::kEnded) {
      stream_ended(in.error);
      return Read::kEnded;
    }
    received_.fetch_add(1, std::memory_order_relaxed);
    size_t asked = 0;
    for (const iovec& piece : into) asked += piece.iov_len;
    reading_.bytes = in.bytes;
    reading_.may_have_more = reading_.bytes == asked;
    reading_.frames.received(reading_.bytes);
    const TimePoint now = Clock::now();
    for (PollPolicy* const policy : {&reading_.policy, &reading_.lingering})
      policy->came(now, loop_.poll_budget());
    return dispatch_all(now);
  } catch (const std::exception& e) {
    give_up(e.what());
    return Read::kEnded;
  }
}

FramedConnection::Read FramedConnection::dispatch_all(TimePoint now) {
  Frame frame;
  TimePoint held_since{};
  reading_.has_rest = false;
  for (;;) {
    switch (reading_.frames.next(&frame, now)) {
      case FrameReader::Next::kNeedMore:
        if (held_since != TimePoint{}) flush();
        return closed() ? Read::kEnded : Read::kSome;
      case FrameReader::Next::kMalformed:
        if (held_since != TimePoint{}) flush();
        malformed(reading_.frames.error());
        return Read::kEnded;
      case FrameReader::Next::kFrame: break;
    }
    // Several frames came at once: what answers them leaves at once, too, but does not wait for long.
    if (held_since == TimePoint{}) {
      // Where a write is a system call, that is.
      if (reading_.frames.more_buffered() && !channel_->reads_memory()) {
        held_since = now;
        holding_.store(std::this_thread::get_id(), std::memory_order_relaxed);
      }
    } else if (const TimePoint t = Clock::now(); t - held_since > kHoldTime) {
      flush();
      held_since = t;
      holding_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    dispatch(frame);
    if (closed()) {
      holding_.store({}, std::memory_order_relaxed);
      return Read::kEnded;
    }
    frame.segments.clear();
    frame.body_buffer = nullptr;
    if (reading_.lingerer && reading_.lingerer->has_work()) {
      reading_.has_rest = reading_.frames.more_buffered();
      if (held_since != TimePoint{}) flush();
      return Read::kSome;
    }
  }
}

void FramedConnection::dispatch(Frame& frame) {
  if (reading_.goodbye) return stream_ended(0);  // nothing may follow it
  switch (frame.header.kind) {
    case FrameKind::kPing:
      // What is queued already tells as much, once the peer reads it. So a peer that only asks fills no memory.
      if (writer_.empty()) send_own(FrameKind::kPong, frame.header.call_id);
      return;
    case FrameKind::kPong: return;
    case FrameKind::kForget:
      if (!shared_ || !shared_->forget(frame.header.call_id))
        return malformed(
            fmt::format("a forget frame names memory {}, which is not lent", frame.header.call_id));
      return say_forgotten(frame.header.call_id);
    case FrameKind::kForgotten:
      if (shared_ && shared_->forgotten(frame.header.call_id)) return;
      return malformed(fmt::format("a forgotten frame names memory {}, which was not to be forgotten",
                                   frame.header.call_id));
    case FrameKind::kGoodbye: {
      Goodbye goodbye{GoodbyeReason::kDone, {}};
      try {
        BodyReader in(frame.body);
        if (in.array() >= 2) {
          goodbye.reason = static_cast<GoodbyeReason>(std::min<uint64_t>(in.uinteger(), 255));
          goodbye.text = std::string(in.str().substr(0, 1000));
        }
      } catch (const ValueError&) {
        // Then it is a goodbye without words.
      }
      reading_.goodbye = std::move(goodbye);
      return;
    }
    default: handler_->on_frame(*this, frame);
  }
}

bool FramedConnection::take_role() noexcept { return role_.take(); }

void FramedConnection::free_role(Left left) noexcept {
  reader_.end();
  ask_for(role_.free(), left);
}

void FramedConnection::lend_role() noexcept {
  reader_.end();
  ask_for(role_.lend([this] { return start_guard(); }), Left::kNothing);
}

void FramedConnection::ask_for(ReaderRole<std::atomic>::Then then, Left left) noexcept {
  using Then = ReaderRole<std::atomic>::Then;
  if (then == Then::kFinish) {
    ask_for(kFinish);
  } else if (then == Then::kRead || left == Left::kUnread) {
    ask_for(kRead);
  } else if (left == Left::kBuffered) {
    ask_for(kReadBuffered);
  }
}

bool FramedConnection::start_guard() noexcept {
  try {
    return loop_.guard(detail::make_ref<Guard>(*this));
  } catch (const std::bad_alloc&) {
    return false;  // then it is not lent
  }
}

bool FramedConnection::see_to_guard() noexcept {
  return role_.has_guard([this] { return start_guard(); });
}

bool FramedConnection::look_after() noexcept {
  return !closed() && role_.look_after([this] { read_on_loop(false); });
}

void FramedConnection::expect_wait() noexcept {
  if (!channel_->reads_memory() || closed() || !started_.load(std::memory_order_acquire) || loop_.forked())
    return;
  // Another thread may have lent the role meanwhile, counting on the guard that there was to be.
  if (!see_to_guard()) return ask_for(kRead);
  if (!role_.take_if_free()) return;
  reader_.assert_held();
  channel_->disarm();
  lend_role();
}

// Reads, as often as the channel says that it is worth it, until something has come or `done`.
FramedConnection::Read FramedConnection::look(DoneCheck done) noexcept {
  const bool memory = channel_->reads_memory();
  const int looks = channel_->looks_in_a_row();
  Read read = read_rest();
  for (int i = 0; i < looks && read == Read::kNothing && !done(); ++i) {
    if (i != 0) pause_briefly();
    if (!memory || channel_->has_unread()) read = read_once();
  }
  // Nobody else is told of room in a channel that is polled.
  if (read != Read::kEnded && !writer_.empty() && (memory || read == Read::kNothing)) writer_.flush();
  return read;
}

bool FramedConnection::read_for(Lingerer& lingerer, PollTurn& turn) noexcept {
  auto has_work = [&lingerer] { return lingerer.has_work(); };
  reading_.lingerer = &lingerer;
  while (!has_work()) {
    const Read read = look(has_work);
    if (read == Read::kEnded) break;
    if (read == Read::kSome) {
      turn.restart();
    } else if (!has_work() && !turn.yield()) {
      break;
    }
  }
  reading_.lingerer = nullptr;
  return has_work();
}

void FramedConnection::linger(Lingerer& lingerer) noexcept {
  if (loop_.poll_budget().count() <= 0 || !started_.load(std::memory_order_acquire) || loop_.forked()) return;
  PollTurn turn(loop_.poll_budget());
  // What it ran may have called fork(2): then this is the child.
  while (!closed() && !loop_.forked() && take_role()) {
    if (lingerer.has_enough() || !reading_.lingering.should_poll(Clock::now())) return leave_role();
    {
      Role role(*this, false);
      if (!read_for(lingerer, turn)) return reading_.lingering.miss();
      reading_.lingering.hit();
      if (lingerer.is_short() && see_to_guard()) role.lend();
    }
    lingerer.run();
    turn.restart();
  }
}

// An event that came while this thread had the role has found it taken, and the rest in the buffer belongs to the next reader.
// The channel is armed before the role is free: the next waiter disarms it again, and must not be overtaken.
void FramedConnection::leave_role() noexcept {
  role_.leave();
  const bool unread = !closed() && channel_->arm();
  free_role(unread ? Left::kUnread : reading_.has_rest ? Left::kBuffered : Left::kNothing);
}

bool FramedConnection::try_poll(TimePoint deadline, DoneCheck done) noexcept {
  if (done()) return true;
  if (closed() || !started_.load(std::memory_order_acquire) || loop_.forked()) return done();
  PollTurn turn(loop_.poll_budget());
  while (!closed()) {
    if (take_role()) return poll_with_role(deadline, done);
    // Another thread reads, and may read what we wait for.
    if (turn.now() >= deadline || !turn.yield()) break;
    if (done()) return true;
  }
  return done();
}

bool FramedConnection::poll_with_role(TimePoint deadline, DoneCheck done) noexcept {
  // What came in meanwhile may have been ours.
  if (done() || closed() || !reading_.policy.should_poll(Clock::now())) {
    leave_role();
    return done();
  }
  Role role(*this, false);
  PollTurn turn(loop_.poll_budget());
  for (;;) {
    const Read read = look(done);
    if (read == Read::kEnded) break;
    if (done()) {
      reading_.policy.hit();
      break;
    }
    if (read == Read::kSome) {
      turn.restart();
      if (turn.now() >= deadline) break;
      continue;
    }
    if (turn.now() >= deadline) break;
    if (!turn.yield()) {
      reading_.policy.miss();
      break;
    }
  }
  return done();
}

}  // namespace tine::rpc
