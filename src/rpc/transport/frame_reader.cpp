#include "src/rpc/transport/frame_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tine::rpc {
namespace {

constexpr size_t kLittleRoom = 4096;
// While a large frame comes, most of what follows is its own: no more than this is taken into the buffer and copied from
// there. Enough for a chunk's header and a few small frames.
constexpr size_t kAhead = 1024;

}  // namespace

FrameReader::FrameReader(Recycler& recycler, size_t buffer_bytes, uint64_t max_payload, SharedMemory* shared)
    : recycler_(recycler),
      shared_(shared),
      buffer_bytes_(std::max(buffer_bytes, 2 * kLittleRoom)),
      max_payload_(max_payload),
      buffer_(Buffer::make(recycler_, buffer_bytes_)) {}

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
    detail::Ref<Buffer> next = Buffer::make(recycler_, buffer_bytes_);
    if (have != 0) std::memcpy(next->data(), buffer_->data() + begin_, have);
    buffer_ = std::move(next);
  }
  begin_ = 0;
  end_ = have;
}

size_t FrameReader::prepare(std::span<iovec> pieces) {
  const size_t front = std::max(wanted_, kHeaderBytes);
  make_room(front);
  size_t used = 0;
  uint64_t left = left_;
  // Segments are read straight into their memory. What follows them goes into the buffer.
  if (filling_) {
    for (size_t i = filling_->target; i < filling_->targets.size() && left > 0; ++i) {
      if (used + 1 == pieces.size()) return used;
      const Target& target = filling_->targets[i];
      const size_t n = static_cast<size_t>(std::min<uint64_t>(target.left, left));
      pieces[used++] = {target.at, n};
      left -= n;
    }
  }
  size_t room = buffer_bytes_ - end_;
  if (left > 0) {
    room = static_cast<size_t>(std::min<uint64_t>(room, left));  // they need a place of their own first
  } else if (large_.part != Part::kNone && !(filling_ == &large_ && last_chunk_)) {
    room = std::min(room, front - std::min(front, end_ - begin_) + kAhead);
  }
  pieces[used++] = {buffer_->data() + end_, room};
  return used;
}

void FrameReader::received(size_t bytes) noexcept {
  if (filling_) {
    std::vector<Target>& targets = filling_->targets;
    size_t& target = filling_->target;
    while (bytes > 0 && left_ > 0 && target < targets.size()) {
      const size_t n = static_cast<size_t>(std::min<uint64_t>({bytes, targets[target].left, left_}));
      targets[target].at += n;
      targets[target].left -= n;
      left_ -= n;
      bytes -= n;
      if (targets[target].left == 0) ++target;
    }
  }
  end_ += bytes;
}

std::string FrameReader::begin_segments(Assembly& assembly, std::span<const std::byte> table) {
  Frame& frame = assembly.frame;
  std::array<uint64_t, 16> few;
  std::vector<uint64_t> many;
  std::span<uint64_t> sizes(few.data(), std::min<size_t>(few.size(), frame.header.segments));
  if (frame.header.segments > few.size()) {
    many.resize(frame.header.segments);
    sizes = many;
  }
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = get_le<uint64_t>(table.data() + 8 * i);
  if (std::string bad = check_segments(frame.header, sizes, max_payload_); !bad.empty()) return bad;
  uint64_t at = kHeaderBytes + frame.header.body_bytes + table.size();
  frame.segments.reserve(sizes.size());
  assembly.targets.clear();
  assembly.target = 0;
  assembly.targets.reserve(2 * sizes.size());
  assembly.lent.clear();
  for (const uint64_t entry : sizes) {
    const uint64_t start = aligned_segment(at), size = bytes_in_frame(entry);
    if ((entry & kLent) != 0) {
      if (!shared_)
        return fmt::format(
            "segment {} of the {} frame is in shared memory, which this connection does not have",
            frame.segments.size(), name_of(frame.header.kind));
      assembly.lent.push_back({static_cast<uint32_t>(frame.segments.size()), entry & ~kLent});
    }
    if (start != at) assembly.targets.push_back({padding_.data(), start - at});
    frame.segments.push_back(Buffer::make(recycler_, size));
    assembly.targets.push_back({frame.segments.back()->data(), size});
    at = start + size;
  }
  assembly.part = Part::kSegments;
  return {};
}

// The frame is whole.
std::string FrameReader::borrow_segments(Assembly& assembly) {
  for (const Assembly::Lent& lent : assembly.lent) {
    detail::Ref<Buffer>& segment = assembly.frame.segments[lent.segment];
    LentPlace place;
    std::string bad =
        decode_place(std::span<const std::byte, kLentBytes>(segment->data(), kLentBytes), &place);
    if (bad.empty()) segment = shared_->borrow(place, lent.bytes, recycler_, &bad);
    if (!bad.empty()) return bad;
  }
  assembly.lent.clear();
  return {};
}

// All targets of the assembly's part are full.
std::string FrameReader::next_part(Assembly& assembly, TimePoint now) {
  Frame& frame = assembly.frame;
  switch (assembly.part) {
    case Part::kHeader: {
      if (std::string bad = decode_header(assembly.header, max_payload_, &frame.header); !bad.empty())
        return bad;
      if (std::string bad = check_travel(frame.header, true); !bad.empty()) return bad;
      frame.received = now;
      const size_t front = frame.header.body_bytes + 8 * size_t{frame.header.segments};
      frame.body_buffer = Buffer::make(recycler_, front);
      assembly.targets.assign(1, {frame.body_buffer->data(), front});
      assembly.target = 0;
      assembly.part = Part::kFront;
      return {};
    }
    case Part::kFront: {
      const auto all = frame.body_buffer->bytes();
      frame.body = all.first(frame.header.body_bytes);
      if (frame.header.segments != 0) return begin_segments(assembly, all.subspan(frame.header.body_bytes));
      break;
    }
    default: break;
  }
  assembly.targets.clear();
  assembly.target = 0;
  assembly.part = Part::kWhole;
  return {};
}

