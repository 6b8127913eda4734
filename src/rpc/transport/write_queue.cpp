#include "src/rpc/transport/write_queue.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

namespace tine::rpc {
namespace {

constexpr size_t kPieces = 64;
constexpr size_t kRounds = 16;  // of kPlanBytes each
constexpr size_t kRoundsOfAReader = 2;
constexpr size_t kUnits = 32;
constexpr size_t kHeads = 6;
// So much is offered to the channel in one call. What it does not take is planned anew: only the unit under way is fixed.
constexpr uint64_t kPlanBytes = 4 * kChunkBytes;
// While small frames go between chunks; and when so much of large ones has left without one, they have the channel for
// themselves again: throughput needs it deep.
constexpr uint64_t kSharedChunkBytes = kChunkBytes / 8;
constexpr size_t kSharedUnread = kMostUnread / 16;
constexpr uint64_t kSharedFor = 32 * kChunkBytes;

const std::array<std::byte, kSegmentAlign> kZeros{};

}  // namespace

void WriteQueue::Walk::pass(std::span<const Segment> segments) noexcept {
  at = aligned_segment(at) + segments[segment].bytes.size();
  ++segment;
}

void WriteQueue::Walk::skip_to(uint64_t from, const OutFrame& frame) noexcept {
  const auto segments = frame.segments();
  at = std::max(at, uint64_t{frame.head().size()});
  while (segment < segments.size()) {
    Walk next = *this;
    next.pass(segments);
    if (next.at > from) return;
    *this = next;
  }
}

struct WriteQueue::Pieces {
  std::array<iovec, kPieces> list;
  size_t count = 0;
  size_t bytes = 0;

  [[nodiscard]] bool full() const noexcept { return count == kPieces; }
  // Adds what of [at, at + size), a part of the frame, lies in [from, until).
  void add(const std::byte* data, uint64_t at, uint64_t size, uint64_t from, uint64_t until) noexcept {
    const uint64_t begin = std::max(at, from), end = std::min(at + size, until);
    if (begin >= end || full()) return;
    list[count++] = {const_cast<std::byte*>(data + (begin - at)), end - begin};
    bytes += end - begin;
  }
  // Adds the bytes [from, until) of the frame; the walk over its segments begins where `walk` is.
  void add_frame(const OutFrame& frame, uint64_t from, uint64_t until, Walk walk = {}) noexcept {
    const auto head = frame.head();
    add(head.data(), 0, head.size(), from, until);
    const auto segments = frame.segments();
    for (walk.at = std::max(walk.at, uint64_t{head.size()});
         walk.segment < segments.size() && walk.at < until && !full(); walk.pass(segments)) {
      const uint64_t start = aligned_segment(walk.at);
      add(kZeros.data(), walk.at, start - walk.at, from, until);
      add(segments[walk.segment].bytes.data(), start, segments[walk.segment].bytes.size(), from, until);
    }
  }
};

// What one call offers to the channel.
struct WriteQueue::Plan {
  std::array<Unit, kUnits> units;
  size_t count = 0;
  std::array<std::array<std::byte, kHeaderBytes>, kHeads> heads;
  size_t head_count = 0;
  uint64_t planned = 0;
  Pieces pieces;

