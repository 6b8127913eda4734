#include "src/compile/methods.h"

#include <algorithm>

#include "src/compile/suggest.h"
#include "src/value/unify.h"
#include "tine/detail/torch_names.h"

namespace tine::compile {

using ir::Def;

namespace {

constexpr std::string_view kStrMethods =
    " capitalize casefold center count encode endswith expandtabs find format format_map index isalnum "
    "isalpha "
    "isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust "
    "lower "
    "lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit "
    "rstrip split "
    "splitlines startswith strip swapcase title translate upper zfill ";
constexpr std::string_view kListMethods =
    " append clear copy count extend index insert pop remove reverse sort ";
constexpr std::string_view kDictMethods =
    " clear copy fromkeys get items keys pop popitem setdefault update values ";

// Whether PyTorch's Tensors, or Python's strs, lists and dicts, have a method of this name.
bool is_known_elsewhere(const Type& type, std::string_view name) {
  const auto among = [&](std::string_view names) {
    return names.find(fmt::format(" {} ", name)) != std::string_view::npos;
  };
  switch (type.kind) {
    case TypeKind::kTensor: return in_torch("torch.Tensor", name);
    case TypeKind::kStr: return among(kStrMethods);
    case TypeKind::kList: return among(kListMethods);
    case TypeKind::kDict: return among(kDictMethods);
    default: return false;
  }
}

bool takes_self(const Op& row, const TypePtr& self) {
  if (row.schema.args.empty()) return false;
  const Argument& first = row.schema.args[0];
  // Rows whose first argument is called self are methods of Tensors. So torch.stack is not a method of a list.
  if (self->kind == TypeKind::kTensor) return first.type->kind == TypeKind::kTensor && first.name == "self";
  TypeBindings bindings;
  return first.type->kind != TypeKind::kAny && match(first.type, self, &bindings);
}

// What to do instead, where a program of PyTorch is likely to have meant something else.
std::string help_for(const FunctionBuilder& builder, const TypePtr& self, std::string_view name,
                     std::string_view space) {
  if (self->kind == TypeKind::kStr && (name == "type" || name == "index"))
    return "; the device of a Tensor is a str in scripts, as \"cpu\": use it as it is";
  if (self->kind == TypeKind::kFuture && (name == "then" || name == "add_done_callback"))
    return "; scripts have no callbacks: fork a function that waits for it";
  std::vector<std::string> names;
  for (const Op* row : builder.ops().all()) {
    if (row->schema.name.starts_with(space) && takes_self(*row, self))
      names.push_back(row->schema.name.substr(space.size()));
  }
  return did_you_mean(name, names);
}

}  // namespace

std::string_view method_space(const Def* self) {
  return self->type->kind == TypeKind::kRRef ? "rpc::" : "aten::";
}

void require_method(const FunctionBuilder& builder, const Def* self, std::string_view name, Span span,
                    std::string_view what) {
  const std::string_view space = method_space(self);
  const auto rows = builder.ops().overloads(fmt::format("{}{}", space, name));
  // __getitem__ and its like are what syntax stands for.
  if (!name.starts_with("__") &&
      std::any_of(rows.begin(), rows.end(), [&](const Op* row) { return takes_self(*row, self->type); }))
    return;
  if (is_known_elsewhere(*self->type, name)) {
    builder.fail(
        span, fmt::format("`{}.{}` is not available yet in scripts",
                          self->type->kind == TypeKind::kTensor ? "torch.Tensor" : self->type->str(), name));
  }
  builder.fail(span, fmt::format("{} has no {} `{}` in scripts{}", self->type->str(), what, name,
                                 help_for(builder, self->type, name, space)));
}

}  // namespace tine::compile
