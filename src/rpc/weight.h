// How much a value weighs, about, without encoding it. No more of it is looked at than the answer needs.
#pragma once

#include <cstdint>

#include "tine/value.h"

namespace tine::rpc {

enum class Weight : uint8_t {
  kBody,    // what is written into a frame's body
  kCopied,  // that, and pickles that are sent beside it: what counts for max_send_buffer_bytes, but for views that are compacted
  kHeld,    // the memory that the value keeps; of a view, that of its elements
};

// Takes it off `budget`; false once that is used up.
[[nodiscard]] bool takes_at_most(const Value& value, Weight weight, int64_t* budget) noexcept;

}  // namespace tine::rpc
