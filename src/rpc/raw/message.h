// The bodies of raw frames: messages, failures, introductions (docs/spec/wire.md, section 6).
//
// A frame keeps what it was given until it has been written. A message that was read owns its memory: one allocation for its
// body and one for each segment. Writing throws ValueError beyond a limit of the wire; reading throws ValueError that says what
// is wrong. docs/spec/wire.md, section 6.
#pragma once

#include <string>

#include "src/rpc/transport/connection.h"
#include "tine/raw.h"

namespace tine::rpc {

// Owners that a thread that reads comes to drop are dropped by `callbacks`.
void write_message(OutFrame& frame, RawMessage message, Executor& callbacks);
[[nodiscard]] RawMessage read_message(Frame& frame);

void write_failure(OutFrame& frame, RawFailure::Kind kind, std::string_view text);
[[nodiscard]] RawFailure read_failure(const Frame& frame);

struct Introduction {
  int id = -1;
  std::string protocol;
};
void write_introduction(OutFrame& frame, const Introduction& introduction);
[[nodiscard]] Introduction read_introduction(const Frame& frame);

}  // namespace tine::rpc
