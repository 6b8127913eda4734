#include "src/rpc/wire/handshake.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "src/rpc/wire/frame.h"

namespace tine::rpc {
namespace {

constexpr size_t kNameAt = 64;
constexpr size_t kMacAt = 32;

void put_head(std::byte* p, const RecordHead& head) noexcept {
  std::memcpy(p, kHandshakeMagic.data(), kHandshakeMagic.size());
  p[8] = static_cast<std::byte>(head.type);
  p[9] = static_cast<std::byte>(head.refusal);
  put_le<uint16_t>(p + 10, head.low_version);
  put_le<uint16_t>(p + 12, head.high_version);
  put_le<uint16_t>(p + 14, head.name_bytes);
}

bool all_zero(std::span<const std::byte> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

// A name goes into messages and logs: no control characters, and UTF-8 as it must be.
bool is_plain_text(std::string_view text) noexcept {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80                ? 1
                          : c >= 0xc2 && c < 0xe0 ? 2
                          : c >= 0xe0 && c < 0xf0 ? 3
                          : c >= 0xf0 && c < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || i + length > text.size() || c < 0x20 || c == 0x7f) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

size_t record_bytes(RecordType type) noexcept {
  switch (type) {
    case RecordType::kHello:
    case RecordType::kChallenge: return kHelloBytes;
    case RecordType::kProof:
    case RecordType::kAccept:
    case RecordType::kRefusal: return kProofBytes;
  }
  return 0;
}

std::string decode_head(std::span<const std::byte, kRecordHeadBytes> in, RecordHead* head) {
  const std::byte* p = in.data();
  if (std::memcmp(p, kHandshakeMagic.data(), kHandshakeMagic.size()) != 0) {
    constexpr std::byte kTlsHandshake{0x16}, kTlsMajor{3};
    if (p[0] == kTlsHandshake && p[1] == kTlsMajor) {
      return fmt::format("it speaks TLS, and this worker has no certificate: {}", kTlsForAllOrNone);
    }
    return "it does not speak tine's protocol (wrong magic)";
  }
  head->type = static_cast<RecordType>(p[8]);
  head->refusal = static_cast<RefusalCode>(p[9]);
  head->low_version = get_le<uint16_t>(p + 10);
  head->high_version = get_le<uint16_t>(p + 12);
  head->name_bytes = get_le<uint16_t>(p + 14);
  if (record_bytes(head->type) == 0)
    return fmt::format("its record has type {}, which does not exist", static_cast<int>(p[8]));
  const bool named = record_bytes(head->type) == kHelloBytes;
  if (named ? head->name_bytes < 1 || head->name_bytes > kMaxNameBytes : head->name_bytes != 0) {
    return fmt::format("its record of type {} has a name of {} bytes", static_cast<int>(p[8]),
                       head->name_bytes);
  }
  if ((head->refusal != RefusalCode::kNone) != (head->type == RecordType::kRefusal)) {
    return fmt::format("its record of type {} has refusal code {}", static_cast<int>(p[8]),
                       static_cast<int>(p[9]));
  }
  if (head->low_version > head->high_version) {
    return fmt::format("it speaks versions {} to {}, which is not a range", head->low_version,
                       head->high_version);
  }
  return {};
}

HelloRecord make_hello(const RecordHead& head, uint64_t incarnation, const Nonce& nonce,
                       std::string_view name, uint64_t features) noexcept {
  HelloRecord record{};
  RecordHead full = head;
  full.name_bytes = static_cast<uint16_t>(std::min(name.size(), kMaxNameBytes));
  put_head(record.data(), full);
  put_le<uint64_t>(record.data() + 16, incarnation);
  put_le<uint64_t>(record.data() + 24, features);
  std::memcpy(record.data() + 32, nonce.data(), nonce.size());
  std::memcpy(record.data() + kNameAt, name.data(), full.name_bytes);
  return record;
}

ProofRecord make_proof(RecordType type, uint16_t version, const Mac& mac) noexcept {
  ProofRecord record{};
  put_head(record.data(), {type, RefusalCode::kNone, version, version, 0});
  std::memcpy(record.data() + kMacAt, mac.data(), mac.size());
  return record;
}

ProofRecord make_refusal(RefusalCode code, uint16_t low_version, uint16_t high_version) noexcept {
  ProofRecord record{};
  put_head(record.data(), {RecordType::kRefusal, code, low_version, high_version, 0});
  return record;
}

std::string check_hello(const HelloRecord& record, const RecordHead& head) {
  if (incarnation_of(record) == 0) return "its incarnation is 0";
  // Feature bits we do not know may be offered; in a challenge there are none.
  if (head.type == RecordType::kChallenge && (features_of(record) & ~(kRawCalls | kRegisteredOnly)) != 0)
    return "it chose features we do not have";
  if (!all_zero(std::span(record).subspan(kNameAt + head.name_bytes)))
    return "its name is not filled up with zero bytes";
  if (!is_plain_text(name_of(record, head))) return "its name is not printable UTF-8";
  return {};
}

std::string check_proof(const ProofRecord& record, const RecordHead& head, uint16_t version) {
  if (head.low_version != version || head.high_version != version)
    return "its proof is for another wire version";
  if (!all_zero(std::span(record).subspan(kRecordHeadBytes, kMacAt - kRecordHeadBytes)))
    return "its proof's padding is not zero";
  return {};
}

uint64_t features_of(const HelloRecord& record) noexcept { return get_le<uint64_t>(record.data() + 24); }
uint64_t incarnation_of(const HelloRecord& record) noexcept { return get_le<uint64_t>(record.data() + 16); }

std::string_view name_of(const HelloRecord& record, const RecordHead& head) noexcept {
  return {reinterpret_cast<const char*>(record.data()) + kNameAt, head.name_bytes};
}

std::span<const std::byte, kMacBytes> mac_of(const ProofRecord& record) noexcept {
  return std::span(record).subspan<kMacAt, kMacBytes>();
}

}  // namespace tine::rpc
