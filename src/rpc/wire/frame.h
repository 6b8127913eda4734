// FrameHeader: the 40 bytes before each frame; the kinds of frames, the limits, and what is wrong with a malformed header.
//
// decode_header returns a text that names the field and its value; it never throws. docs/spec/wire.md, section 2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tine::rpc {

inline constexpr uint16_t kWireVersion = 2;
inline constexpr size_t kHeaderBytes = 40;
inline constexpr size_t kSegmentAlign = 64;
inline constexpr uint64_t kNoTimeLimit = ~uint64_t{0};

// A frame with more bytes than this, header included, is large: it travels in chunks of at most so many bytes.
inline constexpr uint64_t kChunkBytes = uint64_t{256} << 10;
inline constexpr uint64_t kMaxBodyBytes = uint64_t{64} << 20;
inline constexpr uint32_t kMaxSegments = 65'536;
inline constexpr uint64_t kMaxSegmentBytes = uint64_t{64} << 30;
inline constexpr uint64_t kDefaultMaxPayload = uint64_t{16} << 30;

enum class FrameKind : uint8_t {
  kRequest = 1,
  kReply = 2,
  kError = 3,
  kCancel = 4,
  kPing = 5,
  kPong = 6,
  kGoodbye = 7,
  kChunk = 8,
  // Of memory that was lent, whose number is the call id.
  kForget = 9,
  kForgotten = 10,
  // Messages about references: docs/spec/rref.md.
  kLease = 16,
  kForkDone = 17,
  kRelease = 18,
  kOwnerLost = 19,
  // The sender has stored that script code.
  kCodeKnown = 20,
  // About a reference again.
  kTaken = 21,
  // Raw calls.
  kIntroduction = 24,
  kRawRequest = 25,
  kRawReply = 26,
  kRawFailure = 27,
};
[[nodiscard]] bool is_known(FrameKind kind) noexcept;
// Of a call, which a cancel may follow.
[[nodiscard]] constexpr bool is_request(FrameKind kind) noexcept {
  return kind == FrameKind::kRequest || kind == FrameKind::kRawRequest;
}
[[nodiscard]] std::string_view name_of(FrameKind kind) noexcept;  // "request", ..., "raw failure"

// Flags of a chunk; all other frames have none.
inline constexpr uint16_t kLastChunk = 1;
inline constexpr uint16_t kFirstChunk = 2;

// In an entry of the segment table: the segment lies in memory that both sides share, and kLentBytes in the frame say where
// (docs/spec/shm.md, "Memory that is lent").
inline constexpr uint64_t kLent = uint64_t{1} << 63;
inline constexpr size_t kLentBytes = 16;
struct LentPlace {
  uint32_t memory = 0;
  uint64_t offset = 0;
};
// What a segment with that entry takes in its frame.
[[nodiscard]] constexpr uint64_t bytes_in_frame(uint64_t entry) noexcept {
  return (entry & kLent) != 0 ? kLentBytes : entry;
}

enum class GoodbyeReason : uint8_t {
  kDone = 0,
  kShutdown = 1,
  kMalformed = 2,
  kSilent = 3,
  kInternal = 4,
  kReplaced = 5,
  kFailed = 6,   // the text says by what
  kRefused = 7,  // the text says why
};
[[nodiscard]] std::string_view words_for(GoodbyeReason reason) noexcept;

struct FrameHeader {
  FrameKind kind = FrameKind::kRequest;
  uint16_t flags = 0;
  uint64_t call_id = 0;
  uint64_t remaining_us = kNoTimeLimit;
  uint32_t body_bytes = 0;
  uint32_t segments = 0;
  uint64_t payload_bytes = 0;
};

[[nodiscard]] constexpr uint64_t aligned_segment(uint64_t offset) noexcept {
  return (offset + (kSegmentAlign - 1)) & ~uint64_t{kSegmentAlign - 1};
}
[[nodiscard]] constexpr bool is_large(uint64_t payload_bytes) noexcept {
  return payload_bytes > kChunkBytes - kHeaderBytes;
}
// The payload length that belongs to this body and these entries of the segment table.
[[nodiscard]] uint64_t payload_bytes_for(uint64_t body_bytes, std::span<const uint64_t> entries) noexcept;

void encode_header(const FrameHeader& header, std::span<std::byte, kHeaderBytes> out) noexcept;
// Empty when the header is well-formed and within the limits, else what is wrong with it.
[[nodiscard]] std::string decode_header(std::span<const std::byte, kHeaderBytes> in, uint64_t max_payload,
                                        FrameHeader* header);
// Empty when a frame with this header may travel that way: as it is, or in chunks.
[[nodiscard]] std::string check_travel(const FrameHeader& header, bool in_chunks);
// Empty when the segment table fits the header and what is lent the limit, else what is wrong.
[[nodiscard]] std::string check_segments(const FrameHeader& header, std::span<const uint64_t> entries,
                                         uint64_t max_payload);

void encode_place(const LentPlace& place, std::span<std::byte, kLentBytes> out) noexcept;
// Empty when it is well-formed.
[[nodiscard]] std::string decode_place(std::span<const std::byte, kLentBytes> in, LentPlace* place);

// Little-endian integers at any address.
template <class T>
inline void put_le(std::byte* p, T v) noexcept {
  for (size_t i = 0; i < sizeof(T); ++i) p[i] = static_cast<std::byte>(static_cast<uint64_t>(v) >> (8 * i));
}
template <class T>
[[nodiscard]] inline T get_le(const std::byte* p) noexcept {
  uint64_t v = 0;
  for (size_t i = 0; i < sizeof(T); ++i) v |= static_cast<uint64_t>(p[i]) << (8 * i);
  return static_cast<T>(v);
}

}  // namespace tine::rpc
