#include "src/rpc/transport/framed_connection.h"

#include <fmt/format.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/error_or_want.h"
#include "src/base/let_go.h"
#include "src/rpc/transport/encryption.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr size_t kReadPieces = 32;
constexpr size_t kReadAtOnce = size_t{1} << 20;  // of one connection, before the loop looks at others
constexpr std::chrono::microseconds kHoldTime{50};
constexpr int kQuietLooks = 50;  // then the loop does not look after it any more

CloseInfo died(CloseInfo::Why why, const PeerInfo& peer, std::string how) {
  CloseInfo info;
  info.why = why;
  info.error = make_error(ErrorKind::kPeerDied, fmt::format("worker {} {}", peer.describe(), how));
  info.how = std::move(how);
  return info;
}

// Where there is no memory for the words, the want of it is the error.
template <class F>
CloseInfo in_words(CloseInfo::Why why, F&& words) noexcept {
  CloseInfo info;
  info.why = why;
  info.error = error_or_want([&]() -> std::exception_ptr {
    info = words();
    return info.error;
  });
  return info;
}

}  // namespace

// Holds the connection for the channel.
class FramedConnection::Events final : public ChannelEvents {
 public:
  explicit Events(FramedConnection& connection)
      : connection_(detail::Ref<FramedConnection>::share(&connection)) {}

 private:
  void readable() noexcept override { connection_->read_on_loop(false); }
  void writable() noexcept override { connection_->writer_.flush(); }
  bool loop_sleeps() noexcept override { return connection_->loop_sleeps(); }
  void loop_ends() noexcept override { connection_->loop_ends(); }

  const detail::Ref<FramedConnection> connection_;
};

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
    if (lend_) {
      connection_.give_role_back(Left::kNothing, kLent);
      return;
    }
    // Before the role is free: the next waiter disarms it again, and must not be overtaken.
    const Left left = connection_.arm();
    connection_.give_role_back(left == Left::kNothing ? left_ : left);
  }
  // Instead of giving it back.
  void lend() noexcept { lend_ = true; }
  // Frames that nobody has looked at lie in the buffer.
  void leave_rest() noexcept { left_ = Left::kBuffered; }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;

 private:
  FramedConnection& connection_;
  const bool on_loop_;
  bool lend_ = false;
  Left left_ = Left::kNothing;
  std::optional<detail::CallbackGate> gate_;
};

FramedConnection::FramedConnection(const Loop& loop, std::unique_ptr<Channel> channel, PeerInfo peer,
                                   ConnectionOptions options)
    : loop_(loop),
      channel_(std::move(channel)),
      peer_(std::move(peer)),
      options_(options),
      writer_(*channel_, options.max_copied_bytes, *this),
      reading_(FrameReader(loop.recycler(), options.receive_buffer_bytes, options.max_payload_bytes)) {}

FramedConnection::~FramedConnection() {
  if (loop_.forked()) channel_->leave();
}

void FramedConnection::start(detail::Ref<FrameHandler> handler) {
  if (!handler) throw ValueError("Connection::start: expected a handler, got null");
  {
    MutexLock lock(state_mutex_);
    if (std::exchange(was_started_, true))
      throw Error(fmt::format("the connection to {} was started twice", peer_.describe()));
    handler_ = std::move(handler);
    if (finished_) {
      lock.unlock();
      return ask_for(kTellClosed);  // closed before anybody listened: what was missed is told now
    }
  }
  try {
    // finish() retires the channel: whichever of the two comes first, nobody watches it afterwards.
    if (closed() || !channel_->watch(loop_, detail::make_ref<Events>(*this))) return;
    started_.store(true, std::memory_order_release);
  } catch (const Error& e) {
    CloseInfo info;
    info.why = CloseInfo::Why::kLoopEnd;
    info.error = e.to_exception_ptr();
    fail(std::move(info));
    return;
  }
  plan_beat();
}

void FramedConnection::ask_for(Chore chore) noexcept {
  if (chores_.fetch_or(chore) != 0) return;
  retain();
  if (loop_.post(*this)) return;
  const auto self = detail::Ref<FramedConnection>::adopt(this);
  do_chores(chores_.exchange(0), false);
}

void FramedConnection::run_errand() noexcept {
  const auto self = detail::Ref<FramedConnection>::adopt(this);
  do_chores(chores_.exchange(0), true);
}

void FramedConnection::drop_errand() noexcept {
  const auto self = detail::Ref<FramedConnection>::adopt(this);
  // As where the loop is found to be gone: later chores have relied on this errand.
  do_chores(chores_.exchange(0), false);
}

