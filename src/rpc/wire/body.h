// BodyWriter, BodyReader: a frame's body in MessagePack, written and read in one pass and in place (docs/spec/wire.md,
// section 3).
//
// Objects are read in the order in which they were written, by one thread at a time. A writer owns its bytes and the segments
// that it was given, each with an owner that keeps the memory alive until it has been sent. It throws ValueError where a limit of
// the wire is exceeded, and allocates nothing for a body of up to 472 bytes. A reader borrows the body and allocates nothing; str()
// and bin() are views into it. It throws ValueError that names the byte offset, what was expected and what was there, also
// when what it reads would take far more memory than the body has bytes (charge()). After that it must not be used.
// docs/spec/wire.md, section 3; the MessagePack specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "src/rpc/wire/frame.h"
#include "tine/detail/ref.h"

namespace tine::rpc {

// Memory that travels behind the body as it is, without a copy.
struct Segment {
  std::span<const std::byte> bytes;
  detail::Ref<detail::RefCounted> owner;  // keeps `bytes` alive and unchanged
  // Made for being sent (a pickle, a compacted tensor) and nobody's but the frame's: counts as memory that waits.
  bool copied = false;
  uint64_t lent = 0;  // not 0: so many bytes in shared memory, and `bytes` are a LentPlace
};

class BodyWriter {
 public:
  BodyWriter() noexcept = default;
  BodyWriter(BodyWriter&& other) noexcept;
  BodyWriter& operator=(BodyWriter&& other) noexcept;

  void nil();
  void boolean(bool v);
  void integer(int64_t v);
  void uinteger(uint64_t v);
  void real(double v);
  void str(std::string_view v);
  void bin(std::span<const std::byte> v);
  void array(size_t count);  // followed by `count` objects
  void map(size_t count);    // followed by `count` keys and values, alternating
  void ext(int8_t type, std::span<const std::byte> v);
  // An ext whose `bytes` bytes the caller fills in; valid until the next call.
  [[nodiscard]] std::byte* ext(int8_t type, size_t bytes);
  // Bytes as they are, which the caller fills in, for a body that is not MessagePack; valid until the next call.
  [[nodiscard]] std::byte* raw(size_t bytes) { return grow(bytes); }
  // Adds a segment and returns its number. Empty ones are refused: write those inline.
  uint32_t segment(Segment segment);

  [[nodiscard]] std::span<const std::byte> body() const noexcept {
    return {begin() + kHeaderBytes, used_ - kHeaderBytes};
  }
  // The same with the 40 bytes before it, which are the frame's header once it is written there.
  [[nodiscard]] std::span<std::byte> with_header() noexcept { return {begin(), used_}; }
  [[nodiscard]] std::span<const std::byte> with_header() const noexcept { return {begin(), used_}; }
  [[nodiscard]] std::span<const Segment> segments() const noexcept { return segments_; }
  // Puts the place where it lies in the place of a segment's bytes; its owner stays with it.
  void lend(size_t segment, const LentPlace& place);
  void clear() noexcept;

 private:
  static constexpr size_t kInline = 512;
  [[nodiscard]] std::byte* begin() noexcept { return heap_ ? heap_.get() : inline_.data(); }
  [[nodiscard]] const std::byte* begin() const noexcept { return heap_ ? heap_.get() : inline_.data(); }
  // Where the next `bytes` go.
  std::byte* grow(size_t bytes) {
    if (bytes > capacity_ - used_) [[unlikely]]
      make_room(bytes);
    std::byte* const at = begin() + used_;
    used_ += bytes;
    return at;
  }
  void make_room(size_t bytes);
  void tagged(uint8_t tag, uint64_t value, size_t width);

  // The header's place comes first, so that header and body leave in one piece.
  size_t used_ = kHeaderBytes;
  size_t capacity_ = kInline;
  std::unique_ptr<std::byte[]> heap_;
  std::vector<Segment> segments_;
  std::array<std::byte, kInline> inline_;
};

class BodyReader {
 public:
  enum class Type : uint8_t { kNil, kBool, kInt, kReal, kStr, kBin, kArray, kMap, kExt, kEnd };
  struct Ext {
    int8_t type;
    std::span<const std::byte> bytes;
  };

  // What the values of a body may take in memory: an empty list is one byte there and a hundred here.
  static constexpr size_t kFreeBytes = size_t{64} << 20;
  static constexpr size_t kBytesForByte = 32;
  static constexpr size_t kElementBytes = 16;  // of an array
  static constexpr size_t kPairBytes = 48;     // of a map

  explicit BodyReader(std::span<const std::byte> body) noexcept
      : body_(body), budget_(kFreeBytes + kBytesForByte * body.size()) {}

  [[nodiscard]] Type peek() const;  // kEnd after the last object
  [[nodiscard]] bool at_end() const noexcept { return at_ == body_.size(); }
  [[nodiscard]] size_t offset() const noexcept { return at_; }
  void nil();
  bool boolean();
  int64_t integer();
  uint64_t uinteger();
  double real();  // also takes an int
  std::string_view str();
  std::span<const std::byte> bin();
  // How many objects follow: never more than bytes are left, and charged for, so that room may be made for all.
  size_t array();
  size_t map();
  // Takes what the caller is about to allocate for a value from the budget of the body.
  void charge(size_t bytes) {
    if (bytes > budget_) [[unlikely]]
      throw_too_much();
    budget_ -= bytes;
  }
  Ext ext();
  void skip();  // one object with all that is in it
  void expect_end() const;
  [[noreturn]] void fail(std::string_view expected) const;

 private:
  [[nodiscard]] uint8_t tag() const;
  uint64_t take(size_t width);
  std::span<const std::byte> take_bytes(size_t count, std::string_view what);
  size_t array_count();
  size_t map_count();
  [[noreturn]] void throw_too_much() const;

  std::span<const std::byte> body_;
  size_t at_ = 0;
  size_t budget_;
};

}  // namespace tine::rpc
