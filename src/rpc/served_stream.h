// ServedStream: a stream at the worker that serves it (docs/spec/agent.md, "Streams"): the items that were made and not sent
// yet, and the credit. It is the value behind a reference, and ends with it.
//
// Its source is asked on handler threads, one item after the other, as far as the credit goes. Any thread may ask for the next
// items and drop the stream; readers of connections do, so neither runs the source's code: what ends, ends on a handler thread.
#pragma once

#include <string>

#include "tine/executor.h"
#include "tine/stream.h"
#include "tine/value.h"

namespace tine::rpc {

// The stream in what a function answered, as the value that its caller refers to. TypeError when there is no stream in it;
// `what` is what errors call the function. It is stepped by `handlers`; where these have no thread left it is closed by
// `callbacks`.
[[nodiscard]] Value serve_stream(const Value& answer, size_t credit, Executor& handlers, Executor& callbacks,
                                 const std::string& what);
// The answer to a reader that has taken that many items. TypeError for a value that is not such a stream, ValueError for a
// number that cannot be, Error while another such request waits.
[[nodiscard]] Future<Value> next_items(const Value& stream, int64_t taken);
// Whether it is a stream that nobody reads: what a function answered.
[[nodiscard]] bool is_stream(const Value& answer) noexcept;

}  // namespace tine::rpc
