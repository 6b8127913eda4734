#include "src/rpc/wire/frame.h"

#include <fmt/format.h>

#include <cstring>

namespace tine::rpc {
namespace {

constexpr std::array<std::byte, 4> kMagic{std::byte{'T'}, std::byte{'I'}, std::byte{'N'}, std::byte{'E'}};

bool must_be_empty(FrameKind kind) noexcept {
  return kind == FrameKind::kCancel || kind == FrameKind::kPing || kind == FrameKind::kPong ||
         kind == FrameKind::kForget || kind == FrameKind::kForgotten;
}

bool is_about_a_call(FrameKind kind) noexcept {
  return (kind >= FrameKind::kRequest && kind <= FrameKind::kCancel) ||
         (kind >= FrameKind::kRawRequest && kind <= FrameKind::kRawFailure);
}

std::string check_chunk(const FrameHeader& h) {
  if (h.call_id != 0 || h.remaining_us != kNoTimeLimit || h.segments != 0) {
    return fmt::format("a chunk frame has call id {}, {} us left and {} segments, expected none of them",
                       h.call_id, h.remaining_us, h.segments);
  }
  const uint64_t least = (h.flags & kFirstChunk) != 0 ? kHeaderBytes : 1;
  if (h.body_bytes < least || h.body_bytes > kChunkBytes) {
    return fmt::format("a chunk frame has {} bytes, expected {} to {}", h.body_bytes, least, kChunkBytes);
  }
  return {};
}

}  // namespace

bool is_known(FrameKind kind) noexcept {
  return (kind >= FrameKind::kRequest && kind <= FrameKind::kForgotten) ||
         (kind >= FrameKind::kLease && kind <= FrameKind::kTaken) ||
         (kind >= FrameKind::kIntroduction && kind <= FrameKind::kRawFailure);
}

std::string_view name_of(FrameKind kind) noexcept {
  switch (kind) {
    case FrameKind::kRequest: return "request";
    case FrameKind::kReply: return "reply";
    case FrameKind::kError: return "error";
    case FrameKind::kCancel: return "cancel";
    case FrameKind::kPing: return "ping";
    case FrameKind::kPong: return "pong";
    case FrameKind::kGoodbye: return "goodbye";
    case FrameKind::kChunk: return "chunk";
    case FrameKind::kForget: return "forget";
    case FrameKind::kForgotten: return "forgotten";
    case FrameKind::kLease: return "lease";
    case FrameKind::kForkDone: return "fork done";
    case FrameKind::kRelease: return "release";
    case FrameKind::kOwnerLost: return "owner lost";
    case FrameKind::kCodeKnown: return "code known";
    case FrameKind::kTaken: return "taken";
    case FrameKind::kIntroduction: return "introduction";
    case FrameKind::kRawRequest: return "raw request";
    case FrameKind::kRawReply: return "raw reply";
    case FrameKind::kRawFailure: return "raw failure";
  }
  return "unknown frame";
}

std::string_view words_for(GoodbyeReason reason) noexcept {
  switch (reason) {
    case GoodbyeReason::kDone: return "it was done";
    case GoodbyeReason::kShutdown: return "it is shutting down";
    case GoodbyeReason::kMalformed: return "it received something malformed";
    case GoodbyeReason::kSilent: return "it heard nothing for too long";
    case GoodbyeReason::kInternal: return "it had an internal error";
    case GoodbyeReason::kFailed: return "its program failed";
    case GoodbyeReason::kRefused: return "it refused this connection";
    case GoodbyeReason::kReplaced: return "a newer connection replaced this one";
  }
  return "of a reason unknown here";
}

uint64_t payload_bytes_for(uint64_t body_bytes, std::span<const uint64_t> entries) noexcept {
  uint64_t at = kHeaderBytes + body_bytes + 8 * entries.size();
  for (uint64_t entry : entries) at = aligned_segment(at) + bytes_in_frame(entry);
  return at - kHeaderBytes;
}

void encode_header(const FrameHeader& h, std::span<std::byte, kHeaderBytes> out) noexcept {
  std::byte* p = out.data();
  std::memcpy(p, kMagic.data(), kMagic.size());
  p[4] = static_cast<std::byte>(kWireVersion);
  p[5] = static_cast<std::byte>(h.kind);
  put_le<uint16_t>(p + 6, h.flags);
  put_le<uint64_t>(p + 8, h.call_id);
  put_le<uint64_t>(p + 16, h.remaining_us);
  put_le<uint32_t>(p + 24, h.body_bytes);
  put_le<uint32_t>(p + 28, h.segments);
  put_le<uint64_t>(p + 32, h.payload_bytes);
}

std::string decode_header(std::span<const std::byte, kHeaderBytes> in, uint64_t max_payload, FrameHeader* h) {
  const std::byte* p = in.data();
  if (std::memcmp(p, kMagic.data(), kMagic.size()) != 0) {
    return fmt::format("the frame's magic is {:#010x}, expected the bytes `TINE`", get_le<uint32_t>(p));
  }
  if (p[4] != static_cast<std::byte>(kWireVersion)) {
    return fmt::format("the frame's version is {}, expected {}", static_cast<int>(p[4]), kWireVersion);
  }
  h->kind = static_cast<FrameKind>(p[5]);
  h->flags = get_le<uint16_t>(p + 6);
  h->call_id = get_le<uint64_t>(p + 8);
  h->remaining_us = get_le<uint64_t>(p + 16);
  h->body_bytes = get_le<uint32_t>(p + 24);
  h->segments = get_le<uint32_t>(p + 28);
  h->payload_bytes = get_le<uint64_t>(p + 32);
  const std::string_view kind = name_of(h->kind);
  if (!is_known(h->kind))
    return fmt::format("the frame's kind is {}, which no frame has", static_cast<int>(p[5]));
  const bool chunk = h->kind == FrameKind::kChunk;
  const int flags = chunk ? kFirstChunk | kLastChunk : 0;
  if ((h->flags & ~flags) != 0) {
    return fmt::format("the {} frame's flags are {:#06x}, expected {}", kind, h->flags,
                       chunk ? "first (2) and last (1) only" : "0");
  }
  if (h->body_bytes > kMaxBodyBytes) {
    return fmt::format("the {} frame's body has {} bytes, at most {} are allowed", kind, h->body_bytes,
                       kMaxBodyBytes);
  }
  if (h->segments > kMaxSegments) {
    return fmt::format("the {} frame has {} segments, at most {} are allowed", kind, h->segments,
                       kMaxSegments);
  }
  if (h->payload_bytes > max_payload) {
    return fmt::format("the {} frame's payload has {} bytes, at most {} are accepted", kind, h->payload_bytes,
                       max_payload);
  }
  const uint64_t least = uint64_t{h->body_bytes} + 8 * uint64_t{h->segments};
  if (h->segments == 0 ? h->payload_bytes != least : h->payload_bytes <= least) {
    return fmt::format("the {} frame's payload length {} does not fit a body of {} bytes and {} segments",
                       kind, h->payload_bytes, h->body_bytes, h->segments);
  }
  if (must_be_empty(h->kind) && h->payload_bytes != 0) {
    return fmt::format("a {} frame has a payload of {} bytes, expected none", kind, h->payload_bytes);
  }
  if (h->kind == FrameKind::kGoodbye && h->segments != 0) {
    return fmt::format("a goodbye frame has {} segments, expected none", h->segments);
  }
  if (chunk) return check_chunk(*h);
  if (is_about_a_call(h->kind) && h->call_id == 0) {
    return fmt::format("a {} frame has call id 0, which no call has", kind);
  }
  return {};
}

std::string check_travel(const FrameHeader& h, bool in_chunks) {
  if (h.kind == FrameKind::kChunk) {
    return in_chunks ? "a chunk frame travels in chunks, which no frame of its kind does" : "";
  }
  if (in_chunks && h.kind == FrameKind::kGoodbye)
    return "a goodbye frame travels in chunks, which it must not";
  if (is_large(h.payload_bytes) == in_chunks) return {};
  return fmt::format(
      "the {} frame has {} bytes and travels {}: frames above {} bytes travel in chunks, no others do",
      name_of(h.kind), kHeaderBytes + h.payload_bytes, in_chunks ? "in chunks" : "as it is", kChunkBytes);
}

std::string check_segments(const FrameHeader& h, std::span<const uint64_t> entries, uint64_t max_payload) {
  uint64_t total = 0, lent = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const uint64_t bytes = entries[i] & ~kLent;
    if (bytes == 0 || bytes > kMaxSegmentBytes) {
      return fmt::format("segment {} of the {} frame has {} bytes, expected 1 to {}", i, name_of(h.kind),
                         bytes, kMaxSegmentBytes);
    }
    // Neither can overflow: 2^16 segments of at most 2^36 bytes.
    total += bytes_in_frame(entries[i]);
    if ((entries[i] & kLent) != 0) lent += bytes;
  }
  const uint64_t expected = payload_bytes_for(h.body_bytes, entries);
  if (expected != h.payload_bytes) {
    return fmt::format(
        "the {} frame's payload length is {}, but its body and {} segments of {} bytes in all make {}",
        name_of(h.kind), h.payload_bytes, entries.size(), total, expected);
  }
  // The receiver may have to copy it.
  if (lent > max_payload - h.payload_bytes) {
    return fmt::format(
        "the {} frame has a payload of {} bytes and {} bytes in shared memory, at most {} are accepted",
        name_of(h.kind), h.payload_bytes, lent, max_payload);
  }
  return {};
}

void encode_place(const LentPlace& place, std::span<std::byte, kLentBytes> out) noexcept {
  put_le<uint32_t>(out.data(), place.memory);
  put_le<uint32_t>(out.data() + 4, 0);
  put_le<uint64_t>(out.data() + 8, place.offset);
}

std::string decode_place(std::span<const std::byte, kLentBytes> in, LentPlace* place) {
  place->memory = get_le<uint32_t>(in.data());
  place->offset = get_le<uint64_t>(in.data() + 8);
  const auto zero = get_le<uint32_t>(in.data() + 4);
  if (zero == 0) return {};
  return fmt::format("the place of a lent segment has {:#x} where it has to have 0", zero);
}

}  // namespace tine::rpc
