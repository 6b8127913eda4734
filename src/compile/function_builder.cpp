#include "src/compile/function_builder.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "src/value/unify.h"
#include "tine/detail/torch_names.h"

namespace tine::compile {

using ir::Def;

namespace {

// Bounds the use of the thread's stack: each level is a nested statement or expression and takes about a kilobyte.
constexpr int kMaxDepth = 1500;

// "aten::add" also means "prim::add": PyTorch keeps some of the scalar rows there.
std::string other_namespace(std::string_view name) {
  if (name.starts_with("aten::")) return fmt::format("prim::{}", name.substr(6));
  if (name.starts_with("prim::")) return fmt::format("aten::{}", name.substr(6));
  return {};
}

// All rows of an operator in the order in which they are tried, and their schemas.
struct Rows {
  Rows(const OpTable& table, std::string_view name) {
    const auto own = table.overloads(name), other = table.overloads(other_namespace(name));
    ops.reserve(own.size() + other.size());
    schemas.reserve(own.size() + other.size());
    for (const auto& space : {own, other}) {
      for (const Op* op : space) {
        ops.push_back(op);
        schemas.push_back(&op->schema);
      }
    }
  }
  std::vector<const Op*> ops;
  std::vector<const Schema*> schemas;
};

std::vector<ArgumentType> types_of(std::span<const Operand> args) {
  std::vector<ArgumentType> types;
  types.reserve(args.size());
  for (const Operand& a : args) types.push_back({a.name, a.def->type, is_fresh_empty_list(a.def)});
  return types;
}

bool takes_tensors(const Op* row) {
  const auto& args = row->schema.args;
  return !args.empty() && std::any_of(args.begin(), args.end(), [](const auto& a) {
    const Type& type = *a.type;
    return type.kind == TypeKind::kTensor || (!type.of.empty() && type.of[0]->kind == TypeKind::kTensor);
  });
}

}  // namespace

FunctionBuilder::Nested::Nested(FunctionBuilder& builder, Span where) : depth_(builder.depth_) {
  if (++depth_ <= kMaxDepth) return;
  --depth_;
  builder.fail(where,
               "this is nested too deeply to compile; split it over several functions, and write the result "
               "types of the functions it calls");
}

// ---- values

Def* FunctionBuilder::to_float(Def* value) {
  if (value->type->kind != TypeKind::kInt) return value;
  if (value->node && value->node->kind == ir::Kind::kConstant)
    return constant(static_cast<double>(value->node->constant.as_int()));
  return must_operator("aten::Float", {value}, {});
}

Def* FunctionBuilder::coerce(Def* value, const TypePtr& want) {
  const TypePtr& from = value->type;
  if (is_subtype(from, want)) return value;
  const TypePtr& inner = want->kind == TypeKind::kOptional ? want->of[0] : want;
  if (inner->kind == TypeKind::kFloat && from->kind == TypeKind::kInt) return to_float(value);
  // Of item(): whoever names the type decides.
  if (from->kind == TypeKind::kNumber && (inner->kind == TypeKind::kInt || inner->kind == TypeKind::kFloat))
    return must_operator(inner->kind == TypeKind::kInt ? "aten::Int" : "aten::Float", {value}, {});
  if (inner->kind == TypeKind::kList && is_fresh_empty_list(value)) {
    value->type = inner;
    return value;
  }
  if (inner->kind == TypeKind::kObject && from->kind == TypeKind::kObject) {
    const auto* const interface = dynamic_cast<const ObjectType*>(inner.get());
    if (!interface || !interface->is_interface()) return nullptr;
    check_interface(from, inner);
    return cast(value, inner);
  }
  if (inner->kind != TypeKind::kTuple || from->kind != TypeKind::kTuple ||
      from->of.size() != inner->of.size() || inner->named_tuple())
    return nullptr;
  // A tuple is converted element by element. Those that cannot be are found first: a caller that is told "no" may
  // try something else, and must find no half-made conversion in the graph.
  for (size_t i = 0; i < from->of.size(); ++i) {
    const TypePtr& f = from->of[i];
    const TypePtr& w = inner->of[i];
    const bool to_float =
        f->kind == TypeKind::kInt && (w->kind == TypeKind::kFloat ||
                                      (w->kind == TypeKind::kOptional && w->of[0]->kind == TypeKind::kFloat));
    if (!is_subtype(f, w) && !to_float && !(f->kind == TypeKind::kTuple && w->kind == TypeKind::kTuple))
      return nullptr;
  }
  std::vector<Def*> elements = unpack_tuple(value);
  for (size_t i = 0; i < elements.size(); ++i) {
    elements[i] = coerce(elements[i], inner->of[i]);
    if (!elements[i]) return nullptr;
  }
  return tuple(std::move(elements));
}

Def* FunctionBuilder::coerce_with_tensors(Def* value, const TypePtr& want) {
  const TypePtr& inner = want->kind == TypeKind::kOptional ? want->of[0] : want;
  if (value->type->kind == TypeKind::kTensor && inner->kind == TypeKind::kInt && inner != Type::scalar_type())
    return must_operator("aten::IntImplicit", {value}, {});
  if (value->type->kind == TypeKind::kTensor && inner->kind == TypeKind::kFloat)
    return must_operator("aten::FloatImplicit", {value}, {});
  return coerce(value, want);
}

// ---- operators

std::optional<ChosenOp> FunctionBuilder::try_choose(std::string_view name, std::span<const Operand> args) {
  const Rows rows(ops_, name);
  const std::optional<Choice> choice = choose_overload(rows.schemas, types_of(args));
  if (!choice) return std::nullopt;
  const Op& op = *rows.ops[choice->row];
  return ChosenOp{&op, converted(*choice, op.schema, args), choice->result};
}

ChosenOp FunctionBuilder::choose(std::string_view name, std::span<const Operand> args, std::string_view shown,
                                 Span span) {
  if (auto chosen = try_choose(name, args)) return *std::move(chosen);
  refuse(name, args, shown, span);
}

std::vector<Def*> FunctionBuilder::converted(const Choice& choice, const Schema& row,
                                             std::span<const Operand> args) {
  using How = InputSource::How;
  const auto list_of = [this](std::vector<Def*> items, const TypePtr& list_type) {
    const TypePtr& element = list_type->of[0];
    if (element->kind == TypeKind::kFloat) {
      for (Def*& item : items) item = to_float(item);
    }
    return list(std::move(items), element);
  };
  std::vector<Def*> inputs;
  inputs.reserve(choice.inputs.size());
  for (size_t i = 0; i < choice.inputs.size(); ++i) {
    const InputSource& input = choice.inputs[i];
    if (input.how == How::kDefault) {
      const TypePtr& type = row.args[i].type;
      const Value& value = *row.args[i].default_value;
      // The value's own type where the parameter's says less: of "number", of a variable, and of Optional for None.
      const TypePtr& want = type->kind == TypeKind::kOptional ? type->of[0] : type;
      const bool vague = value.is_none() || want->kind == TypeKind::kNumber || has_variable(want);
      inputs.push_back(constant(value, vague ? type_of(value) : want));
      continue;
    }
    Def* def = args[input.arg].def;
    switch (input.how) {
      case How::kAsIs:
      case How::kDefault: break;
      case How::kToFloat: def = to_float(def); break;
      case How::kEmptyList: def->type = input.list; break;
      case How::kWrap: {
        std::vector<Def*> items;
        for (const Operand& a : args.subspan(input.arg, input.count)) items.push_back(a.def);
        def = list_of(std::move(items), input.list);
        break;
      }
      case How::kTupleToList: def = list_of(unpack_tuple(def), input.list); break;
    }
    inputs.push_back(def);
  }
  return inputs;
}

void FunctionBuilder::refuse(std::string_view name, std::span<const Operand> args, std::string_view shown,
                             Span span) const {
  const Rows rows(ops_, name);
  // torch.sort(x): the table has sort for lists only. The reason to give is that the overload for Tensors is missing, and
  // not that x is not a list.
  const std::string_view bare =
      name.substr(name.find("::") == std::string_view::npos ? 0 : name.find("::") + 2);
  const auto own = ops_.overloads(name);
  if (!args.empty() && args[0].def->type->kind == TypeKind::kTensor && in_torch("torch.Tensor", bare) &&
      std::none_of(own.begin(), own.end(), takes_tensors)) {
    fail(span, not_there_yet("torch.Tensor", bare) + " in scripts");
  }
  std::vector<ArgumentType> types = types_of(args);
  std::vector<std::string> helps(args.size());
  std::string shown_types;
  for (size_t i = 0; i < args.size(); ++i) {
    types[i].help = helps[i] = optional_help(args[i].def);
    if (i > 0) shown_types += ", ";
    if (!args[i].name.empty()) shown_types += fmt::format("{}=", args[i].name);
    shown_types += args[i].def->type->str();
  }
  const std::string why = why_no_overload(rows.schemas, types);
  if (why.empty()) fail(span, fmt::format("`{}` is not among the operators of scripts", shown));
  if (rows.ops.size() == 1) fail(span, fmt::format("`{}` does not take ({}){}", shown, shown_types, why));
  fail(span, fmt::format("no form of `{}` takes ({}); there are:{}", shown, shown_types, why));
}

Def* FunctionBuilder::try_operator(std::string_view name, std::initializer_list<Def*> values) {
  std::array<Operand, 8> args;  // the language's own operators take a few
  size_t count = 0;
  for (Def* d : values) args[count++].def = d;
  auto chosen = try_choose(name, std::span(args).first(count));
  return chosen ? add(*std::move(chosen)) : nullptr;
}

Def* FunctionBuilder::must_operator(std::string_view name, std::initializer_list<Def*> values, Span span) {
  if (Def* d = try_operator(name, values)) return d;
  std::vector<Operand> args;
  for (Def* d : values) args.push_back({{}, d});
  refuse(name, args, name, span);
}

// ---- types

std::string optional_help(const Def* value) {
  if (value->type->kind == TypeKind::kUnion) return "; find out which of them it is with `isinstance` first";
  if (value->type->kind == TypeKind::kAny) return "; find out what it is with `isinstance` first";
  if (value->type->kind != TypeKind::kOptional) return {};
  if (!value->node || value->node->kind != ir::Kind::kGetAttr) return "; test `is not None` first";
  const std::string& name = value->node->name;
  const std::string& owner = value->node->inputs[0]->name;
  return fmt::format(
      "; an attribute may change between its test and its use, so assign it to a variable first, `{0} = "
      "{1}.{0}`, and test that one: `if {0} is not None:`",
      name, owner.empty() ? "self" : owner);
}

TypePtr join_types(const TypePtr& a, const TypePtr& b) {
  const auto vague = [](const auto& self, const TypePtr& t) -> bool {
    return t->kind == TypeKind::kNumber || t->kind == TypeKind::kAny ||
           std::any_of(t->of.begin(), t->of.end(), [&](const TypePtr& inner) { return self(self, inner); });
  };
  // Two definite types whose least common type is vague (int and float give number) have nothing in common that a script can
  // use.
  TypePtr t = unify(a, b);
  return t && vague(vague, t) && !vague(vague, a) && !vague(vague, b) ? nullptr : t;
}

bool is_fresh_empty_list(const Def* d) {
  // A name is set when the list is assigned: from then on its type is fixed.
  return d->node && d->node->kind == ir::Kind::kListConstruct && d->node->inputs.empty() && d->name.empty();
}

}  // namespace tine::compile
