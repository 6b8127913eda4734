#include "src/compile/conditions.h"

#include <algorithm>
#include <utility>

#include "src/compile/expressions.h"
#include "src/compile/instances.h"
#include "src/compile/meanings.h"
#include "src/compile/values.h"

namespace tine::compile {

using ir::Def;
using ir::Node;
using syntax::CompareOp;
using syntax::ExprKind;

Def* Conditions::value(const Condition& c) {
  return c.value ? c.value : builder_.boolean(c.known.value_or(false));
}

Condition Conditions::of(const syntax::Expr& e) {
  const FunctionBuilder::Nested level(builder_, e.span);
  if (e.kind == ExprKind::kTrue || e.kind == ExprKind::kFalse) return {.known = e.kind == ExprKind::kTrue};
  if (const auto* i = syntax::is<syntax::Int>(e)) return {.known = i->value != 0};
  if (const auto* u = syntax::is<syntax::Unary>(e); u && u->op == syntax::UnaryOp::kNot) return negation(*u);
  if (const auto* b = syntax::is<syntax::BoolOp>(e)) return both_or_either(*b);
  if (const auto* c = syntax::is<syntax::Compare>(e)) {
    Condition test = comparison(*c);
    builder_.here(e.span);
    if (test.value) test.value = values_.truth(test.value, e.span);
    if (test.value && is_constant_bool(test.value)) {
      test.known = test.value->node->constant.as_bool();
      test.value = nullptr;
    }
    return test;
  }
  if (const auto* call = syntax::is<syntax::Call>(e)) {
    if (auto test = instance_test(*call)) return *std::move(test);
  }
  Def* value = expressions_.value(e);
  builder_.here(e.span);
  // A constant in the text (torch.jit.is_scripting(), a global flag) decides the branch at compile time.
  if (is_constant_bool(value)) return {.known = value->node->constant.as_bool()};
  return {.value = values_.truth(value, e.span)};
}

Condition Conditions::negation(const syntax::Unary& e) {
  Condition inner = of(*e.operand);
  if (inner.known.has_value()) {
    inner.known = !*inner.known;
  } else {
    builder_.here(e.span);
    inner.value = builder_.must_operator("aten::__not__", {inner.value}, e.span);
  }
  std::swap(inner.when_true, inner.when_false);
  return inner;
}

Condition Conditions::both_or_either(const syntax::BoolOp& e) {
  Condition left = of(*e.left);
  // If the left side decides, the right side is not compiled: its types may not fit.
  if (left.known.has_value()) return *left.known != e.is_and ? left : of(*e.right);
  Condition result, right;
  result.value = values_.short_circuit(left.value, e.is_and, [&] {
    // `x is not None and x > 0`: the right side of `and` is evaluated only if the left side held, that of `or` only if it
    // did not. So the right side is compiled with what that tells.
    scopes_.refine(e.is_and ? left.when_true : left.when_false);
    right = of(*e.right);
    return value(right);
  });
  if (right.known.has_value()) {
    // `x and False` is False and `x or True` is True, after x was evaluated. In the other cases the result is x.
    if (*right.known == e.is_and) return left;
    result.known = right.known;
    result.value = nullptr;
    return result;
  }
  // If `and` holds, both sides held; if `or` does not hold, neither side held. The other outcome does not say which side it
  // was, so it tells nothing.
  auto& told = e.is_and ? result.when_true : result.when_false;
  const auto& more = e.is_and ? right.when_true : right.when_false;
  told = std::move(e.is_and ? left.when_true : left.when_false);
  told.insert(told.end(), more.begin(), more.end());
  return result;
}

// `isinstance(x, T)` of a variable tells its type; any other call is left to the caller.
std::optional<Condition> Conditions::instance_test(const syntax::Call& call) {
  if (scopes_.free_name(*call.callee).empty()) return std::nullopt;
  const Meaning callee = meanings_.of(*call.callee);
  const auto* builtin = std::get_if<Builtin>(&callee.resolved);
  const auto* tested = !call.args.empty() ? syntax::is<syntax::Name>(*call.args[0]) : nullptr;
  if (!builtin || builtin->form != Form::kIsInstance || call.args.size() != 2 || !tested ||
      !call.keywords.empty())
    return std::nullopt;
  Condition result;
  Def* value = expressions_.value(*tested);
  const InstanceTest test =
      compile::instance_test(value->type, instance_types(*call.args[1], names_), names_, call.args[1]->span);
  result.known = test.known;
  if (result.known.has_value()) return result;
  builder_.here(call.span);
  result.value = builder_.is_instance(value, test.ask);
  if (test.when_true) result.when_true.push_back({tested->id, test.when_true});
  if (test.when_false) result.when_false.push_back({tested->id, test.when_false});
  return result;
}

// `x is None`, `x is not None`.
Condition Conditions::identity(const syntax::Compare& e) {
  Condition result;
  const bool right_none = e.rest[0]->kind == ExprKind::kNone;
  if (!right_none && e.first->kind != ExprKind::kNone) {
    Def* left = expressions_.value(*e.first);
    Def* right = expressions_.value(*e.rest[0]);
    builder_.here(e.span);
    result.value = values_.compare(e.ops[0], left, right, e.span);
    return result;
  }
  const syntax::Expr& tested = right_none ? *e.first : *e.rest[0];
  Def* value = expressions_.value(tested);
  const bool is_not = e.ops[0] == CompareOp::kIsNot;
  if (value->type->kind == TypeKind::kNone) {
    result.known = !is_not;
  } else if (value->type->kind != TypeKind::kOptional && value->type->kind != TypeKind::kAny) {
    result.known = is_not;
  } else {
    builder_.here(e.span);
    result.value = builder_.is_instance(value, Type::none());
    if (is_not) result.value = builder_.must_operator("aten::__not__", {result.value}, e.span);
    const auto* name = syntax::is<syntax::Name>(tested);
    if (name && value->type->kind == TypeKind::kOptional)
      (is_not ? result.when_true : result.when_false).push_back({name->id, value->type->of[0]});
  }
  return result;
}

Condition Conditions::comparison(const syntax::Compare& e) {
  if (e.ops.size() == 1 && (e.ops[0] == CompareOp::kIs || e.ops[0] == CompareOp::kIsNot)) return identity(e);
  Def* left = expressions_.value(*e.first);
  Def* all = nullptr;
  // a < b < c is a < b and b < c with b evaluated once; each comparison runs only if those before held. So each
  // opens a block inside the one before, and these are closed from the inside out.
  std::vector<std::pair<Node*, ir::Builder>> open;
  for (size_t i = 0; i < e.ops.size(); ++i) {
    Def* right = expressions_.value(*e.rest[i]);
    builder_.here(e.span);
    Def* one = values_.compare(e.ops[i], left, right, e.span);
    left = right;
    if (i + 1 == e.ops.size()) {
      all = one;
      break;
    }
    if (one->type->kind != TypeKind::kBool) one = values_.truth(one, e.span);
    Node* node = builder_.if_(one);
    open.emplace_back(node, builder_.position());
    builder_.go_to(builder_.in(*node->blocks[0]));
  }
  if (!open.empty()) all = values_.truth(all, e.span);
  while (!open.empty()) {
    auto [node, outer] = open.back();
    open.pop_back();
    node->blocks[0]->outputs = {all};
    builder_.go_to(builder_.in(*node->blocks[1]));
    node->blocks[1]->outputs = {builder_.boolean(false)};
    builder_.go_to(outer);
    all = builder_.graph().add_output(*node, Type::boolean());
  }
  return {.value = all};
}

std::vector<Refinement> Conditions::told_by(const syntax::Expr& e) {
  // Compiles the condition only for what it tells, into a block that is not part of the graph.
  ir::Graph& graph = builder_.graph();
  const FunctionBuilder::In in(builder_, *graph.add_block(*graph.create(ir::Kind::kIf, {})));
  const Scopes::Inner inner(scopes_);
  return of(e).when_true;
}

}  // namespace tine::compile
