#include "src/rpc/transport/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tine::rpc {
namespace {

constexpr size_t kLittleRoom = 4096;

}  // namespace

TimePoint Frame::deadline() const noexcept {
  if (header.remaining_us == kNoTimeLimit) return kNoDeadline;
  const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(kNoDeadline - received).count();
  if (header.remaining_us >= static_cast<uint64_t>(longest)) return kNoDeadline;
  return received + std::chrono::microseconds(header.remaining_us);
}

void Frame::own(BufferPool& pool) {
  // A body that fills most of its buffer keeps it; a small one must not keep 64 KiB alive.
  if (!body_buffer || body.size() * 2 >= body_buffer->capacity()) return;
  detail::Ref<Buffer> copy = pool.acquire(body.size());
  if (!body.empty()) std::memcpy(copy->data(), body.data(), body.size());
  body = copy->bytes();
  body_buffer = std::move(copy);
}

FrameReader::FrameReader(detail::Ref<BufferPool> pool, size_t buffer_bytes, uint64_t max_payload)
    : pool_(std::move(pool)),
      buffer_bytes_(std::max(buffer_bytes, 2 * kLittleRoom)),
      max_payload_(max_payload),
      buffer_(pool_->acquire(buffer_bytes_)) {}

// Bytes that frames still point to are never moved or overwritten: then the rest goes on in another buffer.
void FrameReader::make_room(size_t frame_bytes) {
  const size_t have = end_ - begin_;
  if (have == 0 && begin_ == 0) return;
  if (have != 0 && buffer_bytes_ - begin_ >= frame_bytes &&
      buffer_bytes_ - end_ >= std::min(kLittleRoom, frame_bytes - have))
    return;
  if (buffer_->sole_owner()) {
    if (have != 0) std::memmove(buffer_->data(), buffer_->data() + begin_, have);
  } else if (have == 0 && buffer_bytes_ - end_ >= buffer_bytes_ / 2) {
    return;  // room enough behind what the frame holds
  } else {
    detail::Ref<Buffer> next = pool_->acquire(buffer_bytes_);
    if (have != 0) std::memcpy(next->data(), buffer_->data() + begin_, have);
    buffer_ = std::move(next);
  }
  begin_ = 0;
  end_ = have;
}

size_t FrameReader::prepare(std::span<iovec> pieces) {
  make_room(std::max(wanted_, kHeaderBytes));
  size_t used = 0;
  for (size_t i = target_; i < targets_.size() && used + 1 < pieces.size(); ++i) {
    pieces[used++] = {targets_[i].at, targets_[i].left};
  }
  // Behind the last target comes the next frame; but only when all targets found a place.
  if (used == targets_.size() - target_) pieces[used++] = {buffer_->data() + end_, buffer_bytes_ - end_};
  return used;
}

void FrameReader::received(size_t bytes) noexcept {
  while (bytes > 0 && target_ < targets_.size()) {
    Target& target = targets_[target_];
    const size_t n = std::min(bytes, target.left);
    target.at += n;
    target.left -= n;
    bytes -= n;
    if (target.left == 0) ++target_;
  }
  end_ += bytes;
}

bool FrameReader::fill_from_buffer() noexcept {
  while (target_ < targets_.size()) {
    if (begin_ == end_) return false;
    Target& target = targets_[target_];
    const size_t n = std::min(end_ - begin_, target.left);
    std::memcpy(target.at, buffer_->data() + begin_, n);
    target.at += n;
    target.left -= n;
    begin_ += n;
    if (target.left == 0) ++target_;
  }
  targets_.clear();
  target_ = 0;
  return true;
}

FrameReader::Next FrameReader::malformed(std::string what) {
  error_ = std::move(what);
  return Next::kMalformed;
}

bool FrameReader::begin_segments(std::span<const std::byte> table) {
  std::array<uint64_t, 16> few;
  std::vector<uint64_t> many;
  std::span<uint64_t> sizes(few.data(), std::min<size_t>(few.size(), frame_.header.segments));
  if (frame_.header.segments > few.size()) {
    many.resize(frame_.header.segments);
    sizes = many;
  }
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = get_le<uint64_t>(table.data() + 8 * i);
  error_ = check_segments(frame_.header, sizes);
  if (!error_.empty()) return false;
  uint64_t at = kHeaderBytes + frame_.header.body_bytes + table.size();
  frame_.segments.reserve(sizes.size());
  targets_.reserve(2 * sizes.size());
  for (uint64_t size : sizes) {
    const uint64_t start = aligned_segment(at);
    if (start != at) targets_.push_back({padding_.data(), start - at});
    frame_.segments.push_back(pool_->acquire(size));
    targets_.push_back({frame_.segments.back()->data(), size});
    at = start + size;
  }
  stage_ = Stage::kSegments;
  return true;
}

FrameReader::Next FrameReader::next(Frame* frame, TimePoint now) {
  for (;;) {
    if (stage_ != Stage::kStart) {
      if (!fill_from_buffer()) return Next::kNeedMore;
      if (stage_ == Stage::kBody) {
        const auto all = frame_.body_buffer->bytes();
        frame_.body = all.first(frame_.header.body_bytes);
        if (frame_.header.segments != 0) {
          if (!begin_segments(all.subspan(frame_.header.body_bytes))) return Next::kMalformed;
          continue;
        }
      }
      stage_ = Stage::kStart;
      have_header_ = false;
      *frame = std::exchange(frame_, Frame{});
      return Next::kFrame;
    }

    const size_t have = end_ - begin_;
    if (have < kHeaderBytes) return Next::kNeedMore;
    const std::byte* start = buffer_->data() + begin_;
    if (!have_header_) {
      std::string bad = decode_header(std::span<const std::byte, kHeaderBytes>(start, kHeaderBytes),
                                      max_payload_, &frame_.header);
      if (!bad.empty()) return malformed(std::move(bad));
      have_header_ = true;
      frame_.received = now;
    }
    const size_t table_bytes = 8 * size_t{frame_.header.segments};
    const size_t front = kHeaderBytes + frame_.header.body_bytes + table_bytes;
    if (front > buffer_bytes_) {
      frame_.body_buffer = pool_->acquire(front - kHeaderBytes);
      targets_.push_back({frame_.body_buffer->data(), front - kHeaderBytes});
      begin_ += kHeaderBytes;
      stage_ = Stage::kBody;
      continue;
    }
    if (have < front) {
      wanted_ = front;
      return Next::kNeedMore;
    }
    wanted_ = 0;
    begin_ += front;
    frame_.body = {start + kHeaderBytes, frame_.header.body_bytes};
    frame_.body_buffer = buffer_;
    if (table_bytes != 0) {
      if (!begin_segments({start + kHeaderBytes + frame_.header.body_bytes, table_bytes}))
        return Next::kMalformed;
      continue;
    }
    have_header_ = false;
    *frame = std::exchange(frame_, Frame{});
    return Next::kFrame;
  }
}

}  // namespace tine::rpc