// Puts what is in the buffer where it belongs, up to the end of the frame or chunk.
std::string FrameReader::fill(TimePoint now) {
  Assembly& assembly = *filling_;
  for (;;) {
    while (assembly.part != Part::kWhole && assembly.target == assembly.targets.size()) {
      if (std::string bad = next_part(assembly, now); !bad.empty()) return bad;
    }
    if (left_ == 0) break;
    if (assembly.part == Part::kWhole) {
      return fmt::format("a chunk frame has {} bytes beyond the end of its {} frame", left_,
                         name_of(assembly.frame.header.kind));
    }
    Target& target = assembly.targets[assembly.target];
    const size_t n = static_cast<size_t>(std::min<uint64_t>({end_ - begin_, target.left, left_}));
    if (n == 0) return {};
    std::memcpy(target.at, buffer_->data() + begin_, n);
    target.at += n;
    target.left -= n;
    begin_ += n;
    left_ -= n;
    if (target.left == 0) ++assembly.target;
  }
  if (&assembly != &large_ || last_chunk_ == (assembly.part == Part::kWhole)) return {};
  return fmt::format("a chunk frame {} the last of its {} frame, which is {}complete",
                     last_chunk_ ? "is" : "is not", name_of(assembly.frame.header.kind),
                     last_chunk_ ? "not " : "");
}

std::string FrameReader::begin_chunk() {
  const bool first = (header_.flags & kFirstChunk) != 0;
  if (first != (large_.part == Part::kNone)) {
    return first ? "a first chunk frame while another large frame is under way"
                 : "a chunk frame that is not the first, while no large frame is under way";
  }
  if (first) {
    large_.part = Part::kHeader;
    large_.targets.assign(1, {large_.header.data(), kHeaderBytes});
    large_.target = 0;
  }
  last_chunk_ = (header_.flags & kLastChunk) != 0;
  left_ = header_.body_bytes;
  filling_ = &large_;
  begin_ += kHeaderBytes;
  return {};
}

// The frame whose header is in header_: whole, when it lies in the buffer with all it has.
std::string FrameReader::begin_frame(Frame* whole, bool* is_whole) {
  const size_t table_bytes = 8 * size_t{header_.segments};
  const size_t front = kHeaderBytes + header_.body_bytes + table_bytes;
  small_.frame.header = header_;
  small_.frame.received = received_;
  if (front > buffer_bytes_) {
    small_.frame.body_buffer = Buffer::make(recycler_, front - kHeaderBytes);
    small_.targets.assign(1, {small_.frame.body_buffer->data(), front - kHeaderBytes});
    small_.target = 0;
    small_.part = Part::kFront;
    begin_ += kHeaderBytes;
  } else {
    const std::byte* start = buffer_->data() + begin_;
    // The body stays where it is: the frame shares the buffer, which make_room() then leaves alone.
    small_.frame.body = {start + kHeaderBytes, header_.body_bytes};
    small_.frame.body_buffer = buffer_;
    begin_ += front;
    if (table_bytes == 0) {
      *whole = std::exchange(small_.frame, Frame{});
      *is_whole = true;
      return {};
    }
    if (std::string bad = begin_segments(small_, {start + kHeaderBytes + header_.body_bytes, table_bytes});
        !bad.empty())
      return bad;
  }
  left_ = kHeaderBytes + header_.payload_bytes - (front > buffer_bytes_ ? kHeaderBytes : front);
  filling_ = &small_;
  return {};
}

FrameReader::Next FrameReader::next(Frame* frame, TimePoint now) {
  const auto malformed = [this](std::string& what) {
    error_ = std::move(what);
    return Next::kMalformed;
  };
  for (;;) {
    if (filling_) {
      if (std::string bad = fill(now); !bad.empty()) return malformed(bad);
      if (left_ != 0) return Next::kNeedMore;
      Assembly& filled = *std::exchange(filling_, nullptr);
      if (filled.part != Part::kWhole) continue;  // more chunks follow
      filled.part = Part::kNone;
      if (std::string bad = borrow_segments(filled); !bad.empty()) return malformed(bad);
      *frame = std::exchange(filled.frame, Frame{});
      return Next::kFrame;
    }
    const size_t have = end_ - begin_;
    if (have < kHeaderBytes) return Next::kNeedMore;
    if (!have_header_) {
      const std::byte* start = buffer_->data() + begin_;
      std::string bad = decode_header(std::span<const std::byte, kHeaderBytes>(start, kHeaderBytes),
                                      max_payload_, &header_);
      if (bad.empty()) bad = check_travel(header_, false);
      if (!bad.empty()) return malformed(bad);
      have_header_ = true;
      received_ = now;
    }
    const bool chunk = header_.kind == FrameKind::kChunk;
    const size_t front =
        chunk ? kHeaderBytes : kHeaderBytes + header_.body_bytes + 8 * size_t{header_.segments};
    // A front that fits into the buffer is awaited whole. A longer one gets memory of its own in begin_frame().
    if (front <= buffer_bytes_ && have < front) {
      wanted_ = front;
      return Next::kNeedMore;
    }
    wanted_ = 0;
    have_header_ = false;
    bool whole = false;
    std::string bad = chunk ? begin_chunk() : begin_frame(frame, &whole);
    if (!bad.empty()) return malformed(bad);
    if (whole) return Next::kFrame;
  }
}

}  // namespace tine::rpc
