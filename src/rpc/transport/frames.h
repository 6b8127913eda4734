// OutFrame: a frame on its way out. Frame: one that came in. Both show their bytes as spans, so any transport can move them.
//
// On the wire a frame is its head (header, body and segment table in one piece) and then each segment, padded to the next
// multiple of kSegmentAlign (docs/spec/wire.md, section 2).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/rpc/transport/buffer.h"
#include "src/rpc/wire/body.h"
#include "src/rpc/wire/frame.h"
#include "tine/executor.h"

namespace tine::rpc {

// Fill `body` and its segments, then hand the frame to Connection::send().
class OutFrame {
 public:
  explicit OutFrame(FrameKind kind, uint64_t call_id = 0, uint64_t remaining_us = kNoTimeLimit) noexcept
      : kind(kind), call_id(call_id), remaining_us(remaining_us) {}
  FrameKind kind;
  uint16_t flags = 0;
  uint64_t call_id;
  uint64_t remaining_us;
  BodyWriter body;

  // Kept until the frame's last byte has been written or the frame is dropped.
  void keep(detail::Ref<detail::RefCounted> what) { kept_.push_back(std::move(what)); }
  // A large frame travels in chunks, and small frames that are sent later may overtake it.
  [[nodiscard]] bool is_large() const noexcept { return wire_bytes() > kChunkBytes; }

  // Writes the header and the segment table, once. Returns what is over a limit; empty when nothing is. Throws
  // std::bad_alloc.
  [[nodiscard]] std::string seal();
  [[nodiscard]] uint64_t wire_bytes() const noexcept;  // the header and all that follows it
  // The memory of ours that waits while the frame is queued: the body, and segments that are copies.
  [[nodiscard]] size_t copied_bytes() const noexcept;
  // After seal(): header, body and table in one piece.
  [[nodiscard]] std::span<const std::byte> head() const noexcept { return body.with_header(); }
  [[nodiscard]] std::span<const Segment> segments() const noexcept { return body.segments(); }
  // The frame holds nothing but its body.
  [[nodiscard]] bool is_plain() const noexcept { return body.segments().empty() && kept_.empty(); }

 private:
  uint64_t sealed_bytes_ = 0;  // 0: not sealed yet
  std::vector<detail::Ref<detail::RefCounted>> kept_;
};

// `body` lies in `body_buffer`, or in memory of the reader that is good until on_frame returns. Movable.
struct Frame {
  FrameHeader header;
  TimePoint received;  // when its header was read
  std::span<const std::byte> body;
  std::vector<detail::Ref<Buffer>> segments;

  // When the call's time is over; kNoDeadline when it has none.
  [[nodiscard]] TimePoint deadline() const noexcept;

  detail::Ref<Buffer> body_buffer;
};

}  // namespace tine::rpc
