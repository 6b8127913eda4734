#include "src/compile/statements.h"

#include "src/compile/annotations.h"
#include "src/compile/arguments.h"
#include "src/compile/assignments.h"
#include "src/compile/conditions.h"
#include "src/compile/control.h"
#include "src/compile/expressions.h"
#include "src/compile/indexing.h"
#include "src/compile/meanings.h"
#include "src/compile/returns.h"
#include "src/compile/values.h"
#include "src/compile/withs.h"

namespace tine::compile {

using ir::Def;
using syntax::StmtKind;

bool Statements::body(const syntax::Body& statements) {
  if (statements.empty()) return false;
  const FunctionBuilder::Nested level(builder_, statements.front()->span);
  for (const syntax::StmtPtr& s : statements) {
    builder_.here(s->span);
    // Statements after an exit are never reached, so they are not compiled, as in TorchScript.
    if (statement(*s)) return true;
  }
  return false;
}

bool Statements::statement(const syntax::Stmt& s) {
  switch (s.kind) {
    case StmtKind::kPass: return false;
    case StmtKind::kExpr: {
      const syntax::Expr& e = *syntax::as<syntax::ExprStmt>(s).value;
      if (e.kind == syntax::ExprKind::kString || e.kind == syntax::ExprKind::kEllipsis)
        return false;  // a docstring, a placeholder
      expressions_.value(e);
      return false;
    }
    case StmtKind::kAssign: assign(syntax::as<syntax::Assign>(s)); return false;
    case StmtKind::kAnnAssign: annotated_assign(syntax::as<syntax::AnnAssign>(s)); return false;
    case StmtKind::kAugAssign: augmented_assign(syntax::as<syntax::AugAssign>(s)); return false;
    case StmtKind::kIf: return control_.if_(syntax::as<syntax::If>(s));
    case StmtKind::kWhile: return control_.while_(syntax::as<syntax::While>(s));
    case StmtKind::kFor: return control_.for_(syntax::as<syntax::For>(s));
    case StmtKind::kBreak: control_.leave_turn(true, s.span); return true;
    case StmtKind::kContinue: control_.leave_turn(false, s.span); return true;
    case StmtKind::kReturn: returns_.statement(syntax::as<syntax::Return>(s)); return true;
    case StmtKind::kRaise: raise(syntax::as<syntax::Raise>(s)); return true;
    case StmtKind::kWith: return withs_.statement(syntax::as<syntax::With>(s));
    case StmtKind::kDelete: delete_(syntax::as<syntax::Delete>(s)); return false;
    case StmtKind::kAssert: return assert_(syntax::as<syntax::Assert>(s));
  }
  return false;
}

// `x: List[int]`, then `x = []`: what is declared helps. Null when nothing is.
TypePtr Statements::type_of_target(const syntax::Expr& target) const {
  if (const auto* name = syntax::is<syntax::Name>(target)) {
    const Variable* v = scopes_.find(name->id);
    return v ? v->declared : nullptr;
  }
  const auto* a = syntax::is<syntax::Attribute>(target);
  return a ? assignments_.declared_type(*a) : nullptr;
}

// The value that is assigned; null for `f = torch.relu`, after which the variable can be called.
Def* Statements::function_or_value(const syntax::Assign& s) {
  const syntax::Expr& e = *s.value;
  const auto* name = s.targets.size() == 1 ? syntax::is<syntax::Name>(*s.targets.front()) : nullptr;
  const bool names_something = e.kind == syntax::ExprKind::kName || e.kind == syntax::ExprKind::kAttribute;
  if (!name || !names_something) return expressions_.value(e, type_of_target(*s.targets.front()));
  Meaning meaning = meanings_.of(e);
  const Variable* old = scopes_.find(name->id);
  if ((old && old->declared) || !meanings_.is_callable(meaning, e.span))
    return meanings_.value_of(meaning, e.span);
  Variable v;
  v.why = fmt::format(
      "`{}` is a function, which a variable holds only up to the end of its block; call it there", name->id);
  v.assigned = true;
  v.callee = std::make_shared<const Meaning>(std::move(meaning));
  scopes_.set(name->id, std::move(v));
  return nullptr;
}

void Statements::assign(const syntax::Assign& s) {
  Def* value = function_or_value(s);
  if (!value) return;
  for (const syntax::ExprPtr& target : s.targets) assignments_.assign(*target, value, s.value->span);
}

void Statements::annotated_assign(const syntax::AnnAssign& s) {
  const TypePtr type = annotation_type(*s.annotation, names_);
  if (const auto* attribute = syntax::is<syntax::Attribute>(*s.target)) {
    if (!s.value) return;
    Def* value = expressions_.value(*s.value, type);
    Def* fitting = builder_.coerce(value, type);
    if (!fitting)
      builder_.fail(s.value->span, fmt::format("expected {}, got {}", type->str(), value->type->str()));
    assignments_.assign_declared(*attribute, type, fitting, s.value->span);
    return;
  }
  const auto& name = syntax::as<syntax::Name>(*s.target);
  if (const Variable* old = scopes_.find(name.id); old && old->declared && !equal(old->declared, type))
    builder_.fail(s.span, fmt::format("`{}` is declared as {} already", name.id, old->declared->str()));
  if (!s.value) return declare(name.id, type, s.span);
  Def* value = expressions_.value(*s.value, type);
  Def* fitting = builder_.coerce(value, type);
  if (!fitting) {
    builder_.fail(s.value->span, fmt::format("`{}` is declared as {}, but this is {}", name.id, type->str(),
                                             value->type->str()));
  }
  if (fitting->name.empty()) fitting->name = std::string(name.id);
  scopes_.set(name.id, Variable{fitting, type, {}, true});
}

// `x: T` alone.
void Statements::declare(std::string_view name, const TypePtr& type, Span span) {
  const Variable* old = scopes_.find(name);
  if (!old || !old->def) {
    scopes_.set(name,
                Variable{nullptr, type, fmt::format("`{}` is declared but has no value yet", name), true});
    return;
  }
  if (!is_subtype(old->def->type, type))
    builder_.fail(span, fmt::format("`{}` holds a value of type {} and cannot be declared as {}", name,
                                    old->def->type->str(), type->str()));
  scopes_.set(name, Variable{old->def, type, {}, old->assigned});
}

void Statements::delete_(const syntax::Delete& s) {
  for (const syntax::ExprPtr& target : s.targets) {
    if (const auto* element = syntax::is<syntax::Subscript>(*target)) {
      indexing_.delete_element(*element);
      continue;
    }
    const auto* name = syntax::is<syntax::Name>(*target);
    if (!name)
      builder_.fail(target->span,
                    "an attribute of a module stays as long as the module; set it to None or to an "
                    "empty value instead");
    const TypePtr declared = type_of_target(*name);
    expressions_.value(*name);  // fails where there is no such variable
    scopes_.set(
        name->id,
        Variable{nullptr, declared,
                 fmt::format("`{}` was deleted at {}", name->id, builder_.at(target->span).str()), true});
  }
}

void Statements::augmented_assign(const syntax::AugAssign& s) {
  // The object and its index must be evaluated once, for the read and the write, so the indexing does both.
  if (const auto* element = syntax::is<syntax::Subscript>(*s.target)) return indexing_.update(*element, s);
  Def* old = expressions_.value(*s.target);
  Def* value = expressions_.value(*s.value, old->type);
  builder_.here(s.span);
  Def* result = values_.arithmetic(s.op, old, value, s.span, true);
  // A list in an attribute, or the Tensor behind `x.data`, was changed in place: there is nothing left to assign.
  const auto* attribute = syntax::is<syntax::Attribute>(*s.target);
  const bool of_tensor = attribute && old->node && old->node->kind == ir::Kind::kOp && result->node &&
                         result->node->kind == ir::Kind::kOp && !result->node->op->traits.pure;
  if (of_tensor) return;
  if (result != old || s.target->kind == syntax::ExprKind::kName)
    assignments_.assign(*s.target, result, s.span);
}

void Statements::raise(const syntax::Raise& s) {
  const auto* call = syntax::is<syntax::Call>(*s.exception);
  const syntax::Expr& named = call ? *call->callee : *s.exception;
  const Resolved r = scopes_.free_name(named).empty() ? Resolved(Missing{}) : meanings_.of(named).resolved;
  const auto* exception = std::get_if<ExceptionName>(&r);
  if (!exception) builder_.fail(named.span, "expected an exception class, as in `raise ValueError(\"...\")`");
  Def* message = nullptr;
  if (call) {
    if (!call->keywords.empty())
      builder_.fail(call->keywords.front().span,
                    "an exception takes no keywords in scripts; give it a message");
    std::vector<Def*> args;
    for (CallArgument& a : arguments_.of(*call)) args.push_back(arguments_.value(a));
    // As str() of the exception shows its arguments.
    if (args.size() > 1) args = {builder_.tuple(std::move(args))};
    if (!args.empty()) message = values_.text_of(args.front(), call->args.front()->span);
  }
  builder_.here(s.span);
  if (!message) message = builder_.text("");
  ErrorKind kind;
  builder_.raise(kind_named(exception->name, &kind) ? exception->name : "RuntimeError", message);
}

bool Statements::assert_(const syntax::Assert& s) {
  const Condition c = conditions_.of(*s.condition);
  builder_.here(s.span);
  const auto raise = [&] {
    // Computed only where the assertion fails.
    Def* message =
        s.message ? values_.text_of(expressions_.value(*s.message), s.message->span) : builder_.text("");
    builder_.here(s.span);
    builder_.raise("AssertionError", message);
  };
  if (c.known.has_value()) {
    if (!*c.known) raise();
    return !*c.known;
  }
  ir::Node* node = builder_.if_(c.value);
  {
    const FunctionBuilder::In in(builder_, *node->blocks[1]);
    const Scopes::Inner inner(scopes_);
    scopes_.refine(c.when_false);
    raise();
  }
  // Control goes on where it held, so what it tells holds from here on.
  scopes_.refine(c.when_true);
  return false;
}

}  // namespace tine::compile
