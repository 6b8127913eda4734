// What a request for the next items of a stream is answered with (docs/spec/agent.md, "Streams"): the tuple (items, beside).
// `items` is the list of them, empty when the stream is over. `beside` is a list of [index, leaves]: the values that were lifted
// out of an item that is a foreign payload.
#pragma once

#include <vector>

#include "tine/value.h"

namespace tine::rpc {

[[nodiscard]] Value make_stream_answer(std::vector<Value> items);
// Throws ValueError for a value that is none.
[[nodiscard]] std::vector<Value> read_stream_answer(const Value& answer);

}  // namespace tine::rpc
