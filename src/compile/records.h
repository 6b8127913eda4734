// Records: what scripts do with named tuples and enums.
#pragma once

#include "src/compile/function_builder.h"
#include "src/compile/names.h"
#include "tine/schema.h"

namespace tine::compile {

// `p.x` of a named tuple; fails where it has no such field.
[[nodiscard]] ir::Def* field_of(FunctionBuilder& builder, ir::Def* tuple, std::string_view name, Span span);
// `P(1, y=2)` takes what a function of this signature would take.
[[nodiscard]] Schema constructor_of(const TypeName& named_tuple);

// `Color.RED`; fails where there is no such member.
[[nodiscard]] ir::Def* member_of(FunctionBuilder& builder, const TypePtr& type, std::string_view name,
                                 Span span);
// What to write for `Color("RED")` and `Color["RED"]`: the member of that name, if there is one, else some member.
[[nodiscard]] std::string how_to_name(std::string_view shown, const Type& type, std::string_view member);
// The members, as a list.
[[nodiscard]] ir::Def* members_of(FunctionBuilder& builder, const TypePtr& type);
// `color.name` and `color.value`; fails for other attributes.
[[nodiscard]] ir::Def* enum_attribute(FunctionBuilder& builder, ir::Def* member, std::string_view name,
                                      Span span);

// The enum that a name means; null for all else.
[[nodiscard]] TypePtr enum_named(const Resolved& resolved);

}  // namespace tine::compile