void FramedConnection::do_chores(uint8_t chores, bool on_loop) noexcept {
  if (chores & kTellRoom) tell_room();
  if (on_loop && (chores & kReadBuffered)) read_on_loop(true);
  if (on_loop && (chores & kRead)) read_on_loop(false);
  if (chores & kTellClosed) tell_closed(std::exchange(handler_, nullptr));
  if (chores & kFinish) finish();
}

void FramedConnection::tell_closed(const detail::Ref<FrameHandler>& handler) noexcept {
  if (!handler) return;
  std::optional<detail::CallbackGate> gate;
  if (options_.callbacks) gate.emplace(*options_.callbacks);
  handler->on_close(*this, info_);
}

void FramedConnection::plan_beat() {
  if (options_.heartbeat_interval.count() <= 0) return;
  const auto self = detail::Ref<FramedConnection>::share(this);
  const MutexLock lock(state_mutex_);
  if (closed() || finished_) return;
  beat_ = loop_.schedule_at(Clock::now() + options_.heartbeat_interval, [self] { self->beat(); });
}

// Counts beats and not time: a process that was stopped for a minute has itself to blame, not its peers.
void FramedConnection::beat() noexcept {
  if (closed()) return;
  // Both only grow: the sum changes when either does. What lies unread was said, too: then our reader is busy.
  const uint64_t signs = received_.load(std::memory_order_relaxed) + writer_.taken();
  if (signs != heart_.signs_at_last_beat || channel_->has_unread()) {
    heart_.signs_at_last_beat = signs;
    heart_.silent_beats = 0;
  } else {
    ++heart_.silent_beats;
    if (heart_.silent_beats * options_.heartbeat_interval >= options_.heartbeat_timeout) {
      // A peer that was only stopped reads it when it goes on, and knows then who gave it up.
      say_goodbye(GoodbyeReason::kSilent, {});
      fail(in_words(CloseInfo::Why::kSilent, [this] {
        return died(
            CloseInfo::Why::kSilent, peer_,
            fmt::format("has been silent for {} ms, not even answering pings: it hangs, or the network "
                        "between us is broken",
                        options_.heartbeat_timeout.count()));
      }));
      return;
    }
  }
  try {
    if (heart_.silent_beats > 0) send_own(FrameKind::kPing, static_cast<uint64_t>(heart_.silent_beats));
    plan_beat();
  } catch (const std::exception& e) {
    give_up(e.what());  // without a heart it would not notice the peer's end
  }
}

std::exception_ptr FramedConnection::send(OutFrame frame) {
  // First: the loop of a closed connection may be gone.
  if (closed()) return error();
  if (loop_.forked()) {
    return make_error(ErrorKind::kRuntime,
                      fmt::format("this process was forked from one that is connected to {}: the "
                                  "connection belongs to the parent",
                                  peer_.describe()));
  }
  if (std::string bad = frame.seal(); !bad.empty()) return make_error(ErrorKind::kValue, bad);
  using How = WriteQueue::How;
  const bool hold = holding_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  switch (writer_.send(std::move(frame), hold ? How::kHold : reads_here() ? How::kBriefly : How::kWrite)) {
    case WriteQueue::Result::kOk: return nullptr;
    // What the peer said before it went lies in the channel. The reader finds it, and then the end: so this frame shares
    // the fate of those that the channel still took.
    case WriteQueue::Result::kBroken: return nullptr;
    case WriteQueue::Result::kClosed: break;
  }
  if (auto error = this->error()) return error;
  return make_error(ErrorKind::kCancelled,
                    fmt::format("the connection to {} is being shut down", peer_.describe()));
}

// Refused only where the connection is ending: that tells.
void FramedConnection::send_own(FrameKind kind, uint64_t number) {
  static_cast<void>(send(OutFrame(kind, number)));
}

Future<void> FramedConnection::room() {
  const MutexLock lock(room_mutex_);
  // fail() sets closed_ before it takes this lock to tell who waits.
  if (closed() || loop_.forked()) return make_ready();
  if (!room_ || room_->done()) {
    // Before the question: the answer may come at once.
    auto fresh = detail::make_ref<detail::State<void>>();
    if (writer_.await_room()) return make_ready();
    room_ = std::move(fresh);
  }
  return Future<void>(room_);
}

void FramedConnection::room_again() noexcept { ask_for(kTellRoom); }

void FramedConnection::tell_room() noexcept {
  detail::Ref<detail::State<void>> room;
  {
    const MutexLock lock(room_mutex_);
    room = std::move(room_);
  }
  std::optional<detail::CallbackGate> gate;
  if (options_.callbacks) gate.emplace(*options_.callbacks);
  if (room) room->emplace();
}

