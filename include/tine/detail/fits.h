// Fits as it is, by what the tag of a value says: what nearly every argument and result does. Where it says no, fits()
// (tine/type.h) looks inside.
#pragma once

#include "tine/schema.h"

namespace tine {

[[nodiscard]] inline bool fits_at_once(const Value& value, const Type& type) noexcept {
  switch (type.kind) {
    case TypeKind::kAny: return true;
    case TypeKind::kNone: return value.is_none();
    case TypeKind::kBool: return value.is_bool();
    case TypeKind::kInt: return value.is_int();
    case TypeKind::kFloat: return value.is_float();
    case TypeKind::kStr: return value.is_string();
    case TypeKind::kTensor: return value.is_tensor();
    default: return false;
  }
}

[[nodiscard]] inline bool fits_at_once(const Value& value, const Argument& parameter) noexcept {
  return (parameter.certain >> static_cast<unsigned>(value.tag()) & 1) != 0;
}

// An int[] of any length: as the last positional parameter it takes ints one by one, as in x.view(2, 3).
[[nodiscard]] inline bool takes_single_ints(const Argument& parameter) noexcept {
  return parameter.list_size == 0 && parameter.type->kind == TypeKind::kList &&
         parameter.type->of[0]->kind == TypeKind::kInt;
}

}  // namespace tine
