#include <algorithm>

#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"
#include "src/value/torch_names.h"

namespace tine::compile {

using ir::Def;

namespace {

bool has_variable(const TypePtr& t) {
  return t->kind == TypeKind::kVariable || std::any_of(t->of.begin(), t->of.end(), has_variable);
}

const TypePtr& without_optional(const TypePtr& t) { return t->kind == TypeKind::kOptional ? t->of[0] : t; }

// "aten::add" also means "prim::add": PyTorch keeps some of the scalar rows there.
std::string other_namespace(std::string_view name) {
  if (name.starts_with("aten::")) return fmt::format("prim::{}", name.substr(6));
  if (name.starts_with("prim::")) return fmt::format("aten::{}", name.substr(6));
  return {};
}

}  // namespace

bool FunctionCompiler::plan(const Op& op, const std::vector<Argument>& args, int effort, Plan* plan,
                            std::string* why) const {
  const auto& params = op.schema.args;
  const auto no = [&](auto&& reason) {
    if (why) *why = reason();
    return false;
  };
  TypeBindings bindings;
  plan->op = &op;
  plan->inputs.assign(params.size(), {});
  std::vector<bool> given(params.size(), false);
  bool number_given = false;

  // One argument for one parameter; false when it does not fit at this effort.
  const auto fit = [&](size_t param, size_t arg, Plan::Input* input) {
    const TypePtr& pattern = params[param].type;
    const Def* def = args[arg].def;
    const TypePtr& actual = def->type;
    number_given = number_given || actual->kind == TypeKind::kNumber;
    input->arg = arg;
    TypePtr known = has_variable(pattern) ? substitute(pattern, bindings) : pattern;
    if (known ? is_subtype(actual, known) : match(pattern, actual, &bindings)) return true;
    if (effort == 0) return false;
    const TypePtr& want = without_optional(known ? known : pattern);
    if (want->kind == TypeKind::kList && is_fresh_empty_list(def)) {
      if (!known) return false;
      input->how = Plan::Input::How::kEmptyList;
      input->type = want;
      return true;
    }
    if (want->kind == TypeKind::kList && known) {
      const TypePtr& element = want->of[0];
      const auto element_fits = [&](const TypePtr& t) {
        return is_subtype(t, element) || (element->kind == TypeKind::kFloat && t->kind == TypeKind::kInt);
      };
      if (actual->kind == TypeKind::kTuple && !actual->of.empty() &&
          std::all_of(actual->of.begin(), actual->of.end(), element_fits)) {
        input->how = Plan::Input::How::kTupleToList;
        input->type = want;
        return true;
      }
      // x.view(2, 3), x.sum(0): numbers where a list is asked for.
      if ((element->kind == TypeKind::kInt || element->kind == TypeKind::kFloat) && element_fits(actual)) {
        input->how = Plan::Input::How::kWrap;
        input->type = want;
        return true;
      }
    }
    if (effort >= 2 && want->kind == TypeKind::kFloat && actual->kind == TypeKind::kInt) {
      input->how = Plan::Input::How::kToFloat;
      return true;
    }
    return false;
  };
  const auto unfit = [&](size_t param, size_t arg) {
    return no([&] {
      TypePtr want = substitute(params[param].type, bindings);
      if (!want) want = params[param].type;
      std::string help;
      if (args[arg].def->type->kind == TypeKind::kOptional && is_subtype(args[arg].def->type->of[0], want))
        help = optional_help(args[arg].def);
      return fmt::format("expected {} for `{}`, got {}{}", want->str(), params[param].name,
                         args[arg].def->type->str(), help);
    });
  };

  size_t position = 0;
  for (size_t a = 0; a < args.size(); ++a) {
    size_t param;
    if (args[a].name.empty()) {
      if (position >= params.size() || params[position].keyword_only) {
        return no([&] {
          const auto most =
              std::count_if(params.begin(), params.end(), [](const auto& p) { return !p.keyword_only; });
          const auto got =
              std::count_if(args.begin(), args.end(), [](const auto& x) { return x.name.empty(); });
          return fmt::format("it takes at most {} positional argument{}, got {}", most, most == 1 ? "" : "s",
                             got);
        });
      }
      param = position++;
    } else {
      const int index = op.schema.index_of(args[a].name);
      if (index < 0) {
        return no([&] {
          std::vector<std::string> names;
          for (const auto& p : params) names.push_back(p.name);
          return fmt::format("it has no argument `{}`{}", args[a].name, did_you_mean(args[a].name, names));
        });
      }
      param = static_cast<size_t>(index);
      if (given[param]) return no([&] { return fmt::format("`{}` is given twice", args[a].name); });
    }
    given[param] = true;
    Plan::Input& input = plan->inputs[param];
    if (!fit(param, a, &input)) return unfit(param, a);
    if (input.how == Plan::Input::How::kWrap && args[a].name.empty()) {
      // All the numbers that follow, when nothing else by position can come.
      const bool last = param + 1 == params.size() || params[param + 1].keyword_only;
      while (last && a + 1 < args.size() && args[a + 1].name.empty()) {
        const TypePtr& t = args[a + 1].def->type;
        if (t->kind != TypeKind::kInt && !is_subtype(t, input.type->of[0])) break;
        ++a;
        ++input.count;
      }
    }
  }
  for (size_t p = 0; p < params.size(); ++p) {
    if (given[p]) continue;
    if (!params[p].default_value)
      return no([&] { return fmt::format("it needs a value for `{}`", params[p].name); });
    plan->inputs[p].how = Plan::Input::How::kDefault;
  }
  plan->result = substitute(op.schema.result_type(), bindings);
  if (!plan->result) return no([&] { return std::string("its result type cannot be told"); });
  // A row over bare numbers forgets whether it was int or float: only when nothing else fits.
  if (plan->result->kind == TypeKind::kNumber && !number_given && effort < 3)
    return no([] { return std::string(); });
  return true;
}

bool FunctionCompiler::choose(std::string_view name, const std::vector<Argument>& args, Plan* best,
                              std::string* why) const {
  const std::span<const Op* const> spaces[2] = {session_.ops.overloads(name),
                                                session_.ops.overloads(other_namespace(name))};
  for (int effort = 0; effort <= 3; ++effort) {
    for (const auto& rows : spaces) {
      for (const Op* op : rows) {
        if (plan(*op, args, effort, best, nullptr)) return true;
      }
    }
  }
  if (!why) return false;
  const size_t count = spaces[0].size() + spaces[1].size();
  for (const auto& rows : spaces) {
    for (const Op* op : rows) {
      std::string reason;
      if (plan(*op, args, 3, best, &reason)) continue;
      if (count == 1) {
        *why = fmt::format(": {}\n    {}", reason, op->schema.str());
      } else {
        *why += fmt::format("\n    {}\n      {}", op->schema.str(), reason);
      }
    }
  }
  return false;
}

std::vector<Def*> FunctionCompiler::materialize(const Plan& plan, const std::vector<Argument>& args) {
  using How = Plan::Input::How;
  std::vector<Def*> inputs;
  inputs.reserve(plan.inputs.size());
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    const Plan::Input& input = plan.inputs[i];
    Def* def = input.how == How::kDefault ? nullptr : args[input.arg].def;
    switch (input.how) {
      case How::kAsIs: break;
      case How::kToFloat: def = to_float(def); break;
      case How::kEmptyList: def->type = input.type; break;
      case How::kWrap: {
        std::vector<Def*> items;
        for (size_t k = 0; k < input.count; ++k) {
          Def* item = args[input.arg + k].def;
          items.push_back(input.type->of[0]->kind == TypeKind::kFloat ? to_float(item) : item);
        }
        def = builder_.list(std::move(items), input.type->of[0]);
        break;
      }
      case How::kTupleToList: {
        std::vector<Def*> items = builder_.unpack_tuple(def);
        if (input.type->of[0]->kind == TypeKind::kFloat) {
          for (Def*& item : items) item = to_float(item);
        }
        def = builder_.list(std::move(items), input.type->of[0]);
        break;
      }
      case How::kDefault: {
        const auto& param = plan.op->schema.args[i];
        const Value& value = *param.default_value;
        const TypePtr& want = without_optional(param.type);
        const bool vague = value.is_none() || want->kind == TypeKind::kNumber || has_variable(want);
        def = builder_.constant(value, vague ? type_of(value) : want);
        break;
      }
    }
    inputs.push_back(def);
  }
  return inputs;
}

