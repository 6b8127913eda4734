#include "src/compile/arguments.h"

#include <algorithm>

#include "src/compile/expressions.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;

namespace {

// What is written between the brackets of `*(a, b)` or `*[a, b]`; null for any other value.
const std::vector<syntax::ExprPtr>* written_items(const syntax::Starred& e) {
  if (const auto* tuple = syntax::is<syntax::Tuple>(*e.value)) return &tuple->items;
  const auto* list = syntax::is<syntax::List>(*e.value);
  return list ? &list->items : nullptr;
}

// Whether it matters when it is evaluated: it may have effects, or read what another expression changes.
bool depends_on_order(const syntax::Expr& e) {
  const auto any = [](const std::vector<syntax::ExprPtr>& parts) {
    return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return depends_on_order(*part); });
  };
  if (const auto* tuple = syntax::is<syntax::Tuple>(e)) return any(tuple->items);
  if (const auto* list = syntax::is<syntax::List>(e)) return any(list->items);
  if (const auto* dict = syntax::is<syntax::Dict>(e)) return any(dict->keys) || any(dict->values);
  return e.kind == syntax::ExprKind::kFString || e.kind >= syntax::ExprKind::kTuple;
}

}  // namespace

void Arguments::add(const std::vector<syntax::ExprPtr>& items, std::vector<CallArgument>* args) {
  for (const syntax::ExprPtr& item : items) {
    const auto* starred = syntax::is<syntax::Starred>(*item);
    if (!starred) {
      args->push_back({{}, item.get(), nullptr, item->span});
    } else if (const auto* written = written_items(*starred)) {
      add(*written, args);
    } else {
      // Its type says how many arguments it stands for, so it is evaluated here: those before it must come first.
      if (depends_on_order(*starred->value)) {
        for (CallArgument& a : *args) evaluate_early(a);
      }
      for (Def* def : spread(*starred)) args->push_back({{}, item.get(), def, item->span});
    }
  }
}

// A function or a type stays what it is; the object of a method is read all the same.
void Arguments::evaluate_early(CallArgument& a) {
  if (a.def || a.meaning || !depends_on_order(*a.expr)) return;
  if (a.expr->kind != syntax::ExprKind::kAttribute) return (void)value(a);
  Meaning read = meanings_.of(*a.expr);
  if (read.def && read.method.empty()) {
    a.def = read.def;
  } else {
    a.meaning = std::make_shared<const Meaning>(std::move(read));
  }
}

std::vector<CallArgument> Arguments::of(const syntax::Call& e) {
  std::vector<CallArgument> args;
  add(e.args, &args);
  for (const syntax::Keyword& k : e.keywords)
    args.push_back({k.name, k.value.get(), nullptr, k.value->span, nullptr, k.span});
  return args;
}

std::vector<Def*> Arguments::spread(const syntax::Starred& e) {
  Def* values = expressions_.value(*e.value);
  builder_.here(e.span);
  if (values->type->kind == TypeKind::kTuple) return builder_.unpack_tuple(values);
  builder_.fail(
      e.span,
      values->type->kind == TypeKind::kList
          ? fmt::format("`*` cannot spread {}: how many elements it has is known only when the script "
                        "runs; use a tuple, or pass the list itself where the callee takes one",
                        values->type->str())
          : fmt::format("`*` spreads a tuple, not {}{}", values->type->str(), optional_help(values)));
}

Def* Arguments::value(CallArgument& a, const TypePtr& hint) {
  if (!a.def) a.def = a.meaning ? meanings_.value_of(*a.meaning, a.span) : expressions_.value(*a.expr, hint);
  return a.def;
}

Meaning Arguments::meaning(const CallArgument& a) {
  if (a.def) return {.def = a.def};
  return a.meaning ? *a.meaning : meanings_.of(*a.expr);
}

void Arguments::expect(const std::vector<CallArgument>& args, size_t least, size_t most,
                       std::string_view shown, Span span) {
  for (const CallArgument& a : args) {
    if (!a.name.empty())
      builder_.fail(a.place_of_name(), fmt::format("`{}` takes no keyword `{}`", shown, a.name));
  }
  if (args.size() >= least && args.size() <= most) return;
  const std::string expected =
      least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  builder_.fail(span, fmt::format("`{}` takes {} argument{}, got {}", shown, expected,
                                  expected == "1" ? "" : "s", args.size()));
}

namespace {

// Messages do not count the `self` of a method, because the script did not write it as an argument.
size_t hidden_arguments(const Schema& schema, const std::vector<CallArgument>& args) {
  const bool method = !args.empty() && args[0].def && args[0].def->type->kind == TypeKind::kObject &&
                      !schema.args.empty() && args[0].expr == nullptr;
  return method ? 1 : 0;
}

template <class All, class Which>
size_t counted(const All& all, Which&& which) {
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), which));
}

}  // namespace

