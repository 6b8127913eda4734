// The operators of the default Runtime, as the functions of tine/functions.h find them.
#include <fmt/format.h>

#include "tine/detail/typed_call.h"
#include "tine/runtime.h"

namespace tine::detail {

const Op& builtin(std::string_view full_name) {
  const Op* const op = Runtime::instance().ops().find(full_name);
  if (!op || op->schema.full_name() != full_name)
    throw NameError(fmt::format(
        "this libtine has no operator '{}': it and the headers are of different versions", full_name));
  return *op;
}

OpContext& default_context() { return Runtime::instance().ops().context(); }

void TypedCall::refuse_undefined() const {
  const Schema& schema = op_.schema;
  throw TypeError(fmt::format("{}(): argument '{}' must be a tensor, but it is undefined; expected {}",
                              schema.name, schema.args[values_.size()].name, schema.str()));
}

}  // namespace tine::detail
