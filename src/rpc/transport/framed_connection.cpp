#include "src/rpc/transport/framed_connection.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/error_or_want.h"
#include "src/base/let_go.h"
#include "src/rpc/transport/encryption.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

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
  void lent_is_gone() noexcept override { connection_->ask_for(kSayForget); }

  const detail::Ref<FramedConnection> connection_;
};

FramedConnection::FramedConnection(const Loop& loop, std::unique_ptr<Channel> channel, PeerInfo peer,
                                   ConnectionOptions options)
    : loop_(loop),
      channel_(std::move(channel)),
      shared_(channel_->shared_memory()),
      peer_(std::move(peer)),
      options_(options),
      writer_(*channel_, options.max_copied_bytes, *this),
      reading_(
          FrameReader(loop.recycler(), options.receive_buffer_bytes, options.max_payload_bytes, shared_)) {}

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
  if (chores & kSayForget) say_forget();
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
  const uint64_t received = received_.load(std::memory_order_relaxed);
  const bool has_read = std::exchange(heart_.received_at_last_beat, received) != received;
  // Both only grow: the sum changes when either does. What lies unread was said, too: then our reader is busy.
  const uint64_t signs = received + writer_.taken();
  const bool moved = signs != heart_.signs_at_last_beat;
  // Nobody gives up a peer of whom something lies unread, so nothing may lie there because no event has told of it.
  const bool unread = !has_read && channel_->has_unread();
  if (unread) ask_for(kRead);
  if (moved || unread) {
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

std::exception_ptr FramedConnection::send(OutFrame&& frame) {
  // First: the loop of a closed connection may be gone.
  if (closed()) return error();
  if (loop_.forked()) {
    return make_error(ErrorKind::kRuntime,
                      fmt::format("this process was forked from one that is connected to {}: the "
                                  "connection belongs to the parent",
                                  peer_.describe()));
  }
  // A raw call's bytes are the receiver's alone, and its sender has them back once they are written.
  const bool raw = frame.kind == FrameKind::kRawRequest || frame.kind == FrameKind::kRawReply;
  if (shared_ && !raw && !frame.segments().empty()) lend_segments(frame);
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

void FramedConnection::lend_segments(OutFrame& frame) {
  const auto segments = frame.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    if (const auto place = shared_->lend(segments[i].bytes)) frame.body.lend(i, *place);
  }
}

void FramedConnection::say_forget() noexcept {
  try {
    while (const auto memory = shared_->next_to_forget()) send_own(FrameKind::kForget, *memory);
  } catch (const std::bad_alloc&) {
    // The other side keeps it until the end of the connection.
  }
}

namespace {

// Counts the frames that keep one of these.
struct Counted final : detail::RefCounted {
  explicit Counted(std::shared_ptr<std::atomic<size_t>> c) noexcept : count(std::move(c)) {
    count->fetch_add(1, std::memory_order_relaxed);
  }
  ~Counted() override { count->fetch_sub(1, std::memory_order_relaxed); }
  const std::shared_ptr<std::atomic<size_t>> count;
};

}  // namespace

// A peer that reads what it is told leaves no more of these unread.
void FramedConnection::say_forgotten(uint64_t memory) {
  if (!reading_.forgotten) reading_.forgotten = std::make_shared<std::atomic<size_t>>(0);
  if (reading_.forgotten->load(std::memory_order_relaxed) >= SharedMemory::kMostLent)
    return malformed(
        fmt::format("more than {} forget frames whose answers are not read", SharedMemory::kMostLent));
  OutFrame frame(FrameKind::kForgotten, memory);
  frame.keep(detail::make_ref<Counted>(reading_.forgotten));
  static_cast<void>(send(std::move(frame)));
}

// Refused only where the connection is ending: that tells.
void FramedConnection::send_own(FrameKind kind, uint64_t number) {
  static_cast<void>(send(OutFrame(kind, number)));
}

Future<void> FramedConnection::room() {
  const MutexLock lock(room_mutex_);
  // fail() closes the role before it takes this lock to tell who waits.
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

// --- closing

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

// There is no memory for what the peer sends: nothing is wrong with it, but the stream cannot be read on.
void FramedConnection::give_up(std::string_view what) noexcept {
  say_goodbye(GoodbyeReason::kInternal, what);
  fail(in_words(CloseInfo::Why::kInternal, [&] {
    return died(CloseInfo::Why::kInternal, peer_, fmt::format("was given up: {}", what));
  }));
}

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
    if (closed()) return;
    info_ = std::move(info);
    role_.close();
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