std::vector<Def*> Arguments::given(const Schema& schema, std::string_view shown,
                                   std::vector<CallArgument>& args) {
  const auto& params = schema.args;
  std::vector<Def*> inputs(params.size(), nullptr);
  const size_t hidden = hidden_arguments(schema, args);
  size_t position = 0;
  for (CallArgument& a : args) {
    size_t param;
    if (!a.name.empty()) {
      param = parameter_named(schema, a, shown);
      if (inputs[param])
        builder_.fail(a.place_of_name(), fmt::format("`{}` gets its argument `{}` twice", shown, a.name));
    } else if (position < params.size() && !params[position].keyword_only) {
      param = position++;
    } else {
      const size_t most = counted(params, [](const auto& p) { return !p.keyword_only; }) - hidden;
      const size_t got = counted(args, [](const auto& x) { return x.name.empty(); }) - hidden;
      builder_.fail(a.span, fmt::format("`{}` takes {} positional argument{}, got {}", shown, most,
                                        most == 1 ? "" : "s", got));
    }
    inputs[param] = fitting(a, params[param], shown);
  }
  return inputs;
}

std::vector<Def*> Arguments::bind_positions(const Schema& schema, std::string_view shown,
                                            std::vector<CallArgument>& args) {
  std::vector<Def*> inputs = given(schema, shown, args);
  inputs.resize(args.size());
  return inputs;
}

std::vector<Def*> Arguments::bind(const Schema& schema, std::string_view shown,
                                  std::vector<CallArgument>& args, Span span) {
  const auto& params = schema.args;
  std::vector<Def*> inputs = given(schema, shown, args);
  const size_t hidden = hidden_arguments(schema, args);
  for (size_t p = 0; p < params.size(); ++p) {
    if (inputs[p]) continue;
    if (!params[p].default_value) {
      const size_t needed = counted(params, [](const auto& q) { return !q.default_value; }) - hidden;
      builder_.fail(span, fmt::format("`{}` needs a value for `{}`: it takes {}{} argument{}, got {}", shown,
                                      params[p].name, needed == params.size() - hidden ? "" : "at least ",
                                      needed, needed == 1 ? "" : "s", args.size() - hidden));
    }
    builder_.here(span);
    const Value& value = *params[p].default_value;
    const TypePtr& type = params[p].type;
    inputs[p] = builder_.constant(value, value.is_none()                     ? Type::none()
                                         : type->kind == TypeKind::kOptional ? type->of[0]
                                                                             : type);
  }
  return inputs;
}

bool Arguments::fit(const Schema& schema, const std::vector<CallArgument>& args, bool convert) {
  std::vector<bool> given(schema.args.size(), false);
  size_t position = 0;
  for (const CallArgument& a : args) {
    const int index = a.name.empty() ? static_cast<int>(position++) : schema.index_of(a.name);
    if (index < 0 || static_cast<size_t>(index) >= given.size()) return false;
    const Argument& parameter = schema.args[static_cast<size_t>(index)];
    if (given[static_cast<size_t>(index)] || (a.name.empty() && parameter.keyword_only)) return false;
    given[static_cast<size_t>(index)] = true;
    const TypePtr& from = a.def->type;
    const TypePtr& want =
        parameter.type->kind == TypeKind::kOptional ? parameter.type->of[0] : parameter.type;
    const bool converts = (from->kind == TypeKind::kInt && want->kind == TypeKind::kFloat) ||
                          (want->kind == TypeKind::kList && is_fresh_empty_list(a.def));
    if (!is_subtype(from, parameter.type) && !(convert && converts)) return false;
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i] && !schema.args[i].default_value) return false;
  }
  return true;
}

size_t Arguments::parameter_named(const Schema& schema, const CallArgument& a, std::string_view shown) const {
  const int index = schema.index_of(a.name);
  if (index >= 0) return static_cast<size_t>(index);
  std::vector<std::string> names;
  for (const auto& p : schema.args) names.push_back(p.name);
  builder_.fail(a.place_of_name(),
                fmt::format("`{}` has no argument `{}`{}", shown, a.name, did_you_mean(a.name, names)));
}

Def* Arguments::fitting(CallArgument& a, const Argument& parameter, std::string_view shown) {
  const TypePtr& want = parameter.type;
  Def* given = value(a, want);
  if (Def* converted = builder_.coerce_with_tensors(given, want)) return converted;
  const bool only_none = given->type->kind == TypeKind::kOptional && is_subtype(given->type->of[0], want);
  builder_.fail(a.span, fmt::format("`{}` expects {} for `{}`, got {}{}", shown, want->str(), parameter.name,
                                    given->type->str(), only_none ? optional_help(given) : ""));
}

ChosenOp Arguments::choose(std::string_view name, std::vector<CallArgument>& args, std::string_view shown,
                           Span span) {
  std::vector<Operand> operands;
  operands.reserve(args.size());
  for (CallArgument& a : args) operands.push_back({a.name, value(a)});
  builder_.here(span);  // the arguments have places of their own
  return builder_.choose(name, operands, shown, span);
}

}  // namespace tine::compile
