// The named tuples and enums that a text defines: `class P(NamedTuple):` and `class Color(Enum):`.
#pragma once

#include <optional>
#include <string_view>

#include "src/compile/names.h"

namespace tine::compile {

// What the class means; nothing for a class of another kind. `names` has the classes before it. The type is called
// "<prefix>.<class>". Fails where the class is none that scripts can have.
[[nodiscard]] std::optional<TypeName> text_type(const syntax::ClassDef& c, std::string_view prefix,
                                                const Names& names);

}  // namespace tine::compile
