#include "src/rpc/wire/body.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "tine/error.h"

namespace tine::rpc {
namespace {

// MessagePack is big-endian.
void put_be(std::byte* p, uint64_t v, size_t width) noexcept {
  for (size_t i = 0; i < width; ++i) p[i] = static_cast<std::byte>(v >> (8 * (width - 1 - i)));
}

constexpr std::byte b(unsigned v) { return static_cast<std::byte>(v); }

std::string_view words_for(BodyReader::Type type) noexcept {
  using Type = BodyReader::Type;
  switch (type) {
    case Type::kNil: return "nil";
    case Type::kBool: return "a bool";
    case Type::kInt: return "an int";
    case Type::kReal: return "a float";
    case Type::kStr: return "a str";
    case Type::kBin: return "bytes";
    case Type::kArray: return "an array";
    case Type::kMap: return "a map";
    case Type::kExt: return "an ext";
    case Type::kEnd: return "the end";
  }
  return "?";
}

}  // namespace

BodyWriter::BodyWriter(BodyWriter&& o) noexcept
    : used_(o.used_), capacity_(o.capacity_), heap_(std::move(o.heap_)), segments_(std::move(o.segments_)) {
  if (!heap_) std::memcpy(inline_.data(), o.inline_.data(), used_);
  o.clear();
}

BodyWriter& BodyWriter::operator=(BodyWriter&& o) noexcept {
  if (this == &o) return *this;
  used_ = o.used_;
  capacity_ = o.capacity_;
  heap_ = std::move(o.heap_);
  segments_ = std::move(o.segments_);
  if (!heap_) std::memcpy(inline_.data(), o.inline_.data(), used_);
  o.clear();
  return *this;
}

void BodyWriter::clear() noexcept {
  used_ = kHeaderBytes;
  capacity_ = kInline;
  heap_.reset();
  segments_.clear();
}

void BodyWriter::make_room(size_t bytes) {
  if (bytes > kMaxBodyBytes + 8 * kMaxSegments ||
      used_ + bytes > kHeaderBytes + kMaxBodyBytes + 8 * kMaxSegments) {
    throw ValueError(fmt::format(
        "a message's body would have {} bytes, at most {} fit; send large data as tensors or bytes",
        used_ - kHeaderBytes + bytes, kMaxBodyBytes));
  }
  const size_t capacity = std::max(capacity_ * 2, used_ + bytes);
  std::unique_ptr<std::byte[]> heap(new std::byte[capacity]);
  std::memcpy(heap.get(), begin(), used_);
  heap_ = std::move(heap);
  capacity_ = capacity;
}

void BodyWriter::tagged(uint8_t tag, uint64_t value, size_t width) {
  std::byte* p = grow(1 + width);
  p[0] = b(tag);
  put_be(p + 1, value, width);
}

void BodyWriter::nil() { *grow(1) = b(0xc0); }
void BodyWriter::boolean(bool v) { *grow(1) = b(v ? 0xc3 : 0xc2); }

void BodyWriter::integer(int64_t v) {
  if (v >= 0) return uinteger(static_cast<uint64_t>(v));
  if (v >= -32) {
    *grow(1) = static_cast<std::byte>(v);
  } else if (v >= INT8_MIN) {
    tagged(0xd0, static_cast<uint64_t>(v), 1);
  } else if (v >= INT16_MIN) {
    tagged(0xd1, static_cast<uint64_t>(v), 2);
  } else if (v >= INT32_MIN) {
    tagged(0xd2, static_cast<uint64_t>(v), 4);
  } else {
    tagged(0xd3, static_cast<uint64_t>(v), 8);
  }
}

void BodyWriter::uinteger(uint64_t v) {
  if (v < 128) {
    *grow(1) = static_cast<std::byte>(v);
  } else if (v <= UINT8_MAX) {
    tagged(0xcc, v, 1);
  } else if (v <= UINT16_MAX) {
    tagged(0xcd, v, 2);
  } else if (v <= UINT32_MAX) {
    tagged(0xce, v, 4);
  } else {
    tagged(0xcf, v, 8);
  }
}

void BodyWriter::real(double v) { tagged(0xcb, std::bit_cast<uint64_t>(v), 8); }

void BodyWriter::str(std::string_view v) {
  if (v.size() < 32) {
    *grow(1) = b(0xa0 | static_cast<unsigned>(v.size()));
  } else if (v.size() <= UINT8_MAX) {
    tagged(0xd9, v.size(), 1);
  } else if (v.size() <= UINT16_MAX) {
    tagged(0xda, v.size(), 2);
  } else {
    tagged(0xdb, v.size(), 4);
  }
  if (!v.empty()) std::memcpy(grow(v.size()), v.data(), v.size());
}

void BodyWriter::bin(std::span<const std::byte> v) {
  if (v.size() <= UINT8_MAX) {
    tagged(0xc4, v.size(), 1);
  } else if (v.size() <= UINT16_MAX) {
    tagged(0xc5, v.size(), 2);
  } else {
    tagged(0xc6, v.size(), 4);
  }
  if (!v.empty()) std::memcpy(grow(v.size()), v.data(), v.size());
}

void BodyWriter::array(size_t count) {
  if (count < 16) {
    *grow(1) = b(0x90 | static_cast<unsigned>(count));
  } else if (count <= UINT16_MAX) {
    tagged(0xdc, count, 2);
  } else {
    tagged(0xdd, count, 4);
  }
}

void BodyWriter::map(size_t count) {
  if (count < 16) {
    *grow(1) = b(0x80 | static_cast<unsigned>(count));
  } else if (count <= UINT16_MAX) {
    tagged(0xde, count, 2);
  } else {
    tagged(0xdf, count, 4);
  }
}

std::byte* BodyWriter::ext(int8_t type, size_t bytes) {
  switch (bytes) {
    case 1: *grow(1) = b(0xd4); break;
    case 2: *grow(1) = b(0xd5); break;
    case 4: *grow(1) = b(0xd6); break;
    case 8: *grow(1) = b(0xd7); break;
    case 16: *grow(1) = b(0xd8); break;
    default:
      if (bytes <= UINT8_MAX) {
        tagged(0xc7, bytes, 1);
      } else if (bytes <= UINT16_MAX) {
        tagged(0xc8, bytes, 2);
      } else {
        tagged(0xc9, bytes, 4);
      }
  }
  *grow(1) = static_cast<std::byte>(type);
  return grow(bytes);
}

void BodyWriter::ext(int8_t type, std::span<const std::byte> v) {
  std::byte* p = ext(type, v.size());
  if (!v.empty()) std::memcpy(p, v.data(), v.size());
}

void BodyWriter::lend(size_t number, const LentPlace& place) {
  struct Lent final : detail::RefCounted {
    std::array<std::byte, kLentBytes> place;
    detail::Ref<detail::RefCounted> owner;
  };
  Segment& segment = segments_[number];
  auto lent = detail::make_ref<Lent>();
  encode_place(place, lent->place);
  lent->owner = std::move(segment.owner);
  segment.lent = segment.bytes.size();
  segment.bytes = lent->place;
  segment.copied = false;
  segment.owner = std::move(lent);
}

uint32_t BodyWriter::segment(Segment segment) {
  if (segment.bytes.empty()) throw ValueError("a segment has no bytes: write empty data inline");
  if (segment.bytes.size() > kMaxSegmentBytes) {
    throw ValueError(fmt::format("a segment has {} bytes, at most {} fit in one message",
                                 segment.bytes.size(), kMaxSegmentBytes));
  }
  if (segments_.size() == kMaxSegments) {
    throw ValueError(
        fmt::format("a message carries more than {} large tensors, texts or pickles: send fewer at a time",
                    kMaxSegments));
  }
  segments_.push_back(std::move(segment));
  return static_cast<uint32_t>(segments_.size() - 1);
}

void BodyReader::fail(std::string_view expected) const {
  if (at_ >= body_.size()) {
    throw ValueError(fmt::format("the message's body ends at byte {}, expected {}", body_.size(), expected));
  }
  throw ValueError(
      fmt::format("the message's body has {} at byte {}, expected {}", words_for(peek()), at_, expected));
}

uint8_t BodyReader::tag() const {
  // 0xc1 is the one byte with which MessagePack begins nothing.
  return at_ < body_.size() ? std::to_integer<uint8_t>(body_[at_]) : uint8_t{0xc1};
}

BodyReader::Type BodyReader::peek() const {
  if (at_ >= body_.size()) return Type::kEnd;
  const uint8_t t = tag();
  if (t < 0x80 || t >= 0xe0) return Type::kInt;
  if (t < 0x90) return Type::kMap;
  if (t < 0xa0) return Type::kArray;
  if (t < 0xc0) return Type::kStr;
  switch (t) {
    case 0xc0: return Type::kNil;
    case 0xc2:
    case 0xc3: return Type::kBool;
    case 0xc4:
    case 0xc5:
    case 0xc6: return Type::kBin;
    case 0xca:
    case 0xcb: return Type::kReal;
    case 0xd9:
    case 0xda:
    case 0xdb: return Type::kStr;
    case 0xdc:
    case 0xdd: return Type::kArray;
    case 0xde:
    case 0xdf: return Type::kMap;
    case 0xc1:
      throw ValueError(
          fmt::format("the message's body has byte 0xc1 at offset {}, which starts nothing", at_));
    default: break;
  }
  return (t >= 0xcc && t <= 0xd3) ? Type::kInt : Type::kExt;
}

uint64_t BodyReader::take(size_t width) {
  if (body_.size() - at_ < width) {
    throw ValueError(
        fmt::format("the message's body ends at byte {}, in the middle of a number", body_.size()));
  }
  uint64_t v = 0;
  for (size_t i = 0; i < width; ++i) v = v << 8 | std::to_integer<uint64_t>(body_[at_ + i]);
  at_ += width;
  return v;
}

std::span<const std::byte> BodyReader::take_bytes(size_t count, std::string_view what) {
  if (body_.size() - at_ < count) {
    throw ValueError(
        fmt::format("the message's body has {} bytes left at byte {}, but {} of {} bytes starts there",
                    body_.size() - at_, at_, what, count));
  }
  auto bytes = body_.subspan(at_, count);
  at_ += count;
  return bytes;
}

void BodyReader::nil() {
  if (tag() != 0xc0 || at_ >= body_.size()) fail("nil");
  ++at_;
}

bool BodyReader::boolean() {
  if (peek() != Type::kBool) fail("a bool");
  return body_[at_++] == b(0xc3);
}

int64_t BodyReader::integer() {
  if (peek() != Type::kInt) fail("an int");
  const size_t start = at_;
  const uint8_t t = static_cast<uint8_t>(take(1));
  if (t < 0x80) return t;
  if (t >= 0xe0) return static_cast<int8_t>(t);
  switch (t) {
    case 0xd0: return static_cast<int8_t>(take(1));
    case 0xd1: return static_cast<int16_t>(take(2));
    case 0xd2: return static_cast<int32_t>(take(4));
    case 0xd3: return static_cast<int64_t>(take(8));
    default: break;
  }
  // 0xcc to 0xcf: 1, 2, 4 or 8 bytes.
  const uint64_t v = take(size_t{1} << (t - 0xcc));
  if (v > static_cast<uint64_t>(INT64_MAX)) {
    at_ = start;
    throw ValueError(fmt::format(
        "the message's body has the int {} at byte {}, which does not fit in 64 bits signed", v, start));
  }
  return static_cast<int64_t>(v);
}

uint64_t BodyReader::uinteger() {
  if (peek() != Type::kInt) fail("an int of at least 0");
  const uint8_t t = tag();
  if (t >= 0xcc && t <= 0xcf) {
    ++at_;
    return take(size_t{1} << (t - 0xcc));
  }
  const size_t start = at_;
  const int64_t v = integer();
  if (v < 0) {
    throw ValueError(
        fmt::format("the message's body has the int {} at byte {}, expected at least 0", v, start));
  }
  return static_cast<uint64_t>(v);
}

double BodyReader::real() {
  const Type type = peek();
  if (type == Type::kInt) return static_cast<double>(integer());
  if (type != Type::kReal) fail("a float");
  const uint8_t t = static_cast<uint8_t>(take(1));
  if (t == 0xca) return std::bit_cast<float>(static_cast<uint32_t>(take(4)));
  return std::bit_cast<double>(take(8));
}

std::string_view BodyReader::str() {
  if (peek() != Type::kStr) fail("a str");
  const uint8_t t = static_cast<uint8_t>(take(1));
  const size_t count = t < 0xc0 ? (t & 0x1f) : take(size_t{1} << (t - 0xd9));
  auto bytes = take_bytes(count, "a str");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> BodyReader::bin() {
  if (peek() != Type::kBin) fail("bytes");
  const uint8_t t = static_cast<uint8_t>(take(1));
  return take_bytes(take(size_t{1} << (t - 0xc4)), "a byte string");
}

// Each object takes a byte at least, so a count above what is left is a lie that must not be believed:
// whoever reads reserves memory by it.
size_t BodyReader::array_count() {
  if (peek() != Type::kArray) fail("an array");
  const size_t start = at_;
  const uint8_t t = static_cast<uint8_t>(take(1));
  const size_t count = t < 0xa0 ? (t & 0x0f) : take(t == 0xdc ? 2 : 4);
  if (count > body_.size() - at_) {
    throw ValueError(fmt::format("the array at byte {} claims {} elements, but {} bytes are left", start,
                                 count, body_.size() - at_));
  }
  return count;
}

size_t BodyReader::map_count() {
  if (peek() != Type::kMap) fail("a map");
  const size_t start = at_;
  const uint8_t t = static_cast<uint8_t>(take(1));
  const size_t count = t < 0x90 ? (t & 0x0f) : take(t == 0xde ? 2 : 4);
  if (count > (body_.size() - at_) / 2) {
    throw ValueError(fmt::format("the map at byte {} claims {} pairs, but {} bytes are left", start, count,
                                 body_.size() - at_));
  }
  return count;
}

size_t BodyReader::array() {
  const size_t count = array_count();
  charge(kElementBytes * count);
  return count;
}

size_t BodyReader::map() {
  const size_t count = map_count();
  charge(kPairBytes * count);
  return count;
}

void BodyReader::throw_too_much() const {
  throw ValueError(
      fmt::format("the message's body of {} bytes makes values of more than {} bytes, at byte {}: send large "
                  "data as tensors",
                  body_.size(), kFreeBytes + kBytesForByte * body_.size(), at_));
}

BodyReader::Ext BodyReader::ext() {
  if (peek() != Type::kExt) fail("an ext");
  const uint8_t t = static_cast<uint8_t>(take(1));
  const size_t count = t >= 0xd4 ? size_t{1} << (t - 0xd4) : take(size_t{1} << (t - 0xc7));
  const auto type = static_cast<int8_t>(take(1));
  return {type, take_bytes(count, "an ext")};
}

// A loop and not a recursion: what is skipped may be nested as deep as it is long.
void BodyReader::skip() {
  for (uint64_t left = 1; left > 0; --left) {
    switch (peek()) {
      case Type::kNil: nil(); break;
      case Type::kBool: boolean(); break;
      case Type::kInt:
        if (tag() == 0xcf) {
          uinteger();
        } else {
          integer();
        }
        break;
      case Type::kReal: real(); break;
      case Type::kStr: str(); break;
      case Type::kBin: bin(); break;
      case Type::kArray: left += array_count(); break;
      case Type::kMap: left += 2 * map_count(); break;
      case Type::kExt: ext(); break;
      case Type::kEnd: fail("an object");
    }
  }
}

void BodyReader::expect_end() const {
  if (!at_end()) fail("the end");
}

}  // namespace tine::rpc
