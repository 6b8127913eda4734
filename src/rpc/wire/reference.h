// References on the wire: the id, the reference as it travels, and the five messages about references
// (docs/spec/rref.md). Reading throws ValueError that says what was wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "src/rpc/wire/body.h"

namespace tine::rpc {

struct RRefId {
  int32_t owner = -1;  // rank
  uint64_t owner_incarnation = 0;
  uint64_t creator_incarnation = 0;
  uint64_t number = 0;  // from the creator's counter
  friend bool operator==(const RRefId&, const RRefId&) = default;
  [[nodiscard]] std::string str() const;
};

// A reference that one worker passes to another.
struct PassedRRef {
  RRefId id;
  int32_t parent = -1;  // rank of the worker that passes it on
  uint64_t fork = 0;    // the parent's number for it, 0 when nothing has to be confirmed
  friend bool operator==(const PassedRRef&, const PassedRRef&) = default;
};

inline constexpr size_t kRRefIdBytes = 28;
inline constexpr size_t kPassedRRefBytes = 40;

// As a value in a body: ext 6.
void write_rref(BodyWriter& out, const PassedRRef& reference);
[[nodiscard]] PassedRRef parse_rref(std::span<const std::byte> ext);
// As an option of a request: bin.
void write_rref_id(BodyWriter& out, const RRefId& id);
[[nodiscard]] RRefId parse_rref_id(std::span<const std::byte> bytes);

// The bodies of FrameKind::kLease, kForkDone, kRelease, kOwnerLost and kTaken.
void write_lease(BodyWriter& out, const PassedRRef& reference);
[[nodiscard]] PassedRRef read_lease(std::span<const std::byte> body);
void write_fork_done(BodyWriter& out, uint64_t fork);
[[nodiscard]] uint64_t read_fork_done(std::span<const std::byte> body);
void write_release(BodyWriter& out, const RRefId& id);
[[nodiscard]] RRefId read_release(std::span<const std::byte> body);
void write_owner_lost(BodyWriter& out, uint64_t incarnation);
[[nodiscard]] uint64_t read_owner_lost(std::span<const std::byte> body);
void write_taken(BodyWriter& out, uint64_t fork);
[[nodiscard]] uint64_t read_taken(std::span<const std::byte> body);

}  // namespace tine::rpc
