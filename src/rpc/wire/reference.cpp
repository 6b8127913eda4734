#include "src/rpc/wire/reference.h"

#include <fmt/format.h>

#include <array>

#include "src/rpc/wire/value_codec.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr auto kExt = static_cast<int8_t>(ExtType::kRRef);

void put_id(const RRefId& id, std::byte* out) noexcept {
  put_le(out, static_cast<uint32_t>(id.owner));
  put_le(out + 4, id.owner_incarnation);
  put_le(out + 12, id.creator_incarnation);
  put_le(out + 20, id.number);
}

void expect_bytes(std::span<const std::byte> bytes, size_t expected, const char* what) {
  if (bytes.size() != expected)
    throw ValueError(fmt::format("{} of {} bytes, expected {}", what, bytes.size(), expected));
}

std::span<const std::byte> only_ext(std::span<const std::byte> body, const char* what) {
  BodyReader in(body);
  const BodyReader::Ext ext = in.ext();
  if (ext.type != kExt) throw ValueError(fmt::format("{} with an ext of type {}", what, ext.type));
  in.expect_end();
  return ext.bytes;
}

uint64_t only_number(std::span<const std::byte> body) {
  BodyReader in(body);
  const uint64_t number = in.uinteger();
  in.expect_end();
  return number;
}

}  // namespace

std::string RRefId::str() const { return fmt::format("{:08x}-{}", creator_incarnation & 0xffffffff, number); }

void write_rref(BodyWriter& out, const PassedRRef& reference) {
  std::byte* const at = out.ext(kExt, kPassedRRefBytes);
  put_id(reference.id, at);
  put_le(at + kRRefIdBytes, static_cast<uint32_t>(reference.parent));
  put_le(at + kRRefIdBytes + 4, reference.fork);
}

PassedRRef parse_rref(std::span<const std::byte> ext) {
  expect_bytes(ext, kPassedRRefBytes, "a reference");
  const std::byte* const behind = ext.data() + kRRefIdBytes;
  return {parse_rref_id(ext.first(kRRefIdBytes)), static_cast<int32_t>(get_le<uint32_t>(behind)),
          get_le<uint64_t>(behind + 4)};
}

void write_rref_id(BodyWriter& out, const RRefId& id) {
  std::array<std::byte, kRRefIdBytes> bytes;
  put_id(id, bytes.data());
  out.bin(bytes);
}

RRefId parse_rref_id(std::span<const std::byte> bytes) {
  expect_bytes(bytes, kRRefIdBytes, "a reference's id");
  const std::byte* const in = bytes.data();
  return {static_cast<int32_t>(get_le<uint32_t>(in)), get_le<uint64_t>(in + 4), get_le<uint64_t>(in + 12),
          get_le<uint64_t>(in + 20)};
}

void write_lease(BodyWriter& out, const PassedRRef& reference) { write_rref(out, reference); }

PassedRRef read_lease(std::span<const std::byte> body) { return parse_rref(only_ext(body, "a lease")); }

void write_fork_done(BodyWriter& out, uint64_t fork) { out.uinteger(fork); }

uint64_t read_fork_done(std::span<const std::byte> body) { return only_number(body); }

void write_release(BodyWriter& out, const RRefId& id) { put_id(id, out.ext(kExt, kRRefIdBytes)); }

RRefId read_release(std::span<const std::byte> body) { return parse_rref_id(only_ext(body, "a release")); }

void write_owner_lost(BodyWriter& out, uint64_t incarnation) { out.uinteger(incarnation); }

uint64_t read_owner_lost(std::span<const std::byte> body) { return only_number(body); }

void write_taken(BodyWriter& out, uint64_t fork) { out.uinteger(fork); }

uint64_t read_taken(std::span<const std::byte> body) { return only_number(body); }

}  // namespace tine::rpc
