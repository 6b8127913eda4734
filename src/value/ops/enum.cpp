// Members of enums. Those of one enum are equal if they are the same; those of two enums never are.
#include "src/value/compare.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"

namespace tine::value {

using V = const Value&;

void add_enum_rows(Rows& rows) {
  // clang-format off
  rows.pure(cost::kFixed, "aten::eq.enum(AnyEnumType a, AnyEnumType b) -> bool", [](V a, V b) { return equals(a, b); });
  rows.pure(cost::kFixed, "aten::ne.enum(AnyEnumType a, AnyEnumType b) -> bool", [](V a, V b) { return !equals(a, b); });
  rows.pure(cost::kFixed, "prim::EnumName(AnyEnumType enum) -> str", [](V e) { return e.as_enum().name(); });
  // Of the type of the enum's values, which the caller knows.
  rows.pure(cost::kFixed, "prim::EnumValue(AnyEnumType enum) -> Any", [](V e) { return e.as_enum().value(); });
  // clang-format on
}

}  // namespace tine::value
