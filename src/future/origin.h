// The Context of the work that a remote call causes, and its origin: when the call arrived here or, if this worker called
// itself, when the chain of calls began. The trail of an error counts from it.
#pragma once

#include "tine/context.h"

namespace tine::detail {

// What Context().with_token(token).with_deadline(timer, deadline) is, in fewer steps, and with that origin.
[[nodiscard]] Context context_of_call(const CancelToken& token, Timer& timer, TimePoint deadline,
                                      TimePoint origin);
// kNoDeadline: the work is that of no call.
[[nodiscard]] TimePoint origin_of(const ContextData& context) noexcept;

}  // namespace tine::detail
