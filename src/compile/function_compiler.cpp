#include "src/compile/function_compiler.h"

#include <algorithm>

#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;
using syntax::StmtKind;

FunctionCompiler::FunctionCompiler(Session& session, Unit& unit)
    : session_(session),
      unit_(unit),
      source_(unit.from.source),
      resolver_(unit.from.resolver.get()),
      graph_(std::make_shared<ir::Graph>(unit.from.qualified_name)),
      builder_(*graph_) {}

void FunctionCompiler::run() {
  const Schema& schema = unit_.result.schema;
  if (unit_.declares_result) declared_result_ = schema.result_type();
  scopes_.emplace_back();
  for (size_t i = 0; i < schema.args.size(); ++i) {
    const auto& a = schema.args[i];
    Def* def = graph_->add_input(a.type, a.name);
    set(unit_.def->params[i].name, Variable{def, a.type, {}, true});
  }
  here(unit_.def->span);
  const bool exited = body(unit_.def->body);
  const Span head = unit_.def->name_span;
  if (!exited) {
    // Falling off the end returns None.
    if (declared_result_) {
      if (!is_subtype(Type::none(), declared_result_)) {
        fail(head, fmt::format("`{}` returns {}, but not on every path; return a value or raise at its end",
                               unit_.def->name, declared_result_->str()));
      }
    } else if (result_ && !is_subtype(Type::none(), result_)) {
      fail(head,
           fmt::format("`{}` returns {} on one path and nothing at its end; return a value or raise there",
                       unit_.def->name, result_->str()));
    }
    here(unit_.def->span);
    graph_->root().outputs = {builder_.constant(Value(), Type::none())};
    if (!result_) result_ = Type::none();
  }
  // Only raises: nothing can use its result.
  TypePtr type = declared_result_ ? declared_result_ : result_ ? result_ : Type::none();
  graph_->returns = {type};
  if (!unit_.declares_result && type->kind != TypeKind::kNone) unit_.result.schema.returns = {type};
  unit_.result.graph = std::move(graph_);
}

bool FunctionCompiler::body(const syntax::Body& statements) {
  if (statements.empty()) return false;
  const Session::Level level(session_, source_, statements.front()->span);
  for (const syntax::StmtPtr& s : statements) {
    here(s->span);
    // What follows an exit is never reached, so it is not compiled, as in TorchScript.
    if (statement(*s)) return true;
  }
  return false;
}

bool FunctionCompiler::statement(const syntax::Stmt& s) {
  switch (s.kind) {
    case StmtKind::kPass: return false;
    case StmtKind::kExpr: {
      const syntax::Expr& e = *syntax::as<syntax::ExprStmt>(s).value;
      if (e.kind == syntax::ExprKind::kString || e.kind == syntax::ExprKind::kEllipsis)
        return false;  // a docstring, a placeholder
      expression(e);
      return false;
    }
    case StmtKind::kAssign: assign_statement(syntax::as<syntax::Assign>(s)); return false;
    case StmtKind::kAnnAssign: annotated_assign(syntax::as<syntax::AnnAssign>(s)); return false;
    case StmtKind::kAugAssign: augmented_assign(syntax::as<syntax::AugAssign>(s)); return false;
    case StmtKind::kIf: return if_statement(syntax::as<syntax::If>(s));
    case StmtKind::kWhile: return while_statement(syntax::as<syntax::While>(s));
    case StmtKind::kFor: return for_statement(syntax::as<syntax::For>(s));
    case StmtKind::kBreak: return loop_exit(true, s.span);
    case StmtKind::kContinue: return loop_exit(false, s.span);
    case StmtKind::kReturn: return return_statement(syntax::as<syntax::Return>(s));
    case StmtKind::kRaise: return raise_statement(syntax::as<syntax::Raise>(s));
    case StmtKind::kAssert: return assert_statement(syntax::as<syntax::Assert>(s));
  }
  return false;
}

bool FunctionCompiler::return_statement(const syntax::Return& s) {
  Def* value = s.value ? expression(*s.value, declared_result_) : builder_.constant(Value(), Type::none());
  const Span span = s.value ? s.value->span : s.span;
  here(s.span);
  if (declared_result_) {
    Def* fitting = coerce(value, declared_result_);
    if (!fitting) {
      fail(span, fmt::format("`{}` is declared to return {}, but this is {}", unit_.def->name,
                             declared_result_->str(), value->type->str()));
    }
    value = fitting;
  } else if (!result_) {
    result_ = value->type;
    result_span_ = span;
  } else {
    TypePtr both = join_types(result_, value->type);
    if (!both) {
      fail(span,
           fmt::format(
               "`{}` returns {} here but {} at {}; write its result type, or return the same type everywhere",
               unit_.def->name, value->type->str(), result_->str(), at(result_span_).str()));
    }
    result_ = std::move(both);
  }
  if (&builder_.block() == &graph_->root()) {
    graph_->root().outputs = {value};
  } else {
    builder_.return_({value});
  }
  return true;
}

