#include "tine/convert.h"

#include <fmt/format.h>

#include "src/value/text.h"

namespace tine::detail {

void refuse_length(const Value& value, size_t expected) {
  throw ValueError(fmt::format("expected a tuple of {}, but got {}", expected, brief(value)));
}

void refuse_number(const Value& value, size_t bits) {
  throw ValueError(fmt::format("{} does not fit into an integer of {} bits", brief(value), bits));
}

void refuse_unsigned(uint64_t number) {
  throw ValueError(fmt::format("{} does not fit into an int, which has 64 bits with a sign", number));
}

std::span<const Value> items_of(const Value& value) {
  if (value.is(Tag::kList)) return value.as_list().items;
  if (value.is(Tag::kTuple)) return value.as_tuple().items;
  throw TypeError(fmt::format("expected a list or a tuple, but got {}", brief(value)));
}

DType to_dtype(int64_t number) {
  switch (number) {
    case static_cast<int64_t>(DType::kUInt8):
    case static_cast<int64_t>(DType::kInt64):
    case static_cast<int64_t>(DType::kFloat32):
    case static_cast<int64_t>(DType::kFloat64):
    case static_cast<int64_t>(DType::kBool): return static_cast<DType>(number);
    default:
      throw ValueError(
          fmt::format("dtype number {} is not supported; there are uint8 (0), int64 (4), float32 (6), "
                      "float64 (7) and bool (11)",
                      number));
  }
}

}  // namespace tine::detail
