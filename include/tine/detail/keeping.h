// keeping(): what a handler's parameters and captures refer to, kept for as long as its work goes on.
#pragma once

#include <memory>

#include "tine/detail/context.h"

namespace tine::detail {

// A context like `context` that keeps `kept` alive. Whatever was begun in it and runs or waits to run holds it: a suspended
// coroutine, a callback, a forked task. So `kept` goes when none of them is left, also when a future was cancelled before its
// coroutine had come to its end.
[[nodiscard]] TINE_API ContextRef keeping(const ContextRef& context, std::shared_ptr<const void> kept);

}  // namespace tine::detail
