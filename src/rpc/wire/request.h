// A request's body, [target, name, args, kwargs, options], with its one writer and its one reader (docs/spec/wire.md,
// section 4; docs/spec/agent.md, "Calls").
//
// A RequestView borrows what it shows until write_request() has returned. A Request owns what it has read. Writing throws
// what the hooks throw. Reading throws ValueError that says what was wrong; the parts that were read before, its target
// and the reference that it creates, can still be used.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/rpc/wire/reference.h"
#include "src/rpc/wire/value_codec.h"
#include "tine/foreign.h"

namespace tine::rpc {

// Options of a request, by their number on the wire.
enum class RequestOption : uint8_t {
  kCodeHash = 1,
  kCodeText = 2,
  kCreates = 3,
  kAsyncExecution = 4,
  kAfter = 5,
  kStream = 6
};

// The bytes of another language that a foreign call begins with.
struct ForeignBytes {
  uint8_t language = 0;
  std::span<const std::byte> bytes;
  detail::Ref<detail::RefCounted> owner;
};

struct RequestView {
  Target target = Target::kBuiltin;
  std::string_view name;
  const ForeignBytes* foreign = nullptr;  // the first argument, when set
  std::span<const Value> args;
  std::span<const std::pair<std::string, Value>> kwargs;
  std::string_view code_hash, code_text;  // empty: none
  const RRefId* creates = nullptr;
  bool async_execution = false;
  const Value* after = nullptr;
  size_t stream_credit = 0;  // 0: no stream
};
void write_request(BodyWriter& out, const RequestView& request, ValueHooks& hooks);

struct Request {
  Target target = Target::kBuiltin;
  std::string name;
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  std::string code_hash, code_text;
  std::optional<RRefId> creates;
  bool async_execution = false;
  std::optional<Value> after;
  size_t stream_credit = 0;

  void read(std::span<const std::byte> body, ReceivedSegments& segments, ValueHooks& hooks);
  // What a request was to create whose values were refused: others may wait for that.
  [[nodiscard]] static std::optional<RRefId> creates_of(std::span<const std::byte> body) noexcept;
};

}  // namespace tine::rpc