  [[nodiscard]] bool full() const noexcept {
    return count == kUnits || head_count == kHeads || pieces.full() || planned >= kPlanBytes;
  }
  void add(const Unit& unit) noexcept {
    units[count++] = unit;
    planned += unit.left();
    Item& item = *unit.item;
    uint64_t from = unit.from;
    if (unit.is_chunk()) {
      if (unit.written < unit.head) {
        FrameHeader header;
        header.kind = FrameKind::kChunk;
        header.flags = static_cast<uint16_t>((unit.from == 0 ? kFirstChunk : 0) |
                                             (unit.from + unit.bytes == item.total ? kLastChunk : 0));
        header.body_bytes = static_cast<uint32_t>(unit.bytes);
        header.payload_bytes = unit.bytes;
        auto& head = heads[head_count++];
        encode_header(header, head);
        pieces.add(head.data(), 0, kHeaderBytes, unit.written, kHeaderBytes);
      } else {
        from += unit.written - unit.head;
      }
    } else {
      from += unit.written;
    }
    // All before the first unit's bytes has left for good: of many segments those are not walked over again.
    if (count == 1) item.walk.skip_to(from, item.frame);
    pieces.add_frame(item.frame, from, unit.from + unit.bytes, item.walk);
  }
};

void WriteQueue::Dropped::let_go() noexcept {
  if (items.empty()) return;
  Items elsewhere, here;
  for (auto at = items.begin(); at != items.end();) {
    const auto item = at++;
    if (!item->frame.is_plain()) elsewhere.splice(elsewhere.end(), items, item);
  }
  here.swap(items);
  Executor* const executor = elsewhere.empty() ? nullptr : queue.owner_.where_to_let_go();
  if (!executor) return;
  struct LetGo final : Task {
    void run() noexcept override { delete this; }
    void abandon() noexcept override { delete this; }
    Items items;
  };
  // Where there is no memory for that it happens here.
  if (auto* const task = new (std::nothrow) LetGo) {
    task->items.swap(elsewhere);
    executor->post(*task);
  }
}

WriteQueue::Wrote WriteQueue::write_out(Pieces& pieces, size_t* bytes) noexcept {
  const Channel::Outcome out = channel_.try_write(std::span(pieces.list).first(pieces.count));
  *bytes = out.bytes;
  switch (out.what) {
    case Channel::What::kMoved: return out.bytes == pieces.bytes ? Wrote::kAll : Wrote::kSome;
    case Channel::What::kNothingNow: return Wrote::kNothing;
    case Channel::What::kEnded: break;
  }
  broken_.store(out.error, std::memory_order_relaxed);
  return Wrote::kError;
}

void WriteQueue::set_shared(bool shared) noexcept {
  if (shared == shared_) return;
  shared_ = shared;
  channel_.bound_unread(shared ? kSharedUnread : kMostUnread);
}

// The rule of who goes first. False when there is nothing.
bool WriteQueue::make_plan(Plan& plan) noexcept {
  set_shared(!large_.empty() && (!small_.empty() || (shared_ && large_bytes_ < kSharedFor)));
  if (under_way_) plan.add(*under_way_);
  auto small = small_.begin();
  auto large = last_ ? large_.end() : large_.begin();
  uint64_t cut = large != large_.end() ? large->cut : 0;
  uint64_t small_bytes = small_bytes_;
  // After the last chunk of a frame that something goes behind the plan ends: nothing else may leave before that.
  const auto ends = [&] {
    if (cut != large->total) return false;
    cut = 0;
    return !(large++)->behind.empty();
  };
  if (under_way_) {
    if (!under_way_->is_chunk()) {
      ++small;  // it is the first
      small_bytes += under_way_->bytes;
    } else {
      small_bytes = 0;
      if (large != large_.end()) {
        cut += under_way_->bytes;
        if (ends()) return true;
      }
    }
  }
  while (!plan.full()) {
    const bool any_large = large != large_.end();
    const uint64_t chunk =
        any_large ? std::min(shared_ ? kSharedChunkBytes : kChunkBytes, large->total - cut) : 0;
    const bool overtakes =
        any_large && small != small_.end() && cut + chunk == large->total && small->number < large->number;
    if (small != small_.end() && (!any_large || small_bytes < kChunkBytes || overtakes)) {
      plan.add({.item = small, .from = 0, .bytes = small->total});
      small_bytes += small->total;
      ++small;
    } else if (any_large) {
      plan.add({.item = large, .from = cut, .bytes = chunk, .head = kHeaderBytes});
      small_bytes = 0;
      cut += chunk;
      if (ends()) break;
    } else {
      break;
    }
  }
  return plan.count != 0;
}

void WriteQueue::account(Plan& plan, size_t bytes, Items& done) noexcept {
  for (size_t i = 0; i < plan.count && bytes > 0; ++i) {
    Unit& unit = plan.units[i];
    const uint64_t n = std::min<uint64_t>(bytes, unit.left());
    unit.written += n;
    bytes -= n;
    if (unit.left() != 0) {
      under_way_ = unit;
      if (!unit.is_chunk()) small_.splice(small_.begin(), small_, unit.item);
      return;
    }
    under_way_.reset();
    finish(unit, done);
  }
}

void WriteQueue::finish(const Unit& unit, Items& done) noexcept {
  Item& item = *unit.item;
  if (!unit.is_chunk()) {
    small_bytes_ += unit.bytes;
    copied_.fetch_sub(item.copied, std::memory_order_relaxed);
    done.splice(done.end(), small_, unit.item);
    return;
  }
  small_bytes_ = 0;
  large_bytes_ += unit.bytes;
  item.cut += unit.bytes;
  if (item.cut != item.total) return;
  if (is_request(item.frame.kind)) requests_.erase(item.frame.call_id);
  copied_.fetch_sub(item.copied, std::memory_order_relaxed);
  small_.splice(small_.begin(), item.behind);
  done.splice(done.end(), large_, unit.item);
}

void WriteQueue::push(Items& node) {
  Item& item = node.front();
  const bool small = item.total <= kChunkBytes;
  // First, because it may throw.
  if (!small && is_request(item.frame.kind)) requests_.try_emplace(item.frame.call_id, node.begin());
  item.number = ++last_number_;
  copied_.fetch_add(item.copied, std::memory_order_relaxed);
  if (small) {
    large_bytes_ = 0;
    return small_.splice(small_.end(), node);
  }
  large_.splice(large_.end(), node);
}

// Nothing may follow any more: but for the chunk under way, whose rest must.
void WriteQueue::drop_large(Items& dropped) noexcept {
  Items kept;
  if (under_way_ && under_way_->is_chunk()) kept.splice(kept.end(), large_, under_way_->item);
  for (const Item& item : large_) copied_.fetch_sub(item.copied, std::memory_order_relaxed);
  dropped.splice(dropped.end(), large_);
  large_.swap(kept);
  requests_.clear();
}

WriteQueue::Result WriteQueue::send(OutFrame&& frame, How how) {
  const size_t rounds = how == How::kWrite ? kRounds : kRoundsOfAReader;
  Items node;  // what is left in it and in `dropped` goes after the lock
  Dropped dropped(*this);
  if (frame.is_large()) node.emplace_back(std::move(frame));
  MutexLock lock(mutex_);
  if (closed_ || last_) return broken_.load(std::memory_order_relaxed) ? Result::kBroken : Result::kClosed;
  const bool idle = !writing_ && small_.empty() && large_.empty();
  last_ = how == How::kLast;
  if (idle && how != How::kHold && node.empty()) return write_directly(lock, std::move(frame), rounds);
  if (node.empty()) node.emplace_back(std::move(frame));
  const OutFrame& queued = node.front().frame;
  const auto request = queued.kind == FrameKind::kCancel ? requests_.find(queued.call_id) : requests_.end();
  if (request != requests_.end()) {
    copied_.fetch_add(node.front().copied, std::memory_order_relaxed);
    auto& behind = request->second->behind;
    behind.splice(behind.end(), node);
    return Result::kOk;
  }
  push(node);
  queued_.store(true, std::memory_order_relaxed);
  if (last_ && !writing_) drop_large(dropped.items);
  if (!idle || how == How::kHold) return Result::kOk;
  writing_ = true;
  return flush_as_writer(lock, rounds);
}

bool WriteQueue::nothing_to_do() const noexcept {
  return small_.empty() && large_.empty() && !closed_ && !last_ && !shared_ && !wants_writable_ &&
         !room_awaited_ && !close_channel_;
}

// Straight from the caller's frame: nothing is moved or allocated when the channel takes it all.
WriteQueue::Result WriteQueue::write_directly(MutexLock<>& lock, OutFrame&& frame, size_t rounds) {
  writing_ = true;
  lock.unlock();
  const uint64_t total = frame.wire_bytes();
  Pieces pieces;
  size_t bytes = 0;
  pieces.add_frame(frame, 0, total);
  const Wrote wrote = write_out(pieces, &bytes);
  if (bytes == total) {
    lock.lock();
    if (!nothing_to_do()) return flush_as_writer(lock, rounds);
    writing_ = false;
    lock.unlock();
    return Result::kOk;
  }
  Items node;
  try {
    if (wrote != Wrote::kError) node.emplace_back(std::move(frame));
  } catch (const std::bad_alloc&) {
    broken_.store(ENOMEM, std::memory_order_relaxed);  // half of a frame cannot be taken back
  }
  lock.lock();
  if (node.empty()) return break_off(lock);
  if (!closed_) {
    was_full_ = wrote != Wrote::kAll;
    Item& item = node.front();
    item.number = ++last_number_;
    copied_.fetch_add(item.copied, std::memory_order_relaxed);
    small_.splice(small_.begin(), node);
    if (bytes != 0) under_way_ = Unit{.item = small_.begin(), .bytes = total, .written = bytes};
  }
  return flush_as_writer(lock, wrote == Wrote::kAll ? rounds : 0);
}

void WriteQueue::flush() noexcept {
  MutexLock lock(mutex_);
  if (closed_ || writing_) return;
  if (small_.empty() && large_.empty()) {
    if (wants_writable_) channel_.want_writable(wants_writable_ = false);
    return;
  }
  writing_ = true;
  static_cast<void>(
      flush_as_writer(lock, kRoundsOfAReader));  // the reader learns of a broken channel by itself
}

// Allocates nothing: the loop's thread cannot say that there is no memory.
WriteQueue::Result WriteQueue::flush_as_writer(MutexLock<>& lock, size_t rounds) noexcept {
  Dropped done(*this);
  while (!closed_ && rounds-- > 0) {
    Plan plan;
    if (!make_plan(plan)) break;
    lock.unlock();
    done.let_go();  // what has left is not kept while more is written
    size_t bytes = 0;
    const Wrote wrote = write_out(plan.pieces, &bytes);
    lock.lock();
    if (wrote == Wrote::kError) return break_off(lock);
    if (closed_) break;
    if (was_full_ && bytes != 0) taken_.fetch_add(1, std::memory_order_relaxed);
    was_full_ = wrote != Wrote::kAll;
    account(plan, bytes, done.items);
    if (last_) drop_large(done.items);
    if (was_full_) break;
  }
  if (!closed_) {
    const bool want = !small_.empty() || !large_.empty();
    if (want != wants_writable_) channel_.want_writable(wants_writable_ = want);
    if (!want && last_) channel_.end_output();
  }
  return end_writing(lock, Result::kOk);
}

// The lock is released on return. Objects of users are destroyed after that.
WriteQueue::Result WriteQueue::end_writing(MutexLock<>& lock, Result result) noexcept {
  writing_ = false;
  Dropped dropped(*this);
  if (closed_) drop_all(dropped.items);
  queued_.store(!small_.empty() || !large_.empty(), std::memory_order_relaxed);
  if (close_channel_ && !channel_closed_) {
    channel_closed_ = true;
    channel_.close();
  }
  tell_room(lock);
  return result;
}

// Releases the lock.
void WriteQueue::tell_room(MutexLock<>& lock) noexcept {
  const bool tell = room_awaited_ && (closed_ || copied_bytes() <= max_copied_ / 2);
  if (tell) room_awaited_ = false;
  lock.unlock();
  if (tell) owner_.room_again();
}

bool WriteQueue::await_room() {
  const MutexLock lock(mutex_);
  if (closed_ || has_room()) return true;
  room_awaited_ = true;
  return false;
}

WriteQueue::Result WriteQueue::break_off(MutexLock<>& lock) noexcept {
  closed_ = true;
  // The bytes that the peer sent before can still be read; after them the reader finds the end.
  channel_.break_off();
  return end_writing(lock, Result::kBroken);
}

void WriteQueue::drop_all(Items& dropped) noexcept {
  dropped.splice(dropped.end(), small_);
  dropped.splice(dropped.end(), large_);
  requests_.clear();
  under_way_.reset();
  copied_.store(0, std::memory_order_relaxed);
}

void WriteQueue::close() noexcept {
  Dropped dropped(*this);
  MutexLock lock(mutex_);
  closed_ = true;
  if (!channel_closed_) channel_.break_off();
  if (writing_) return;  // its pieces stay until it is done, then it drops them
  drop_all(dropped.items);
  queued_.store(false, std::memory_order_relaxed);
  tell_room(lock);
}

void WriteQueue::close_channel() noexcept {
  const MutexLock lock(mutex_);
  close_channel_ = true;
  if (writing_ || channel_closed_) return;
  channel_closed_ = true;
  channel_.close();
}

}  // namespace tine::rpc