// This thread reads this connection, or all of them.
bool FramedConnection::reads_here() const noexcept {
  return loop_.on_loop_thread() || polling_.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

// Under a gate this thread reads a connection, of this loop or of another agent's.
Executor* FramedConnection::where_to_let_go() noexcept {
  return reads_here() || detail::is_gated() ? options_.callbacks : nullptr;
}

void FramedConnection::flush() noexcept {
  holding_.store({}, std::memory_order_relaxed);
  writer_.flush();
}

std::exception_ptr FramedConnection::error() const {
  if (!closed()) return nullptr;
  MutexLock lock(state_mutex_);
  return info_.error;
}

// --- reading

void FramedConnection::loop_ends() noexcept {
  fail(in_words(CloseInfo::Why::kLoopEnd, [this] {
    CloseInfo info;
    info.why = CloseInfo::Why::kLoopEnd;
    info.error = make_error(
        ErrorKind::kCancelled,
        fmt::format("the connection to {} was closed: this worker has shut down", peer_.describe()));
    return info;
  }));
  finish();
}

// Where another thread has the role, that one arms the channel before it gives the role back.
bool FramedConnection::loop_sleeps() noexcept {
  // A role that is lent is the guard's matter.
  uint8_t free = kFree;
  if (closed() || !role_.compare_exchange_strong(free, kTaken)) return false;
  reader_.assert_held();
  const bool unread = arm() == Left::kUnread;
  give_role_back(Left::kNothing);
  return unread;
}

void FramedConnection::read_on_loop(bool buffered_only) noexcept {
  if (closed()) return;
  if (!take_role()) {
    // A holder that is not leaving yet will arm the channel, and look once more after that. One that is leaving may have looked
    // for the last time before what this event tells of came. `missed_` is set before the role is tried again, and the holder
    // looks at it after it has freed the role, all sequentially consistent: one of the two sees the other.
    if (role_.load() == kTaken) return;
    missed_.store(true);
    if (!take_role()) return;
    missed_.store(false);
  }
  Role role(*this, true);
  // The thread that lent the role may have left some.
  if (buffered_only || reading_.frames.more_buffered()) {
    if (read_rest() == Read::kEnded || buffered_only) return;
  }
  size_t bytes = 0;
  while (bytes < kReadAtOnce && read_once() == Read::kSome && reading_.may_have_more) bytes += reading_.bytes;
}

// What lies in the buffer.
FramedConnection::Read FramedConnection::read_rest() noexcept {
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
    return dispatch_all(Clock::now());
  } catch (const std::exception& e) {
    give_up(e.what());
    return Read::kEnded;
  }
}

// There is no memory for what the peer sends: nothing is wrong with it, but the stream cannot be read on.
void FramedConnection::give_up(std::string_view what) noexcept {
  say_goodbye(GoodbyeReason::kInternal, what);
  fail(in_words(CloseInfo::Why::kInternal, [&] {
    return died(CloseInfo::Why::kInternal, peer_, fmt::format("was given up: {}", what));
  }));
}

