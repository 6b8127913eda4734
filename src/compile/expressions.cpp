#include <algorithm>
#include <limits>

#include "src/compile/function_compiler.h"

namespace tine::compile {

using ir::Def;
using ir::Node;
using syntax::BinaryOp;
using syntax::CompareOp;
using syntax::ExprKind;

namespace {

// What the numbers written in a literal are: nothing, ints alone, or floats among them.
enum class Numbers : uint8_t { kNone, kInts, kFloats, kOther };
Numbers numbers_in(const syntax::Expr& e) {
  if (e.kind == ExprKind::kInt) return Numbers::kInts;
  if (e.kind == ExprKind::kFloat) return Numbers::kFloats;
  if (const auto* u = syntax::is<syntax::Unary>(e); u && u->op == syntax::UnaryOp::kNeg)
    return numbers_in(*u->operand);
  const auto* list = syntax::is<syntax::List>(e);
  if (!list) return Numbers::kOther;
  Numbers all = Numbers::kNone;
  for (const syntax::ExprPtr& item : list->items) all = std::max(all, numbers_in(*item));
  return all;
}

bool is_constant_bool(const Def* def) {
  return def->type->kind == TypeKind::kBool && def->node && def->node->kind == ir::Kind::kConstant;
}

// [[1, 2.5], [3, 4]] is a List[List[float]]: the type that makes its ints floats.
TypePtr type_of_numbers(const syntax::List& e) {
  if (numbers_in(e) != Numbers::kFloats) return nullptr;
  TypePtr type = Type::floating();
  for (const syntax::Expr* level = &e; level->kind == ExprKind::kList;) {
    type = Type::list(std::move(type));
    const auto& items = syntax::as<syntax::List>(*level).items;
    if (items.empty()) break;
    level = items.front().get();
  }
  return type;
}

}  // namespace

Def* FunctionCompiler::expression(const syntax::Expr& e, const TypePtr& hint) {
  const Session::Level level(session_, source_, e.span);
  switch (e.kind) {
    case ExprKind::kName:
    case ExprKind::kAttribute: return value_of(thing(e), e.span);
    case ExprKind::kNone: here(e.span); return builder_.constant(Value(), Type::none());
    case ExprKind::kTrue: here(e.span); return boolean(true);
    case ExprKind::kFalse: here(e.span); return boolean(false);
    case ExprKind::kInt:
      here(e.span);
      if (hint && hint->kind == TypeKind::kFloat)
        return builder_.constant(static_cast<double>(syntax::as<syntax::Int>(e).value));
      return integer(syntax::as<syntax::Int>(e).value);
    case ExprKind::kFloat: here(e.span); return builder_.constant(syntax::as<syntax::Float>(e).value);
    case ExprKind::kString:
      here(e.span);
      return builder_.constant(Value(syntax::as<syntax::String>(e).value));
    case ExprKind::kFString: return format(syntax::as<syntax::FString>(e));
    case ExprKind::kEllipsis: fail(e.span, "`...` stands only in an index of a Tensor");
    case ExprKind::kTuple: return tuple_literal(syntax::as<syntax::Tuple>(e), hint);
    case ExprKind::kList: return list_literal(syntax::as<syntax::List>(e), hint);
    case ExprKind::kDict: return dict_literal(syntax::as<syntax::Dict>(e), hint);
    case ExprKind::kListComp: return list_comprehension(syntax::as<syntax::ListComp>(e), hint);
    case ExprKind::kDictComp: return dict_comprehension(syntax::as<syntax::DictComp>(e), hint);
    case ExprKind::kUnary: return unary(syntax::as<syntax::Unary>(e));
    case ExprKind::kBinary: {
      const auto& b = syntax::as<syntax::Binary>(e);
      Def* left = expression(*b.left);
      Def* right = expression(*b.right);
      here(e.span);
      return arithmetic(b.op, left, right, e.span);
    }
    case ExprKind::kBoolOp:
    case ExprKind::kCompare: {
      // Alone, a comparison of tensors is a tensor.
      const auto* comparison = syntax::is<syntax::Compare>(e);
      const Condition c = comparison ? comparison_condition(*comparison) : condition(e);
      here(e.span);
      return condition_value(c);
    }
    case ExprKind::kTernary: return ternary(syntax::as<syntax::Ternary>(e), hint);
    case ExprKind::kSubscript: return subscript(syntax::as<syntax::Subscript>(e));
    case ExprKind::kSlice: fail(e.span, "a slice stands only in an index");
    case ExprKind::kCall: return call(syntax::as<syntax::Call>(e), hint);
  }
  fail(e.span, "this expression is not supported in scripts");
}

Def* FunctionCompiler::condition_value(const Condition& c) {
  return c.value ? c.value : boolean(c.known.value_or(false));
}

FunctionCompiler::Condition FunctionCompiler::condition(const syntax::Expr& e) {
  const Session::Level level(session_, source_, e.span);
  Condition result;
  if (e.kind == ExprKind::kTrue || e.kind == ExprKind::kFalse) {
    result.known = e.kind == ExprKind::kTrue;
    return result;
  }
  if (const auto* i = syntax::is<syntax::Int>(e)) {
    result.known = i->value != 0;
    return result;
  }
  if (const auto* u = syntax::is<syntax::Unary>(e); u && u->op == syntax::UnaryOp::kNot) {
    Condition inner = condition(*u->operand);
    if (inner.known.has_value()) {
      inner.known = !*inner.known;
    } else {
      here(e.span);
      inner.value = must_operator("aten::__not__", {inner.value}, e.span);
    }
    std::swap(inner.when_true, inner.when_false);
    return inner;
  }
  if (const auto* b = syntax::is<syntax::BoolOp>(e)) {
    Condition left = condition(*b->left);
    if (left.known.has_value()) {
      if (*left.known != b->is_and) return left;
      return condition(*b->right);
    }
    Condition right;
    result.value = short_circuit(left.value, b->is_and, [&] {
      refine(b->is_and ? left.when_true : left.when_false);
      right = condition(*b->right);
      return condition_value(right);
    });
    if (right.known.has_value()) {
      // `x and False` is False and `x or True` is True whatever x was, which has been computed; else it is x alone.
      if (*right.known == b->is_and) return left;
      result.known = right.known;
      result.value = nullptr;
      return result;
    }
    auto& told = b->is_and ? result.when_true : result.when_false;
    const auto& more = b->is_and ? right.when_true : right.when_false;
    told = std::move(b->is_and ? left.when_true : left.when_false);
    told.insert(told.end(), more.begin(), more.end());
    return result;
  }
  if (const auto* c = syntax::is<syntax::Compare>(e)) {
    Condition test = comparison_condition(*c);
    here(e.span);
    if (test.value) test.value = truth(test.value, e.span);
    if (test.value && is_constant_bool(test.value)) {
      test.known = test.value->node->constant.as_bool();
      test.value = nullptr;
    }
    return test;
  }
  if (const auto* call = syntax::is<syntax::Call>(e)) {
    const std::string name = dotted_name(*call->callee);
    if (!name.empty() && !find(name.substr(0, name.find('.')))) {
      const Thing callee = thing(*call->callee);
      const auto* builtin = std::get_if<Builtin>(&callee.resolved);
      const auto* tested = !call->args.empty() ? syntax::is<syntax::Name>(*call->args[0]) : nullptr;
      if (builtin && builtin->form == Form::kIsInstance && call->args.size() == 2 && tested &&
          call->keywords.empty()) {
        Def* value = expression(*tested);
        const std::vector<TypePtr> types = instance_types(*call->args[1]);
        result.known = instance_known(value->type, types);
        if (result.known.has_value()) return result;
        std::vector<Argument> args = arguments_of(*call);
        args[0].def = value;
        here(e.span);
        result.value = is_instance(args, e.span);
        if (types.size() == 1) result.when_true.push_back({tested->id, types[0]});
        if (value->type->kind == TypeKind::kOptional) {
          const bool tests_all = std::any_of(types.begin(), types.end(),
                                             [&](const TypePtr& t) { return equal(t, value->type->of[0]); });
          if (tests_all) result.when_false.push_back({tested->id, Type::none()});
        }
        return result;
      }
    }
  }
  Def* value = expression(e);
  here(e.span);
  // A constant that the text itself tells (torch.jit.is_scripting(), a global flag) chooses the branch here.
  if (is_constant_bool(value)) {
    result.known = value->node->constant.as_bool();
    return result;
  }
  result.value = truth(value, e.span);
  return result;
}

FunctionCompiler::Condition FunctionCompiler::comparison_condition(const syntax::Compare& e) {
  Condition result;
  const bool identity = e.ops.size() == 1 && (e.ops[0] == CompareOp::kIs || e.ops[0] == CompareOp::kIsNot);
  if (identity) {
    const bool right_none = e.rest[0]->kind == ExprKind::kNone;
    if (!right_none && e.first->kind != ExprKind::kNone)
      fail(e.span, "`is` compares only with None in scripts; write `==`");
    const syntax::Expr& tested = right_none ? *e.first : *e.rest[0];
    Def* value = expression(tested);
    const bool is_not = e.ops[0] == CompareOp::kIsNot;
    if (value->type->kind == TypeKind::kNone) {
      result.known = !is_not;
    } else if (value->type->kind != TypeKind::kOptional && value->type->kind != TypeKind::kAny) {
      result.known = is_not;
    } else {
      here(e.span);
      result.value = builder_.is_instance(value, Type::none());
      if (is_not) result.value = must_operator("aten::__not__", {result.value}, e.span);
      const auto* name = syntax::is<syntax::Name>(tested);
      if (name && value->type->kind == TypeKind::kOptional) {
        (is_not ? result.when_true : result.when_false).push_back({name->id, value->type->of[0]});
      }
    }
    return result;
  }
  Def* left = expression(*e.first);
  Def* all = nullptr;
  // a < b < c is a < b and b < c with b evaluated once; each comparison runs only if those before held.
  std::vector<std::pair<Node*, ir::Builder>> open;
  for (size_t i = 0; i < e.ops.size(); ++i) {
    Def* right = expression(*e.rest[i]);
    here(e.span);
    Def* one = compare(e.ops[i], left, right, e.span);
    left = right;
    if (i + 1 == e.ops.size()) {
      all = one;
      break;
    }
    if (one->type->kind != TypeKind::kBool) one = truth(one, e.span);
    Node* node = builder_.if_(one);
    open.emplace_back(node, builder_);
    builder_ = builder_.in(*node->blocks[0]);
  }
  if (!open.empty()) all = truth(all, e.span);
  while (!open.empty()) {
    auto [node, outer] = open.back();
    open.pop_back();
    node->blocks[0]->outputs = {all};
    builder_ = builder_.in(*node->blocks[1]);
    node->blocks[1]->outputs = {boolean(false)};
    builder_ = outer;
    all = graph_->add_output(*node, Type::boolean());
  }
  result.value = all;
  return result;
}

Def* FunctionCompiler::truth(Def* value, Span span) {
  switch (value->type->kind) {
    case TypeKind::kBool: return value;
    case TypeKind::kTensor:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber: return must_operator("aten::Bool", {value}, span);
    case TypeKind::kStr:
    case TypeKind::kList:
    case TypeKind::kDict: return must_operator("aten::ne", {length(value, span), integer(0)}, span);
    case TypeKind::kOptional:
      fail(span, fmt::format("a condition cannot be {}: write `is not None`", value->type->str()));
    default:
      fail(span, fmt::format("expected a condition (bool, int, float, str, list, dict or Tensor), got {}",
                             value->type->str()));
  }
}

Def* FunctionCompiler::short_circuit(Def* left, bool is_and, const std::function<Def*()>& right) {
  Node* node = builder_.if_(left);
  for (const bool then : {true, false}) {
    ir::Block& block = *node->blocks[then ? 0 : 1];
    const In in(*this, block);
    const Inner inner(*this);
    Def* out = then == is_and ? right() : boolean(!is_and);
    if (out->type->kind != TypeKind::kBool) out = truth(out, {});
    block.outputs = {out};
  }
  return graph_->add_output(*node, Type::boolean());
}

Def* FunctionCompiler::ternary(const syntax::Ternary& e, const TypePtr& hint) {
  const Condition c = condition(*e.condition);
  if (c.known.has_value()) return expression(*c.known ? *e.then : *e.otherwise, hint);
  here(e.span);
  Node* node = builder_.if_(c.value);
  Def* sides[2];
  for (size_t i = 0; i < 2; ++i) {
    const In in(*this, *node->blocks[i]);
    const Inner inner(*this);
    refine(i == 0 ? c.when_true : c.when_false);
    sides[i] = expression(i == 0 ? *e.then : *e.otherwise, hint);
    if (hint) {
      if (Def* fitting = coerce(sides[i], hint)) sides[i] = fitting;
    }
    node->blocks[i]->outputs = {sides[i]};
  }
  for (size_t i = 0; i < 2; ++i) {  // [] is of the other side's type
    if (is_fresh_empty_list(sides[i]) && sides[1 - i]->type->kind == TypeKind::kList)
      sides[i]->type = sides[1 - i]->type;
  }
  TypePtr type = join_types(sides[0]->type, sides[1]->type);
  if (!type) {
    fail(e.span, fmt::format("the two sides of this `if` expression are {} and {}; give them one type",
                             sides[0]->type->str(), sides[1]->type->str()));
  }
  here(e.span);
  return graph_->add_output(*node, std::move(type));
}

Def* FunctionCompiler::tuple_literal(const syntax::Tuple& e, const TypePtr& hint) {
  const TypePtr inner = hint && hint->kind == TypeKind::kOptional ? hint->of[0] : hint;
  const bool helps = inner && inner->kind == TypeKind::kTuple && inner->of.size() == e.items.size();
  std::vector<Def*> items;
  for (size_t i = 0; i < e.items.size(); ++i) {
    Def* item = expression(*e.items[i], helps ? inner->of[i] : nullptr);
    if (helps) {
      if (Def* fitting = coerce(item, inner->of[i])) item = fitting;
    }
    items.push_back(item);
  }
  here(e.span);
  return builder_.tuple(std::move(items));
}

Def* FunctionCompiler::list_literal(const syntax::List& e, const TypePtr& hint) {
  TypePtr inner = hint && hint->kind == TypeKind::kOptional ? hint->of[0] : hint;
  if (!inner) inner = type_of_numbers(e);
  const TypePtr wanted = inner && inner->kind == TypeKind::kList ? inner->of[0] : nullptr;
  std::vector<Def*> items;
  TypePtr type;
  for (const syntax::ExprPtr& item : e.items) {
    Def* def = expression(*item, wanted);
    Def* fitting = wanted ? coerce(def, wanted) : nullptr;
    if (fitting) def = fitting;
    // Of the type that an annotation gives, whatever the others are.
    TypePtr both = fitting && (!type || equal(type, wanted)) ? wanted
                   : type                                    ? join_types(type, def->type)
                                                             : def->type;
    if (!both) {
      fail(item->span, fmt::format("the elements of a list have one type: this is {}, those before are {}",
                                   def->type->str(), type->str()));
    }
    type = std::move(both);
    items.push_back(def);
  }
  if (!type || (wanted && is_subtype(type, wanted))) type = wanted ? wanted : Type::tensor();
  here(e.span);
  return builder_.list(std::move(items), type);
}

void FunctionCompiler::require_key(const TypePtr& key, Span span) const {
  switch (key->kind) {
    case TypeKind::kStr:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kBool: return;
    default: fail(span, fmt::format("the keys of a dict are str, int, float or bool, not {}", key->str()));
  }
}

Def* FunctionCompiler::dict_literal(const syntax::Dict& e, const TypePtr& hint) {
  const TypePtr inner = hint && hint->kind == TypeKind::kOptional ? hint->of[0] : hint;
  const bool helps = inner && inner->kind == TypeKind::kDict;
  TypePtr key, value;
  std::vector<Def*> parts;
  for (size_t i = 0; i < e.keys.size(); ++i) {
    const auto one = [&](const syntax::Expr& part, TypePtr* type, const TypePtr& wanted,
                         std::string_view what) {
      Def* def = expression(part, wanted);
      Def* fitting = wanted ? coerce(def, wanted) : nullptr;
      if (fitting) def = fitting;
      TypePtr both = fitting && (!*type || equal(*type, wanted)) ? wanted
                     : *type                                     ? join_types(*type, def->type)
                                                                 : def->type;
      if (!both)
        fail(part.span, fmt::format("the {} of a dict have one type: this is {}, those before are {}", what,
                                    def->type->str(), (*type)->str()));
      *type = std::move(both);
      parts.push_back(def);
    };
    one(*e.keys[i], &key, helps ? inner->of[0] : nullptr, "keys");
    one(*e.values[i], &value, helps ? inner->of[1] : nullptr, "values");
  }
  if (helps && (!key || is_subtype(key, inner->of[0]))) key = inner->of[0];
  if (helps && (!value || is_subtype(value, inner->of[1]))) value = inner->of[1];
  if (!key) key = Type::string();
  if (!value) value = Type::tensor();
  require_key(key, e.span);
  here(e.span);
  return builder_.dict(std::move(parts), key, value);
}

Def* FunctionCompiler::text_of(Def* value, Span span) {
  if (value->type->kind == TypeKind::kStr) return value;
  return must_operator("aten::str", {value}, span);
}

Def* FunctionCompiler::format(const syntax::FString& e) {
  std::string pattern;
  std::vector<Def*> values;
  for (const syntax::ExprPtr& part : e.parts) {
    if (const auto* text = syntax::is<syntax::String>(*part)) {
      for (const char c : text->value) pattern.append(c == '{' || c == '}' ? 2 : 1, c);
    } else {
      pattern += "{}";
      values.push_back(expression(*part));
    }
  }
  here(e.span);
  if (values.empty()) return builder_.constant(Value(syntax::as<syntax::String>(*e.parts.front()).value));
  Def* list = builder_.list(std::move(values), Type::any());
  return must_operator("aten::format", {builder_.constant(Value(std::move(pattern))), list}, e.span);
}

Def* FunctionCompiler::unary(const syntax::Unary& e) {
  if (e.op == syntax::UnaryOp::kNot) {
    const Condition c = condition(e);
    return condition_value(c);
  }
  // -1 is a constant, not an operation.
  if (e.op == syntax::UnaryOp::kNeg) {
    if (const auto* i = syntax::is<syntax::Int>(*e.operand);
        i && i->value != std::numeric_limits<int64_t>::min()) {
      here(e.span);
      return integer(-i->value);
    }
    if (const auto* f = syntax::is<syntax::Float>(*e.operand)) {
      here(e.span);
      return builder_.constant(-f->value);
    }
  }
  Def* value = expression(*e.operand);
  here(e.span);
  switch (e.op) {
    case syntax::UnaryOp::kNeg:
      if (value->type->kind == TypeKind::kBool) value = must_operator("aten::Int", {value}, e.span);
      if (Def* d = try_operator("aten::neg", {value}, e.span)) return d;
      break;
    case syntax::UnaryOp::kInvert:
      if (Def* d = try_operator("aten::bitwise_not", {value}, e.span)) return d;
      break;
    default:
      switch (value->type->kind) {
        case TypeKind::kInt:
        case TypeKind::kFloat:
        case TypeKind::kTensor:
        case TypeKind::kNumber: return value;
        default: break;
      }
  }
  fail(e.span, fmt::format("`{}` does not take {}", syntax::name_of(e.op), value->type->str()));
}

Def* FunctionCompiler::arithmetic(BinaryOp op, Def* left, Def* right, Span span, bool in_place) {
  struct Names {
    std::string_view op, other;
  };
  constexpr Names kNames[] = {
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
  const Names& names = kNames[static_cast<size_t>(op)];
  if (op != BinaryOp::kAnd && op != BinaryOp::kOr && op != BinaryOp::kXor &&
      left->type->kind == TypeKind::kBool && right->type->kind == TypeKind::kBool) {
    left = must_operator("aten::Int", {left}, span);
    right = must_operator("aten::Int", {right}, span);
  }
  level_numbers(&left, &right);
  const TypePtr& l = left->type;
  const TypePtr& r = right->type;
  if (in_place && (l->kind == TypeKind::kTensor || l->kind == TypeKind::kList)) {
    if (Def* d = try_operator(fmt::format("{}_", names.op), {left, right}, span))
      return l->kind == TypeKind::kList ? left : d;
    if (op == BinaryOp::kAdd && l->kind == TypeKind::kList &&
        try_operator("aten::extend", {left, right}, span))
      return left;
  }
  if (op == BinaryOp::kAdd && l->kind == TypeKind::kTuple && r->kind == TypeKind::kTuple) {
    std::vector<Def*> items = builder_.unpack_tuple(left);
    for (Def* d : builder_.unpack_tuple(right)) items.push_back(d);
    return builder_.tuple(std::move(items));
  }
  if (op == BinaryOp::kMod && l->kind == TypeKind::kStr)
    fail(span, "`%` does not format in scripts; write an f-string");
  // [] takes the type of the list it is added to.
  if (l->kind == TypeKind::kList && r->kind == TypeKind::kList && !equal(l, r)) {
    if (is_fresh_empty_list(right)) {
      right->type = l;
    } else if (is_fresh_empty_list(left)) {
      left->type = r;
    }
  }
  if (Def* d = try_operator(names.op, {left, right}, span)) return d;
  if (!names.other.empty()) {
    if (Def* d = try_operator(names.other, {left, right}, span)) return d;
  }
  if (r->kind == TypeKind::kTensor && l->kind != TypeKind::kTensor) {
    if (Def* d = number_with_tensor(names.op, left, right, span)) return d;
  }
  if (op == BinaryOp::kMul && l->kind == TypeKind::kInt &&
      (r->kind == TypeKind::kList || r->kind == TypeKind::kStr)) {
    if (Def* d = try_operator(names.op, {right, left}, span)) return d;
  }
  std::string help;
  if (l->kind == TypeKind::kOptional || r->kind == TypeKind::kOptional)
    help = optional_help(l->kind == TypeKind::kOptional ? left : right);
  else if (op == BinaryOp::kAdd && (l->kind == TypeKind::kStr || r->kind == TypeKind::kStr))
    help = "; convert with `str(...)`, or write an f-string";
  fail(span, fmt::format("`{}` does not take {} and {}{}", syntax::name_of(op), l->str(), r->str(), help));
}

Def* FunctionCompiler::to_float(Def* value) {
  if (value->type->kind != TypeKind::kInt) return value;
  if (value->node && value->node->kind == ir::Kind::kConstant) {
    return builder_.constant(static_cast<double>(value->node->constant.as_int()));
  }
  return must_operator("aten::Float", {value}, {});
}

// bool with a number or a Tensor is an int; int with float is float with float: the machine has instructions for that.
void FunctionCompiler::level_numbers(Def** left, Def** right) {
  const auto level = [this](Def** one, const Def* other) {
    if ((*one)->type->kind == TypeKind::kBool &&
        (other->type->kind == TypeKind::kInt || other->type->kind == TypeKind::kFloat ||
         other->type->kind == TypeKind::kTensor))
      *one = must_operator("aten::Int", {*one}, {});
  };
  level(left, *right);
  level(right, *left);
  if ((*left)->type->kind == TypeKind::kFloat) *right = to_float(*right);
  if ((*right)->type->kind == TypeKind::kFloat) *left = to_float(*left);
}

// A number on the left of a tensor, where the table has only rows with the tensor first.
Def* FunctionCompiler::number_with_tensor(std::string_view op, Def* left, Def* right, Span span) {
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
    if (m.op == op) return try_operator(m.mirrored, {right, left}, span);
  }
  if (op == "aten::sub") {
    if (Def* d = try_operator("aten::rsub", {right, left}, span)) return d;
    Def* negative = try_operator("aten::neg", {right}, span);
    return negative ? try_operator("aten::add", {negative, left}, span) : nullptr;
  }
  if (op == "aten::div") {
    Def* inverse = try_operator("aten::reciprocal", {right}, span);
    if (!inverse) inverse = try_operator("aten::pow", {right, integer(-1)}, span);
    return inverse ? try_operator("aten::mul", {inverse, left}, span) : nullptr;
  }
  return nullptr;
}

// `name in self.modules_by_name`: known here where the name is.
Def* FunctionCompiler::module_contains(Def* modules, Def* name, Span span) {
  const auto all = submodules(*modules->type);
  if (!all || !all->named || name->type->kind != TypeKind::kStr)
    fail(span, fmt::format("`in` does not take {} and {}", name->type->str(), modules->type->str()));
  if (name->node && name->node->kind == ir::Kind::kConstant) {
    return boolean(std::find(all->names.begin(), all->names.end(), name->node->constant.as_string()) !=
                   all->names.end());
  }
  std::vector<Def*> names;
  for (const std::string& one : all->names) names.push_back(builder_.constant(Value(one)));
  return must_operator("aten::__contains__", {builder_.list(std::move(names), Type::string()), name}, span);
}

Def* FunctionCompiler::compare(CompareOp op, Def* left, Def* right, Span span) {
  constexpr std::string_view kNames[] = {"aten::eq", "aten::ne", "aten::lt",
                                         "aten::le", "aten::gt", "aten::ge"};
  if (op == CompareOp::kIs || op == CompareOp::kIsNot)
    fail(span, "`is` compares only with None in scripts; write `==`");
  if (op == CompareOp::kIn || op == CompareOp::kNotIn) {
    Def* found = nullptr;
    if (right->type->kind == TypeKind::kTuple) {
      for (Def* item : builder_.unpack_tuple(right)) {
        Def* one = compare(CompareOp::kEq, left, item, span);
        found = found ? short_circuit(found, false, [&] { return one; }) : truth(one, span);
      }
      if (!found) found = boolean(false);
    } else if (right->type->kind == TypeKind::kObject) {
      found = module_contains(right, left, span);
    } else {
      found = try_operator("aten::__contains__", {right, left}, span);
      if (!found)
        fail(span, fmt::format("`{}` does not take {} and {}", syntax::name_of(op), left->type->str(),
                               right->type->str()));
    }
    if (op == CompareOp::kIn) return found;
    return is_constant_bool(found) ? boolean(!found->node->constant.as_bool())
                                   : must_operator("aten::__not__", {found}, span);
  }
  const std::string_view name = kNames[static_cast<size_t>(op)];
  level_numbers(&left, &right);
  if (left->type->kind == TypeKind::kNone || right->type->kind == TypeKind::kNone) {
    fail(span, fmt::format("`{}` does not take None; write `is None` or `is not None`", syntax::name_of(op)));
  }
  if (Def* d = try_operator(name, {left, right}, span)) return d;
  if (right->type->kind == TypeKind::kTensor) {
    if (Def* d = number_with_tensor(name, left, right, span)) return d;
  }
  const std::string help = optional_help(left->type->kind == TypeKind::kOptional ? left : right);
  fail(span, fmt::format("`{}` does not take {} and {}{}", syntax::name_of(op), left->type->str(),
                         right->type->str(), help));
}

}  // namespace tine::compile