void FunctionCompiler::assign_statement(const syntax::Assign& s) {
  // `x: List[int]`, then `x = []`: what is declared helps.
  TypePtr hint;
  if (const auto* name = syntax::is<syntax::Name>(*s.targets.front())) {
    if (const Variable* v = find(name->id)) hint = v->declared;
  } else if (const auto* a = syntax::is<syntax::Attribute>(*s.targets.front())) {
    if (const auto* object = syntax::is<syntax::Name>(*a->object)) {
      const Variable* v = find(object->id);
      if (v && v->def && v->def->type->kind == TypeKind::kObject) {
        const auto& type = static_cast<const ObjectType&>(*v->def->type);
        if (const int slot = type.slot_index(a->name); slot >= 0)
          hint = type.slots[static_cast<size_t>(slot)].type;
      }
    }
  }
  Def* value = expression(*s.value, hint);
  for (const syntax::ExprPtr& target : s.targets) assign(*target, value, s.value->span);
}

void FunctionCompiler::assign(const syntax::Expr& target, Def* value, Span span) {
  switch (target.kind) {
    case syntax::ExprKind::kName: assign_name(syntax::as<syntax::Name>(target).id, value, span); return;
    case syntax::ExprKind::kTuple:
    case syntax::ExprKind::kList: {
      const auto& items = target.kind == syntax::ExprKind::kTuple ? syntax::as<syntax::Tuple>(target).items
                                                                  : syntax::as<syntax::List>(target).items;
      here(target.span);
      std::vector<Def*> values;
      if (value->type->kind == TypeKind::kTuple) {
        if (value->type->of.size() != items.size()) {
          fail(target.span,
               fmt::format("expected {} value{} to unpack, got {} of type {}", items.size(),
                           items.size() == 1 ? "" : "s", value->type->of.size(), value->type->str()));
        }
        values = builder_.unpack_tuple(value);
      } else if (value->type->kind == TypeKind::kList) {
        values = builder_.unpack_list(value, static_cast<int>(items.size()));
      } else if (value->type->kind == TypeKind::kTensor) {
        Def* rows = must_operator("aten::__unpack", {value, integer(static_cast<int64_t>(items.size()))},
                                  target.span);
        values = builder_.unpack_list(rows, static_cast<int>(items.size()));
      } else {
        fail(span, fmt::format("a value of type {} cannot be unpacked into {} variables", value->type->str(),
                               items.size()));
      }
      for (size_t i = 0; i < items.size(); ++i) assign(*items[i], values[i], span);
      return;
    }
    case syntax::ExprKind::kAttribute: {
      const auto& a = syntax::as<syntax::Attribute>(target);
      Def* object = expression(*a.object);
      if (object->type->kind != TypeKind::kObject) {
        fail(target.span, fmt::format("only attributes of modules can be assigned to, not those of {}",
                                      object->type->str()));
      }
      const auto& type = static_cast<const ObjectType&>(*object->type);
      const int slot = type.slot_index(a.name);
      if (slot < 0) {
        if (resolver_ && std::holds_alternative<Constant>(resolver_->method(type, a.name))) {
          fail(a.name_span, fmt::format("`{}` is a constant of `{}` (Final, or named in __constants__) and "
                                        "cannot be assigned to",
                                        a.name, type.name));
        }
        std::vector<std::string> names;
        for (const auto& field : type.slots) names.push_back(field.name);
        fail(a.name_span, fmt::format("`{}` has no attribute `{}`{}; create it in __init__", type.name,
                                      a.name, did_you_mean(a.name, names)));
      }
      const TypePtr& want = type.slots[static_cast<size_t>(slot)].type;
      Def* fitting = coerce(value, want);
      if (!fitting) {
        const std::string help =
            want->kind == TypeKind::kNone
                ? fmt::format("; annotate it in the class, not in __init__: `{}: Optional[{}]`", a.name,
                              value->type->str())
                : std::string();
        fail(span, fmt::format("the attribute `{}` is {} and cannot be given a value of type {}{}", a.name,
                               want->str(), value->type->str(), help));
      }
      here(target.span);
      builder_.set_attr(object, std::string(a.name), fitting);
      return;
    }
    case syntax::ExprKind::kSubscript:
      assign_subscript(syntax::as<syntax::Subscript>(target), value, span);
      return;
    default: fail(target.span, "this cannot be assigned to");
  }
}

