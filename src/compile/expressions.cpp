#include "src/compile/expressions.h"

#include <algorithm>
#include <limits>

#include "src/compile/arguments.h"
#include "src/compile/calls.h"
#include "src/compile/comprehensions.h"
#include "src/compile/conditions.h"
#include "src/compile/indexing.h"
#include "src/compile/meanings.h"
#include "src/compile/values.h"

namespace tine::compile {

using ir::Def;
using ir::Node;
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

TypePtr without_optional(const TypePtr& hint) {
  return hint && hint->kind == TypeKind::kOptional ? hint->of[0] : hint;
}

TypePtr hint_for(TypeKind kind, const TypePtr& hint) {
  const TypePtr type = without_optional(hint);
  if (!type || type->kind != TypeKind::kUnion) return type && type->kind == kind ? type : nullptr;
  TypePtr only;
  for (const TypePtr& member : type->of) {
    if (member->kind != kind) continue;
    if (only) return nullptr;
    only = member;
  }
  return only;
}

Def* Expressions::value(const syntax::Expr& e, const TypePtr& hint) {
  const FunctionBuilder::Nested level(builder_, e.span);
  switch (e.kind) {
    case ExprKind::kName:
    case ExprKind::kAttribute: return meanings_.value_of(meanings_.of(e), e.span);
    case ExprKind::kNone: builder_.here(e.span); return builder_.none();
    case ExprKind::kTrue: builder_.here(e.span); return builder_.boolean(true);
    case ExprKind::kFalse: builder_.here(e.span); return builder_.boolean(false);
    case ExprKind::kInt:
      builder_.here(e.span);
      if (hint && hint->kind == TypeKind::kFloat)
        return builder_.constant(static_cast<double>(syntax::as<syntax::Int>(e).value));
      return builder_.integer(syntax::as<syntax::Int>(e).value);
    case ExprKind::kFloat:
      builder_.here(e.span);
      return builder_.constant(syntax::as<syntax::Float>(e).value);
    case ExprKind::kString: builder_.here(e.span); return builder_.text(syntax::as<syntax::String>(e).value);
    case ExprKind::kFString: return format(syntax::as<syntax::FString>(e));
    case ExprKind::kEllipsis: builder_.fail(e.span, "`...` can only be used in an index of a Tensor");
    case ExprKind::kTuple: return tuple_literal(syntax::as<syntax::Tuple>(e), hint);
    case ExprKind::kList: return list_literal(syntax::as<syntax::List>(e), hint);
    case ExprKind::kDict: return dict_literal(syntax::as<syntax::Dict>(e), hint);
    case ExprKind::kListComp: return comprehensions_.list(syntax::as<syntax::ListComp>(e), hint);
    case ExprKind::kDictComp: return comprehensions_.dict(syntax::as<syntax::DictComp>(e), hint);
    case ExprKind::kUnary: return unary(syntax::as<syntax::Unary>(e));
    case ExprKind::kBinary: {
      const auto& b = syntax::as<syntax::Binary>(e);
      Def* left = value(*b.left);
      Def* right = value(*b.right);
      builder_.here(e.span);
      return values_.arithmetic(b.op, left, right, e.span);
    }
    case ExprKind::kBoolOp:
    case ExprKind::kCompare: {
      // Alone, a comparison of tensors is a tensor.
      const auto* comparison = syntax::is<syntax::Compare>(e);
      const Condition c = comparison ? conditions_.comparison(*comparison) : conditions_.of(e);
      builder_.here(e.span);
      return conditions_.value(c);
    }
    case ExprKind::kTernary: return ternary(syntax::as<syntax::Ternary>(e), hint);
    case ExprKind::kSubscript: return indexing_.subscript(syntax::as<syntax::Subscript>(e));
    case ExprKind::kSlice: builder_.fail(e.span, "a slice can only be used as an index");
    case ExprKind::kStarred:
      builder_.fail(e.span, "`*` cannot unpack here in scripts; write the elements one by one");
    case ExprKind::kCall: return calls_.call(syntax::as<syntax::Call>(e), hint);
  }
  builder_.fail(e.span, "this expression is not supported in scripts");
}

Def* Expressions::ternary(const syntax::Ternary& e, const TypePtr& hint) {
  const Condition c = conditions_.of(*e.condition);
  if (c.known.has_value()) return value(*c.known ? *e.then : *e.otherwise, hint);
  builder_.here(e.span);
  Node* node = builder_.if_(c.value);
  Def* sides[2];
  for (size_t i = 0; i < 2; ++i) {
    const FunctionBuilder::In in(builder_, *node->blocks[i]);
    const Scopes::Inner inner(scopes_);
    scopes_.refine(i == 0 ? c.when_true : c.when_false);
    sides[i] = value(i == 0 ? *e.then : *e.otherwise, hint);
    if (hint) {
      if (Def* fitting = builder_.coerce(sides[i], hint)) sides[i] = fitting;
    }
    node->blocks[i]->outputs = {sides[i]};
  }
  for (size_t i = 0; i < 2; ++i) {  // [] is of the other side's type
    if (is_fresh_empty_list(sides[i]) && sides[1 - i]->type->kind == TypeKind::kList)
      sides[i]->type = sides[1 - i]->type;
  }
  TypePtr type = join_types(sides[0]->type, sides[1]->type);
  if (!type && hint && is_subtype(sides[0]->type, hint) && is_subtype(sides[1]->type, hint)) type = hint;
  if (!type) {
    builder_.fail(e.span,
                  fmt::format("the two sides of this `if` expression are {} and {}; give them one type",
                              sides[0]->type->str(), sides[1]->type->str()));
  }
  builder_.here(e.span);
  return builder_.graph().add_output(*node, std::move(type));
}

Def* Expressions::tuple_literal(const syntax::Tuple& e, const TypePtr& hint) {
  const TypePtr wanted = hint_for(TypeKind::kTuple, hint);
  std::vector<Def*> items;
  const auto add = [&](const auto& make) {
    const TypePtr want = wanted && items.size() < wanted->of.size() ? wanted->of[items.size()] : nullptr;
    Def* item = make(want);
    Def* fitting = want ? builder_.coerce(item, want) : nullptr;
    items.push_back(fitting ? fitting : item);
  };
  for (const syntax::ExprPtr& item : e.items) {
    if (const auto* starred = syntax::is<syntax::Starred>(*item)) {
      for (Def* one : arguments_.spread(*starred)) add([&](const TypePtr&) { return one; });
    } else {
      add([&](const TypePtr& want) { return value(*item, want); });
    }
  }
  builder_.here(e.span);
  return builder_.tuple(std::move(items));
}

// One element of a list or dict, and what `type`, that of those before it, becomes with it. `what` the elements are.
Def* Expressions::element(const syntax::Expr& e, const TypePtr& wanted, TypePtr* type,
                          std::string_view what) {
  return element(value(e, wanted), e.span, wanted, type, what);
}

Def* Expressions::element(Def* def, Span span, const TypePtr& wanted, TypePtr* type, std::string_view what) {
  Def* fitting = wanted ? builder_.coerce(def, wanted) : nullptr;
  if (fitting) def = fitting;
  // Of the type that an annotation gives, whatever the others are.
  TypePtr both = fitting && (!*type || equal(*type, wanted)) ? wanted
                 : *type                                     ? join_types(*type, def->type)
                                                             : def->type;
  if (!both)
    builder_.fail(span, fmt::format("the {} must have one type: this is {}, those before are {}", what,
                                    def->type->str(), (*type)->str()));
  *type = std::move(both);
  return def;
}

Def* Expressions::list_literal(const syntax::List& e, const TypePtr& hint) {
  TypePtr inner = hint_for(TypeKind::kList, hint);
  if (!inner) inner = type_of_numbers(e);
  const TypePtr wanted = inner ? inner->of[0] : nullptr;
  std::vector<Def*> items;
  TypePtr type;
  constexpr std::string_view kWhat = "elements of a list";
  for (const syntax::ExprPtr& item : e.items) {
    if (const auto* starred = syntax::is<syntax::Starred>(*item)) {
      for (Def* one : arguments_.spread(*starred))
        items.push_back(element(one, item->span, wanted, &type, kWhat));
    } else {
      items.push_back(element(*item, wanted, &type, kWhat));
    }
  }
  // `[]` alone is a List[Tensor], as in TorchScript.
  if (!type || (wanted && is_subtype(type, wanted))) type = wanted ? wanted : Type::tensor();
  builder_.here(e.span);
  return builder_.list(std::move(items), type);
}

Def* Expressions::dict_literal(const syntax::Dict& e, const TypePtr& hint) {
  const TypePtr inner = hint_for(TypeKind::kDict, hint);
  const bool helps = inner != nullptr;
  TypePtr key, value;
  std::vector<Def*> parts;
  for (size_t i = 0; i < e.keys.size(); ++i) {
    parts.push_back(element(*e.keys[i], helps ? inner->of[0] : nullptr, &key, "keys of a dict"));
    parts.push_back(element(*e.values[i], helps ? inner->of[1] : nullptr, &value, "values of a dict"));
  }
  if (helps && (!key || is_subtype(key, inner->of[0]))) key = inner->of[0];
  if (helps && (!value || is_subtype(value, inner->of[1]))) value = inner->of[1];
  if (!key) key = Type::string();
  if (!value) value = Type::tensor();
  require_key(builder_, key, e.span);
  builder_.here(e.span);
  return builder_.dict(std::move(parts), key, value);
}

Def* Expressions::format(const syntax::FString& e) {
  std::string pattern;
  std::vector<Def*> values;
  for (const syntax::ExprPtr& part : e.parts) {
    if (const auto* text = syntax::is<syntax::String>(*part)) {
      // A brace of the text itself is doubled, as aten::format reads it.
      for (const char c : text->value) pattern.append(c == '{' || c == '}' ? 2 : 1, c);
    } else {
      pattern += "{}";
      Def* field = value(*part);
      values.push_back(class_of(field->type) ? values_.text_of(field, part->span) : field);
    }
  }
  builder_.here(e.span);
  if (values.empty()) return builder_.text(syntax::as<syntax::String>(*e.parts.front()).value);
  Def* list = builder_.list(std::move(values), Type::any());
  return builder_.must_operator("aten::format", {builder_.text(std::move(pattern)), list}, e.span);
}

Def* Expressions::unary(const syntax::Unary& e) {
  if (e.op == syntax::UnaryOp::kNot) return conditions_.value(conditions_.of(e));
  // -1 is a constant, not an operation.
  if (e.op == syntax::UnaryOp::kNeg) {
    if (const auto* i = syntax::is<syntax::Int>(*e.operand);
        i && i->value != std::numeric_limits<int64_t>::min()) {
      builder_.here(e.span);
      return builder_.integer(-i->value);
    }
    if (const auto* f = syntax::is<syntax::Float>(*e.operand)) {
      builder_.here(e.span);
      return builder_.constant(-f->value);
    }
  }
  Def* operand = value(*e.operand);
  builder_.here(e.span);
  return values_.sign(e.op, operand, e.span);
}

}  // namespace tine::compile
