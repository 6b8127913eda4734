#include "src/compile/values.h"

#include <algorithm>

namespace tine::compile {

using ir::Def;
using ir::Node;
using syntax::BinaryOp;
using syntax::CompareOp;

bool is_constant_bool(const Def* def) {
  return def->type->kind == TypeKind::kBool && def->node && def->node->kind == ir::Kind::kConstant;
}

namespace {

// The rows that an operator of the text means: the second where the first has none for these types.
struct OperatorRows {
  std::string_view first, second;
};
constexpr OperatorRows kArithmetic[] = {
    {"aten::add", {}},
    {"aten::sub", {}},
    {"aten::mul", {}},
    {"aten::div", {}},
    {"aten::floordiv", "aten::floor_divide"},
    {"aten::remainder", {}},
    {"aten::pow", {}},
    {"aten::__and__", "aten::bitwise_and"},
    {"aten::__or__", "aten::bitwise_or"},
    {"aten::__xor__", "aten::bitwise_xor"},
    {"aten::__lshift__", {}},
    {"aten::__rshift__", {}},
    {"aten::matmul", {}},
};

bool is_logical(BinaryOp op) { return op == BinaryOp::kAnd || op == BinaryOp::kOr || op == BinaryOp::kXor; }

}  // namespace

Def* Values::arithmetic(BinaryOp op, Def* left, Def* right, Span span, bool in_place) {
  if (Def* d = classes_.try_arithmetic(op, left, right, in_place, span)) return d;
  const OperatorRows& rows = kArithmetic[static_cast<size_t>(op)];
  // True + True is 2, but True & True is True.
  if (!is_logical(op) && left->type->kind == TypeKind::kBool && right->type->kind == TypeKind::kBool) {
    left = builder_.must_operator("aten::Int", {left}, span);
    right = builder_.must_operator("aten::Int", {right}, span);
  }
  level_numbers(&left, &right);
  const TypePtr& l = left->type;
  const TypePtr& r = right->type;
  if (in_place) {
    if (Def* changed = this->in_place(rows.first, op, left, right)) return changed;
  }
  if (op == BinaryOp::kAdd && l->kind == TypeKind::kTuple && r->kind == TypeKind::kTuple) {
    std::vector<Def*> items = builder_.unpack_tuple(left);
    for (Def* d : builder_.unpack_tuple(right)) items.push_back(d);
    return builder_.tuple(std::move(items));
  }
  if (op == BinaryOp::kMod && l->kind == TypeKind::kStr) {
    std::vector<Def*> args{right};
    if (r->kind == TypeKind::kTuple) args = builder_.unpack_tuple(right);
    return builder_.must_operator("aten::percentFormat", {left, builder_.list(std::move(args), Type::any())},
                                  span);
  }
  // [] takes the type of the list it is added to.
  if (l->kind == TypeKind::kList && r->kind == TypeKind::kList && !equal(l, r)) {
    if (is_fresh_empty_list(right)) {
      right->type = l;
    } else if (is_fresh_empty_list(left)) {
      left->type = r;
    }
  }
  if (Def* d = builder_.try_operator(rows.first, {left, right})) return d;
  if (!rows.second.empty()) {
    if (Def* d = builder_.try_operator(rows.second, {left, right})) return d;
  }
  if (r->kind == TypeKind::kTensor && l->kind != TypeKind::kTensor) {
    if (Def* d = number_with_tensor(rows.first, left, right)) return d;
  }
  // 3 * [0]: the row has the list as its first argument.
  if (op == BinaryOp::kMul && l->kind == TypeKind::kInt &&
      (r->kind == TypeKind::kList || r->kind == TypeKind::kStr)) {
    if (Def* d = builder_.try_operator(rows.first, {right, left})) return d;
  }
  std::string help;
  if (const std::string first = optional_help(left); !first.empty() || !optional_help(right).empty())
    help = first.empty() ? optional_help(right) : first;
  else if (op == BinaryOp::kAdd && (l->kind == TypeKind::kStr || r->kind == TypeKind::kStr))
    help = "; convert with `str(...)`, or write an f-string";
  else
    help = Classes::help(Classes::method_of(op), left, right);
  builder_.fail(span,
                fmt::format("`{}` does not take {} and {}{}", syntax::name_of(op), l->str(), r->str(), help));
}

// Null if the language makes a new value, as for numbers: `x += y` is then `x = x + y`.
Def* Values::in_place(std::string_view name, BinaryOp op, Def* left, Def* right) {
  const TypeKind kind = left->type->kind;
  if (kind != TypeKind::kTensor && kind != TypeKind::kList) return nullptr;
  if (Def* d = builder_.try_operator(fmt::format("{}_", name), {left, right}))
    return kind == TypeKind::kList ? left : d;
  const bool extends =
      op == BinaryOp::kAdd && kind == TypeKind::kList && builder_.try_operator("aten::extend", {left, right});
  return extends ? left : nullptr;
}

Def* Values::sign(syntax::UnaryOp op, Def* value, Span span) {
  if (Def* d = classes_.try_sign(op, value, span)) return d;
  switch (op) {
    case syntax::UnaryOp::kNeg:
      if (value->type->kind == TypeKind::kBool) value = builder_.must_operator("aten::Int", {value}, span);
      if (Def* d = builder_.try_operator("aten::neg", {value})) return d;
      break;
    case syntax::UnaryOp::kInvert:
      if (Def* d = builder_.try_operator("aten::bitwise_not", {value})) return d;
      break;
    default:  // +x
      switch (value->type->kind) {
        case TypeKind::kInt:
        case TypeKind::kFloat:
        case TypeKind::kTensor:
        case TypeKind::kNumber: return value;
        default: break;
      }
  }
  std::string help = optional_help(value);
  if (help.empty()) help = Classes::help(Classes::method_of(op), value, value);
  builder_.fail(span, fmt::format("`{}` does not take {}{}", syntax::name_of(op), value->type->str(), help));
}

// bool with a number or a Tensor is an int; int with float is float with float: the machine has instructions for that.
void Values::level_numbers(Def** left, Def** right) {
  const auto level = [this](Def** one, const Def* other) {
    if ((*one)->type->kind == TypeKind::kBool &&
        (other->type->kind == TypeKind::kInt || other->type->kind == TypeKind::kFloat ||
         other->type->kind == TypeKind::kTensor))
      *one = builder_.must_operator("aten::Int", {*one}, {});
  };
  level(left, *right);
  level(right, *left);
  if ((*left)->type->kind == TypeKind::kFloat) *right = builder_.to_float(*right);
  if ((*right)->type->kind == TypeKind::kFloat) *left = builder_.to_float(*left);
}

// A number on the left of a Tensor, for an operator whose rows all have the Tensor first: it is mirrored.
Def* Values::number_with_tensor(std::string_view op, Def* left, Def* right) {
  if (left->type->kind != TypeKind::kInt && left->type->kind != TypeKind::kFloat &&
      left->type->kind != TypeKind::kNumber)
    return nullptr;
  struct Mirror {
    std::string_view op, mirrored;
  };
  constexpr Mirror kMirrors[] = {
      {"aten::add", "aten::add"}, {"aten::mul", "aten::mul"}, {"aten::eq", "aten::eq"},
      {"aten::ne", "aten::ne"},   {"aten::lt", "aten::gt"},   {"aten::gt", "aten::lt"},
      {"aten::le", "aten::ge"},   {"aten::ge", "aten::le"},
  };
  for (const Mirror& m : kMirrors) {
    if (m.op == op) return builder_.try_operator(m.mirrored, {right, left});
  }
  if (op == "aten::sub") {
    if (Def* d = builder_.try_operator("aten::rsub", {right, left})) return d;
    Def* negative = builder_.try_operator("aten::neg", {right});
    return negative ? builder_.try_operator("aten::add", {negative, left}) : nullptr;
  }
  if (op == "aten::div") {
    Def* inverse = builder_.try_operator("aten::reciprocal", {right});
    if (!inverse) inverse = builder_.try_operator("aten::pow", {right, builder_.integer(-1)});
    return inverse ? builder_.try_operator("aten::mul", {inverse, left}) : nullptr;
  }
  return nullptr;
}

Def* Values::compare(CompareOp op, Def* left, Def* right, Span span) {
  constexpr std::string_view kNames[] = {"aten::eq", "aten::ne", "aten::lt",
                                         "aten::le", "aten::gt", "aten::ge"};
  if (op == CompareOp::kIs || op == CompareOp::kIsNot)
    return builder_.must_operator(op == CompareOp::kIs ? "aten::__is__" : "aten::__isnot__", {left, right},
                                  span);
  if (op == CompareOp::kIn || op == CompareOp::kNotIn) {
    Def* found = contains(op, right, left, span);
    if (op == CompareOp::kIn) return found;
    return is_constant_bool(found) ? builder_.boolean(!found->node->constant.as_bool())
                                   : builder_.must_operator("aten::__not__", {found}, span);
  }
  if (Def* d = classes_.try_compare(op, left, right, span)) return d;
  const std::string_view name = kNames[static_cast<size_t>(op)];
  level_numbers(&left, &right);
  if (left->type->kind == TypeKind::kNone || right->type->kind == TypeKind::kNone) {
    builder_.fail(
        span, fmt::format("`{}` does not take None; write `is None` or `is not None`", syntax::name_of(op)));
  }
  if (left->type->kind == TypeKind::kTuple && right->type->kind == TypeKind::kTuple)
    return compare_tuples(op, left, right, span);
  if (Def* d = builder_.try_operator(name, {left, right})) return d;
  if (right->type->kind == TypeKind::kTensor) {
    if (Def* d = number_with_tensor(name, left, right)) return d;
  }
  std::string help = optional_help(left);
  if (help.empty()) help = optional_help(right);
  if (help.empty()) help = Classes::help(Classes::method_of(op), left, right);
  builder_.fail(span, fmt::format("`{}` does not take {} and {}{}", syntax::name_of(op), left->type->str(),
                                  right->type->str(), help));
}

// The first elements that differ decide, as in Python. The elements have a type each, so each is compared by an operator of its
// own, and only when those before it are equal.
Def* Values::compare_tuples(CompareOp op, Def* left, Def* right, Span span) {
  const std::vector<Def*> a = builder_.unpack_tuple(left), b = builder_.unpack_tuple(right);
  const bool ordered = op != CompareOp::kEq && op != CompareOp::kNe;
  if (!ordered && a.size() != b.size()) return builder_.boolean(op == CompareOp::kNe);
  const auto from = [&](const auto& self, size_t i) -> Def* {
    if (i == a.size() || i == b.size()) {
      const bool less = a.size() < b.size(), same = a.size() == b.size();
      const bool more = a.size() > b.size();
      return builder_.boolean(op == CompareOp::kEq   ? same
                              : op == CompareOp::kNe ? !same
                              : op == CompareOp::kLt ? less
                              : op == CompareOp::kLe ? less || same
                              : op == CompareOp::kGt ? more
                                                     : more || same);
    }
    Def* equal = truth(compare(CompareOp::kEq, a[i], b[i], span), span);
    Node* node = builder_.if_(equal);
    for (size_t side = 0; side < 2; ++side) {
      const FunctionBuilder::In in(builder_, *node->blocks[side]);
      Def* out = side == 0 ? self(self, i + 1)
                 : ordered ? truth(compare(op, a[i], b[i], span), span)
                           : builder_.boolean(op == CompareOp::kNe);
      node->blocks[side]->outputs = {out};
    }
    return builder_.graph().add_output(*node, Type::boolean());
  };
  return from(from, 0);
}

// `value in in`; `op` names it in messages.
Def* Values::contains(CompareOp op, Def* in, Def* value, Span span) {
  if (Def* d = classes_.try_method(in, "__contains__", {value}, span)) return truth(d, span);
  if (in->type->kind == TypeKind::kObject) return module_contains(in, value, span);
  if (in->type->kind != TypeKind::kTuple) {
    if (Def* found = builder_.try_operator("aten::__contains__", {in, value})) return found;
    builder_.fail(span, fmt::format("`{}` does not take {} and {}", syntax::name_of(op), value->type->str(),
                                    in->type->str()));
  }
  // The elements of a tuple have a type each, so each is compared by an operator of its own.
  Def* found = nullptr;
  for (Def* item : builder_.unpack_tuple(in)) {
    Def* one = compare(CompareOp::kEq, value, item, span);
    found = found ? short_circuit(found, false, [&] { return one; }) : truth(one, span);
  }
  return found ? found : builder_.boolean(false);
}

// `name in self.modules_by_name`: known here where the name is.
Def* Values::module_contains(Def* modules, Def* name, Span span) {
  const auto all = names_.submodules(*modules->type);
  if (!all || !all->named || name->type->kind != TypeKind::kStr)
    builder_.fail(span, fmt::format("`in` does not take {} and {}", name->type->str(), modules->type->str()));
  if (name->node && name->node->kind == ir::Kind::kConstant) {
    return builder_.boolean(std::find(all->names.begin(), all->names.end(),
                                      name->node->constant.as_string()) != all->names.end());
  }
  std::vector<Def*> names;
  for (const std::string& one : all->names) names.push_back(builder_.text(one));
  return builder_.must_operator("aten::__contains__", {builder_.list(std::move(names), Type::string()), name},
                                span);
}

Def* Values::truth(Def* value, Span span) {
  if (Def* d = classes_.try_method(value, "__bool__", {}, span)) return truth(d, span);
  if (Def* d = classes_.try_method(value, "__len__", {}, span)) return truth(d, span);
  switch (value->type->kind) {
    case TypeKind::kBool: return value;
    case TypeKind::kTensor:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber: return builder_.must_operator("aten::Bool", {value}, span);
    case TypeKind::kStr:
    case TypeKind::kList:
    case TypeKind::kDict:
      return builder_.must_operator("aten::ne", {length(value, span), builder_.integer(0)}, span);
    case TypeKind::kOptional:
      builder_.fail(span, fmt::format("a condition cannot be {}: write `is not None`", value->type->str()));
    case TypeKind::kAny:
    case TypeKind::kUnion:
      builder_.fail(span,
                    fmt::format("a condition cannot be {}{}", value->type->str(), optional_help(value)));
    default:
      builder_.fail(
          span, fmt::format("expected a condition (bool, int, float, str, list, dict or Tensor), got {}{}",
                            value->type->str(), Classes::help("__bool__", value, value)));
  }
}

Def* Values::short_circuit(Def* left, bool is_and, const std::function<Def*()>& right) {
  Node* node = builder_.if_(left);
  for (const bool then : {true, false}) {
    ir::Block& block = *node->blocks[then ? 0 : 1];
    const FunctionBuilder::In in(builder_, block);
    const Scopes::Inner inner(scopes_);
    // `and` evaluates the right side if the left one holds, `or` if it does not. In the other block the result is known.
    Def* out = then == is_and ? right() : builder_.boolean(!is_and);
    if (out->type->kind != TypeKind::kBool) out = truth(out, {});
    block.outputs = {out};
  }
  return builder_.graph().add_output(*node, Type::boolean());
}

Def* Values::length(Def* value, Span span) {
  if (value->type->kind == TypeKind::kTuple)
    return builder_.integer(static_cast<int64_t>(value->type->of.size()));
  if (value->type->kind == TypeKind::kObject) {
    if (Def* d = classes_.try_method(value, "__len__", {}, span)) return d;
    if (const auto modules = names_.submodules(*value->type))
      return builder_.integer(static_cast<int64_t>(modules->names.size()));
  }
  if (Def* d = builder_.try_operator("aten::len", {value})) return d;
  builder_.fail(span, fmt::format("{} has no length{}{}", value->type->str(), optional_help(value),
                                  Classes::help("__len__", value, value)));
}

Def* Values::text_of(Def* value, Span span) {
  if (value->type->kind == TypeKind::kStr) return value;
  if (Def* d = classes_.try_method(value, "__str__", {}, span)) return d;
  return builder_.must_operator("aten::str", {value}, span);
}

}  // namespace tine::compile
