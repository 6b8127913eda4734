// Instances: what `isinstance` asks of a value, and what its answer tells about the value's type.
#pragma once

#include <optional>
#include <vector>

#include "src/compile/names.h"
#include "tine/type.h"

namespace tine::compile {

// The second argument of isinstance: types, and `list`, `tuple`, `dict` of whatever elements.
struct InstanceTypes {
  std::vector<TypePtr> types;
  bool any_list = false;
  bool any_tuple = false;
  bool any_dict = false;
};
[[nodiscard]] InstanceTypes instance_types(const syntax::Expr& e, const Names& names);

struct InstanceTest {
  std::optional<bool> known;      // the value's type decides; otherwise:
  TypePtr ask;                    // the value is an instance if it fits this
  TypePtr when_true, when_false;  // what the value is then; null: nothing more than before
};
// Of a value of that type. Fails where the machine could not tell.
[[nodiscard]] InstanceTest instance_test(const TypePtr& actual, const InstanceTypes& types,
                                         const Names& names, Span span);

}  // namespace tine::compile
