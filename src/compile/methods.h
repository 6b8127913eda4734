// methods: which methods a value has. They are the rows whose first argument takes it.
#pragma once

#include <string_view>

#include "src/compile/function_builder.h"

namespace tine::compile {

// Where the methods of a value's type are looked up: "aten::", or "rpc::" for an RRef.
[[nodiscard]] std::string_view method_space(const ir::Def* self);
// Fails where the operator table has no such method; `what` it was taken for.
void require_method(const FunctionBuilder& builder, const ir::Def* self, std::string_view name, Span span,
                    std::string_view what);

}  // namespace tine::compile