Def* FunctionCompiler::emit(const Plan& plan, const std::vector<Argument>& args) {
  std::vector<Def*> inputs = materialize(plan, args);
  return builder_.op(*plan.op, std::move(inputs), plan.result);
}

Def* FunctionCompiler::call_operator(std::string_view name, std::vector<Argument> args,
                                     std::string_view shown, Span span) {
  for (Argument& a : args) argument_value(a);
  here(span);
  Plan best;
  if (choose(name, args, &best, nullptr)) return emit(best, args);
  // torch.sort(x), where the table has the list's alone.
  const auto takes_tensors = [](const Op* row) {
    return !row->schema.args.empty() &&
           std::any_of(row->schema.args.begin(), row->schema.args.end(), [](const auto& a) {
             const Type& type = *a.type;
             return type.kind == TypeKind::kTensor ||
                    (!type.of.empty() && type.of[0]->kind == TypeKind::kTensor);
           });
  };
  const auto rows = session_.ops.overloads(name);
  const std::string_view bare =
      name.substr(name.find("::") == std::string_view::npos ? 0 : name.find("::") + 2);
  if (!args.empty() && args[0].def->type->kind == TypeKind::kTensor && in_torch("torch.Tensor", bare) &&
      std::none_of(rows.begin(), rows.end(), takes_tensors)) {
    fail(span, not_there_yet("torch.Tensor", bare) + " in scripts");
  }
  std::string why;
  (void)choose(name, args, &best, &why);
  if (why.empty()) fail(span, fmt::format("`{}` is not among the operators of scripts", shown));
  std::string types;
  for (const Argument& a : args) {
    if (!types.empty()) types += ", ";
    if (!a.name.empty()) types += fmt::format("{}=", a.name);
    types += a.def->type->str();
  }
  if (why.front() == ':') fail(span, fmt::format("`{}` does not take ({}){}", shown, types, why));
  fail(span, fmt::format("no form of `{}` takes ({}); there are:{}", shown, types, why));
}

Def* FunctionCompiler::try_operator(std::string_view name, std::initializer_list<Def*> values, Span span) {
  std::vector<Argument> args;
  args.reserve(values.size());
  for (Def* d : values) args.push_back(Argument{{}, nullptr, d, span});
  Plan best;
  if (!choose(name, args, &best, nullptr)) return nullptr;
  return emit(best, args);
}

Def* FunctionCompiler::must_operator(std::string_view name, std::initializer_list<Def*> values, Span span) {
  if (Def* d = try_operator(name, values, span)) return d;
  std::vector<Argument> args;
  for (Def* d : values) args.push_back(Argument{{}, nullptr, d, span});
  return call_operator(name, std::move(args), name, span);  // says why not
}

}  // namespace tine::compile