void FunctionCompiler::annotated_assign(const syntax::AnnAssign& s) {
  const TypePtr type = annotation_type(*s.annotation, source_, resolver_);
  if (const auto* attribute = syntax::is<syntax::Attribute>(*s.target)) {
    if (!s.value) return;
    Def* value = expression(*s.value, type);
    Def* fitting = coerce(value, type);
    if (!fitting) fail(s.value->span, fmt::format("expected {}, got {}", type->str(), value->type->str()));
    assign(*attribute, fitting, s.value->span);
    return;
  }
  const auto& name = syntax::as<syntax::Name>(*s.target);
  if (const Variable* old = find(name.id); old && old->declared && !equal(old->declared, type)) {
    fail(s.span, fmt::format("`{}` is declared as {} already", name.id, old->declared->str()));
  }
  if (!s.value) {
    if (const Variable* old = find(name.id); old && old->def) {
      if (!is_subtype(old->def->type, type))
        fail(s.span, fmt::format("`{}` holds a {} and cannot be declared as {}", name.id,
                                 old->def->type->str(), type->str()));
      set(name.id, Variable{old->def, type, {}, old->assigned});
    } else {
      set(name.id,
          Variable{nullptr, type, fmt::format("`{}` is declared but has no value yet", name.id), true});
    }
    return;
  }
  Def* value = expression(*s.value, type);
  Def* fitting = coerce(value, type);
  if (!fitting) {
    fail(s.value->span,
         fmt::format("`{}` is declared as {}, but this is {}", name.id, type->str(), value->type->str()));
  }
  if (fitting->name.empty()) fitting->name = std::string(name.id);
  set(name.id, Variable{fitting, type, {}, true});
}

void FunctionCompiler::augmented_assign(const syntax::AugAssign& s) {
  if (s.target->kind == syntax::ExprKind::kSubscript) {
    const auto& e = syntax::as<syntax::Subscript>(*s.target);
    Def* object = expression(*e.object);
    if (object->type->kind == TypeKind::kTensor) {
      const std::vector<Def*> indices = tensor_indices(e);
      Def* item = tensor_index(object, indices, e.span);
      Def* value = expression(*s.value);
      here(s.span);
      Def* result = arithmetic(s.op, item, value, s.span, true);
      const bool written =
          result->node && result->node->kind == ir::Kind::kOp && !result->node->op->traits.pure;
      if (!written || !gives_view(indices)) set_tensor_index(object, indices, result, s.span);
      return;
    }
    if (object->type->kind != TypeKind::kList && object->type->kind != TypeKind::kDict) {
      fail(e.span, fmt::format("the elements of {} cannot be changed", object->type->str()));
    }
    if (e.indices.size() != 1 || e.comma || e.indices[0]->kind == syntax::ExprKind::kSlice) {
      fail(e.span, "only a single element can be changed in place");
    }
    Def* index = expression(*e.indices[0]);
    Def* old = must_operator("aten::__getitem__", {object, index}, e.span);
    Def* value = arithmetic(s.op, old, expression(*s.value), s.span);
    const TypePtr& want = object->type->of.back();
    Def* fitting = coerce(value, want);
    if (!fitting)
      fail(s.span, fmt::format("the elements are {}, but this gives {}", want->str(), value->type->str()));
    here(s.span);
    must_operator("aten::_set_item", {object, index, fitting}, s.span);
    return;
  }
  Def* old = expression(*s.target);
  Def* value = expression(*s.value, old->type);
  here(s.span);
  Def* result = arithmetic(s.op, old, value, s.span, true);
  if (result != old || s.target->kind == syntax::ExprKind::kName) assign(*s.target, result, s.span);
}

bool FunctionCompiler::raise_statement(const syntax::Raise& s) {
  const auto* call = syntax::is<syntax::Call>(*s.exception);
  const syntax::Expr& named = call ? *call->callee : *s.exception;
  const std::string name = dotted_name(named);
  const Resolved r =
      name.empty() || find(name.substr(0, name.find('.'))) ? Resolved(Missing{}) : thing(named).resolved;
  const auto* exception = std::get_if<ExceptionName>(&r);
  if (!exception) fail(named.span, "expected an exception class, as in `raise ValueError(\"...\")`");
  Def* message = nullptr;
  if (call) {
    if (!call->keywords.empty())
      fail(call->keywords.front().span, "an exception takes no keywords in scripts; give it one message");
    if (call->args.size() > 1)
      fail(call->args[1]->span, "an exception takes one message in scripts; join the parts with an f-string");
    if (!call->args.empty()) message = text_of(expression(*call->args.front()), call->args.front()->span);
  }
  here(s.span);
  if (!message) message = builder_.constant(Value(""));
  ErrorKind kind;
  builder_.raise(kind_named(exception->name, &kind) ? exception->name : "RuntimeError", message);
  return true;
}

bool FunctionCompiler::assert_statement(const syntax::Assert& s) {
  const Condition c = condition(*s.condition);
  here(s.span);
  const auto raise = [&] {
    Def* message =
        s.message ? text_of(expression(*s.message), s.message->span) : builder_.constant(Value(""));
    here(s.span);
    builder_.raise("AssertionError", message);
  };
  if (c.known.has_value()) {
    if (!*c.known) raise();
    return !*c.known;
  }
  ir::Node* node = builder_.if_(c.value);
  {
    const In in(*this, *node->blocks[1]);
    const Inner inner(*this);
    refine(c.when_false);
    raise();
  }
  refine(c.when_true);
  return false;
}

}  // namespace tine::compile