FramedConnection::Read FramedConnection::dispatch_all(TimePoint now) {
  Frame frame;
  TimePoint held_since{};
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

// Closed is looked at after the role is free, and finish() tries the role after closed is set, both in the one
// order of sequentially consistent operations: one of the two sees the other, so finish() runs.
bool FramedConnection::take_role() noexcept {
  for (uint8_t seen = role_.load(); seen == kFree || seen == kLent;) {
    if (role_.compare_exchange_weak(seen, kTaken)) return true;
  }
  return false;
}

FramedConnection::Left FramedConnection::arm() noexcept {
  role_.store(kLeaving);
  return !closed() && channel_->arm() ? Left::kUnread : Left::kNothing;
}

void FramedConnection::give_role_back(Left left, RoleIs now) noexcept {
  reader_.end();
  if (now == kLent) lends_.store(lends_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  role_.store(now);
  // The guard says first that it goes and looks at the role then: one of the two sees the other.
  if (now == kLent && !see_to_guard()) left = Left::kUnread;
  if (missed_.load() && missed_.exchange(false)) left = Left::kUnread;
  if (closed_.load()) {
    ask_for(kFinish);
  } else if (left != Left::kNothing) {
    ask_for(left == Left::kBuffered ? kReadBuffered : kRead);
  }
}

bool FramedConnection::see_to_guard() noexcept {
  if (guarded_.load()) return true;
  if (guarded_.exchange(true)) return true;
  try {
    if (loop_.guard(detail::make_ref<Guard>(*this))) return true;
  } catch (const std::bad_alloc&) {
    // Then it is not lent.
  }
  guarded_.store(false);
  return false;
}

bool FramedConnection::look_after() noexcept {
  if (closed()) return false;
  const uint32_t lends = lends_.load(std::memory_order_relaxed);
  if (lends != guarding_.lends) {
    guarding_ = {.lends = lends};
    return true;
  }
  if (role_.load() == kLent) read_on_loop(false);
  if (++guarding_.quiet_looks < kQuietLooks) return true;
  guarding_.quiet_looks = 0;
  guarded_.store(false);
  // Lent again meanwhile, by one who saw the guard.
  return role_.load() == kLent && !guarded_.exchange(true);
}

void FramedConnection::expect_wait() noexcept {
  if (!channel_->reads_memory() || closed() || !started_.load(std::memory_order_acquire) || loop_.forked())
    return;
  if (!see_to_guard()) return;
  uint8_t free = kFree;
  if (!role_.compare_exchange_strong(free, kTaken)) return;
  reader_.assert_held();
  channel_->disarm();
  give_role_back(Left::kNothing, kLent);
}

bool FramedConnection::read_for(Lingerer& lingerer, PollTurn& turn) noexcept {
  reading_.lingerer = &lingerer;
  const bool memory = channel_->reads_memory();
  const int looks = channel_->looks_in_a_row();
  Read read = reading_.frames.more_buffered() ? read_rest() : Read::kNothing;
  while (read != Read::kEnded && !lingerer.has_work()) {
    read = Read::kNothing;
    for (int i = 0; i < looks && read == Read::kNothing; ++i) {
      if (i != 0) pause_briefly();
      if (!memory || channel_->has_unread()) read = read_once();
    }
    if (!writer_.empty() && (memory || read == Read::kNothing)) writer_.flush();
    if (read == Read::kSome) {
      turn.restart();
    } else if (read == Read::kNothing && !turn.yield()) {
      break;
    }
  }
  reading_.lingerer = nullptr;
  return lingerer.has_work();
}

void FramedConnection::linger(Lingerer& lingerer) noexcept {
  if (loop_.poll_budget().count() <= 0 || !started_.load(std::memory_order_acquire) || loop_.forked()) return;
  PollTurn turn(loop_.poll_budget());
  // What it ran may have called fork(2): then this is the child.
  while (!closed() && !loop_.forked() && take_role()) {
    if (lingerer.has_enough() || !reading_.lingering.should_poll()) return leave_role();
    {
      Role role(*this, false);
      if (!read_for(lingerer, turn)) return reading_.lingering.miss();
      reading_.lingering.hit();
      if (lingerer.is_short() && see_to_guard()) {
        role.lend();
      } else if (reading_.frames.more_buffered()) {
        role.leave_rest();
      }
    }
    lingerer.run();
    turn.restart();
  }
}

// Without having read. What lies in the buffer belongs to the next reader, and an event that came while this thread had the
// role has found it taken.
void FramedConnection::leave_role() noexcept {
  const Left left = arm();
  give_role_back(reading_.frames.more_buffered() ? Left::kBuffered : left);
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
  if (done() || closed() || !reading_.policy.should_poll()) {
    leave_role();
    return done();
  }
  Role role(*this, false);
  PollTurn turn(loop_.poll_budget());
  const bool memory = channel_->reads_memory();
  const int looks = channel_->looks_in_a_row();
  for (bool first = true;; first = false) {
    // The thread that lent the role may have left some.
    Read read = first && reading_.frames.more_buffered() ? read_rest() : Read::kNothing;
    for (int i = 0; i < looks && read == Read::kNothing && !done(); ++i) {
      if (i != 0) pause_briefly();
      if (memory && !channel_->has_unread()) continue;
      read = read_once();
    }
    if (read == Read::kEnded) break;
    if (done()) {
      reading_.policy.hit();
      break;
    }
    // Nobody else is told of room in a channel that is polled.
    if (!writer_.empty() && (memory || read == Read::kNothing)) writer_.flush();
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

// --- closing

void FramedConnection::stream_ended(int error) noexcept {
  if (error == EBADMSG || (error == 0 && writer_.broken_errno() == EBADMSG))
    return malformed("the counters of its shared memory are out of bounds");
  const auto why = shutting_down_.load(std::memory_order_acquire) ? CloseInfo::Why::kLocal
                   : reading_.goodbye                             ? CloseInfo::Why::kGoodbye
                                                                  : CloseInfo::Why::kPeerDied;
  fail(in_words(why, [&] {
    reader_.assert_held();
    return how_it_ended(error);
  }));
}

CloseInfo FramedConnection::how_it_ended(int error) const {
  CloseInfo info;
  const int broken = writer_.broken_errno();
  if (shutting_down_.load(std::memory_order_acquire)) {
    info.why = CloseInfo::Why::kLocal;
    info.error = make_error(ErrorKind::kCancelled,
                            fmt::format("the connection to {} was shut down here", peer_.describe()));
  } else if (const auto& goodbye = reading_.goodbye) {
    info = died(CloseInfo::Why::kGoodbye, peer_,
                fmt::format("said goodbye: {}{}{}", words_for(goodbye->reason),
                            goodbye->text.empty() ? "" : ": ", goodbye->text));
    info.reason = goodbye->reason;
  } else {
    std::string how = reading_.frames.inside_frame() ? "died in the middle of a frame" : "died";
    const Encryption* const encryption = channel_->encryption();
    if (const std::string why = encryption ? encryption->why_ended() : std::string(); !why.empty()) {
      how += ": " + why;
    } else if (error != 0) {
      how += fmt::format(": {}", std::strerror(error));
    } else if (broken != 0) {
      how += fmt::format(": writing to it failed: {}", std::strerror(broken));
    } else {
      how += ": it closed the connection without a goodbye";
    }
    info = died(CloseInfo::Why::kPeerDied, peer_, std::move(how));
  }
  return info;
}

void FramedConnection::malformed(const std::string& what) noexcept {
  say_goodbye(GoodbyeReason::kMalformed, what);
  fail(in_words(CloseInfo::Why::kMalformed, [&] {
    return died(CloseInfo::Why::kMalformed, peer_,
                fmt::format("sent something malformed, so the connection was closed: {}", what));
  }));
}

// The last that is sent. What it says is a courtesy: where it cannot be sent the end of the stream tells as much.
void FramedConnection::say_goodbye(GoodbyeReason reason, std::string_view text) noexcept {
  try {
    OutFrame goodbye(FrameKind::kGoodbye);
    goodbye.body.array(2);
    goodbye.body.uinteger(static_cast<uint64_t>(reason));
    goodbye.body.str(text.substr(0, 1000));
    if (goodbye.seal().empty()) static_cast<void>(writer_.send(std::move(goodbye), WriteQueue::How::kLast));
  } catch (const std::bad_alloc&) {
    writer_.close();
  }
}

void FramedConnection::shutdown(GoodbyeReason reason, std::string_view text, TimePoint deadline) noexcept {
  if (closed() || loop_.forked() || shutting_down_.exchange(true)) return;
  say_goodbye(reason, text);
  const auto self = detail::Ref<FramedConnection>::share(this);
  {
    const MutexLock lock(state_mutex_);
    if (closed() || finished_) return;
    try {
      shutdown_timer_ = loop_.schedule_at(deadline, [self] { self->close(nullptr); });
    } catch (const std::bad_alloc&) {
      // Then it ends now.
    }
    if (shutdown_timer_) return;
  }
  close(nullptr);
}

void FramedConnection::close(std::exception_ptr error) noexcept {
  fail(in_words(CloseInfo::Why::kLocal, [&] {
    CloseInfo info;
    info.error = error ? std::move(error)
                       : make_error(ErrorKind::kCancelled,
                                    fmt::format("the connection to {} was closed here", peer_.describe()));
    return info;
  }));
}

void FramedConnection::fail(CloseInfo info) noexcept {
  {
    MutexLock lock(state_mutex_);
    if (closed_.load(std::memory_order_relaxed)) return;
    info_ = std::move(info);
    closed_.store(true);
  }
  if (loop_.forked()) return;
  writer_.close();
  ask_for(kFinish);
}

void FramedConnection::finish() noexcept {
  const auto self = detail::Ref<FramedConnection>::share(this);  // the channel lets go of its own
  {
    MutexLock lock(state_mutex_);
    if (finished_) return;
  }
  if (!take_role()) return;           // its holder posts this again; from now on nobody reads
  detail::Ref<FrameHandler> handler;  // null when nobody has called start() yet
  {
    MutexLock lock(state_mutex_);
    finished_ = true;
    handler = std::exchange(handler_, nullptr);
  }
  loop_.cancel(beat_);
  loop_.cancel(shutdown_timer_);
  channel_->retire();
  writer_.close_channel();
  tell_closed(handler);
  reader_.end();  // for the analysis; role_ stays taken, so that nobody reads any more
}

}  // namespace tine::rpc
