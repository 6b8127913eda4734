#include "src/rpc/transport/frames.h"

#include <fmt/format.h>

#include <chrono>

namespace tine::rpc {

uint64_t OutFrame::wire_bytes() const noexcept {
  if (sealed_bytes_ != 0) return sealed_bytes_;
  uint64_t at = body.with_header().size() + 8 * segments().size();
  for (const Segment& segment : segments()) at = aligned_segment(at) + segment.bytes.size();
  return at;
}

size_t OutFrame::copied_bytes() const noexcept {
  size_t bytes = body.with_header().size();
  for (const Segment& segment : segments()) {
    if (segment.copied) bytes += segment.bytes.size();
  }
  return bytes;
}

std::string OutFrame::seal() {
  const size_t body_bytes = body.body().size();
  if (body_bytes > kMaxBodyBytes) {
    return fmt::format("a message's body has {} bytes, at most {} fit; send large data as tensors or bytes",
                       body_bytes, kMaxBodyBytes);
  }
  const uint64_t bytes = wire_bytes();
  uint64_t carried = bytes - kHeaderBytes;
  for (const Segment& segment : segments()) carried += segment.lent;
  // The other side would take it for garbage.
  if (carried > kDefaultMaxPayload) {
    return fmt::format("a message has {} bytes with all that it carries, at most {} fit: send it in parts",
                       carried, kDefaultMaxPayload);
  }
  FrameHeader header;
  header.kind = kind;
  header.flags = flags;
  header.call_id = call_id;
  header.remaining_us = remaining_us;
  header.body_bytes = static_cast<uint32_t>(body_bytes);
  header.segments = static_cast<uint32_t>(segments().size());
  header.payload_bytes = bytes - kHeaderBytes;
  if (!segments().empty()) {
    std::byte* table = body.raw(8 * segments().size());
    for (const Segment& segment : segments()) {
      put_le<uint64_t>(table, segment.lent != 0 ? segment.lent | kLent : segment.bytes.size());
      table += 8;
    }
  }
  encode_header(header, body.with_header().first<kHeaderBytes>());
  sealed_bytes_ = bytes;
  return {};
}

TimePoint Frame::deadline() const noexcept {
  if (header.remaining_us == kNoTimeLimit) return kNoDeadline;
  const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(kNoDeadline - received).count();
  if (header.remaining_us >= static_cast<uint64_t>(longest)) return kNoDeadline;
  return received + std::chrono::microseconds(header.remaining_us);
}

}  // namespace tine::rpc
