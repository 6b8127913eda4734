// An ErrorBody on the wire (docs/spec/wire.md, section 5). Reading throws ValueError that names the offset.
#pragma once

#include "src/rpc/wire/value_codec.h"
#include "tine/foreign.h"

namespace tine::rpc {

void write_error(BodyWriter& out, const ErrorBody& error);
[[nodiscard]] ErrorBody read_error(BodyReader& in, ReceivedSegments& segments);

}  // namespace tine::rpc
