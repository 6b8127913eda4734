// HandshakeRecord: the records of fixed size that two processes exchange before the first frame.
//
// check() returns what is wrong with one, or an empty text. Nothing here throws, or allocates by a length that the peer names.
// docs/spec/wire.md, section 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tine::rpc {

inline constexpr std::string_view kHandshakeMagic = "TINE-RPC";
inline constexpr size_t kRecordHeadBytes = 16;
inline constexpr size_t kHelloBytes = 192;
inline constexpr size_t kProofBytes = 64;
inline constexpr size_t kMaxNameBytes = 128;
inline constexpr size_t kNonceBytes = 32;
inline constexpr size_t kMacBytes = 32;

enum class RecordType : uint8_t { kHello = 1, kChallenge = 2, kProof = 3, kAccept = 4, kRefusal = 5 };

enum class RefusalCode : uint8_t {
  kNone = 0,
  kWrongSecret = 1,
  kNoCommonVersion = 2,
  kMalformed = 3,
  kBusy = 4,
  kTooSlow = 5,
  kClosing = 7,
  kOtherKind = 8,
  kNeedsTls = 9,
  kWrongCertificate = 10,
};

// For messages: one side encrypts and the other one cannot.
inline constexpr std::string_view kTlsForAllOrNone =
    "set TINE_TLS_CERT, TINE_TLS_KEY and TINE_TLS_CA (or the option tls) for every worker, or for none";

// Features a side offers.
inline constexpr uint64_t kRawCalls = 1;  // its frames are those of raw calls, and not those of an agent
inline constexpr uint64_t kRegisteredOnly =
    2;  // of each side for itself: it runs registered functions alone for others

struct RecordHead {
  RecordType type = RecordType::kHello;
  RefusalCode refusal = RefusalCode::kNone;
  uint16_t low_version = 0;
  uint16_t high_version = 0;
  uint16_t name_bytes = 0;
};

using Nonce = std::array<std::byte, kNonceBytes>;
using Mac = std::array<std::byte, kMacBytes>;
using HelloRecord = std::array<std::byte, kHelloBytes>;  // hello and challenge
using ProofRecord = std::array<std::byte, kProofBytes>;  // proof, accept and refusal

[[nodiscard]] size_t record_bytes(RecordType type) noexcept;  // 0 for a type that does not exist
// Empty when the 16 bytes are a well-formed head.
[[nodiscard]] std::string decode_head(std::span<const std::byte, kRecordHeadBytes> in, RecordHead* head);

[[nodiscard]] HelloRecord make_hello(const RecordHead& head, uint64_t incarnation, const Nonce& nonce,
                                     std::string_view name, uint64_t features = 0) noexcept;
[[nodiscard]] ProofRecord make_proof(RecordType type, uint16_t version, const Mac& mac) noexcept;
[[nodiscard]] ProofRecord make_refusal(RefusalCode code, uint16_t low_version,
                                       uint16_t high_version) noexcept;

// Empty when padding and fields are as they must be.
[[nodiscard]] std::string check_hello(const HelloRecord& record, const RecordHead& head);
[[nodiscard]] std::string check_proof(const ProofRecord& record, const RecordHead& head, uint16_t version);
[[nodiscard]] uint64_t features_of(const HelloRecord& record) noexcept;
[[nodiscard]] uint64_t incarnation_of(const HelloRecord& record) noexcept;
[[nodiscard]] std::string_view name_of(const HelloRecord& record, const RecordHead& head) noexcept;
[[nodiscard]] std::span<const std::byte, kMacBytes> mac_of(const ProofRecord& record) noexcept;

}  // namespace tine::rpc
