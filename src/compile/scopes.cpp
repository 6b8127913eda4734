#include <algorithm>

#include "src/compile/builtins.h"
#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;

FunctionCompiler::Variable* FunctionCompiler::find(std::string_view name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->variables.find(name); found != scope->variables.end())
      return &found->second;
  }
  return nullptr;
}

FunctionCompiler::Variable& FunctionCompiler::set(std::string_view name, Variable variable) {
  Scope& scope = scopes_.back();
  const auto [at, fresh] = scope.variables.insert_or_assign(name, std::move(variable));
  if (fresh) scope.order.push_back(name);
  return at->second;
}

void FunctionCompiler::assign_name(std::string_view name, Def* def, Span span) {
  TypePtr declared;
  if (const Variable* old = find(name)) declared = old->declared;
  if (declared) {
    Def* fitting = coerce(def, declared);
    if (!fitting) {
      fail(span, fmt::format("`{}` is declared as {} and cannot be given a value of type {}", name,
                             declared->str(), def->type->str()));
    }
    def = fitting;
  }
  if (def->name.empty()) def->name = std::string(name);
  set(name, Variable{def, std::move(declared), {}, true});
}

void FunctionCompiler::refine(const std::vector<Refinement>& refinements) {
  for (const Refinement& r : refinements) {
    const Variable* old = find(r.name);
    if (!old || !old->def || equal(old->def->type, r.type)) continue;
    Variable narrow = *old;
    narrow.def = builder_.cast(old->def, r.type);
    // In the scope that assigned it a variable stays assigned.
    const auto here = scopes_.back().variables.find(r.name);
    narrow.assigned = here != scopes_.back().variables.end() && here->second.assigned;
    set(r.name, std::move(narrow));
  }
}

Def* FunctionCompiler::variable(const syntax::Name& name) {
  const Variable* v = find(name.id);
  if (!v) return nullptr;
  if (!v->def) fail(name.span, v->why);
  return v->def;
}

void FunctionCompiler::undefined(std::string_view dotted, Span span) {
  const size_t dot = dotted.rfind('.');
  std::vector<std::string> names;
  if (resolver_) names = resolver_->candidates(dotted);
  if (dot == std::string_view::npos) {
    for (const Scope& scope : scopes_) {
      for (const auto& [name, variable] : scope.variables) names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    for (std::string& name : language_names()) names.push_back(std::move(name));
    fail(span, fmt::format("undefined name `{}`{}", dotted, did_you_mean(dotted, names)));
  }
  const std::string_view last = dotted.substr(dot + 1);
  const std::string_view place = dotted.substr(0, dot);
  const auto usable = [&](const std::string& name) {
    const Resolved r = resolve_name(resolver_, fmt::format("{}.{}", place, name));
    return !std::holds_alternative<Missing>(r) && !std::holds_alternative<Refused>(r);
  };
  fail(span, fmt::format("`{}` has no `{}` that a script can use{}", place, last,
                         did_you_mean(last, names, usable)));
}

std::string FunctionCompiler::optional_help(const Def* value) {
  if (value->type->kind != TypeKind::kOptional) return {};
  if (!value->node || value->node->kind != ir::Kind::kGetAttr) return "; test `is not None` first";
  const std::string& name = value->node->name;
  const std::string& owner = value->node->inputs[0]->name;
  return fmt::format(
      "; an attribute may change between its test and its use, so assign it to a variable first, `{0} = "
      "{1}.{0}`, and test that one: `if {0} is not None:`",
      name, owner.empty() ? "self" : owner);
}

TypePtr FunctionCompiler::join_types(const TypePtr& a, const TypePtr& b) {
  const auto vague = [](const auto& self, const TypePtr& t) -> bool {
    return t->kind == TypeKind::kNumber || t->kind == TypeKind::kAny ||
           std::any_of(t->of.begin(), t->of.end(), [&](const TypePtr& inner) { return self(self, inner); });
  };
  TypePtr t = unify(a, b);
  return t && vague(vague, t) && !vague(vague, a) && !vague(vague, b) ? nullptr : t;
}

bool FunctionCompiler::is_fresh_empty_list(const Def* d) {
  // A name is set when the list is assigned: from then on its type is fixed.
  return d->node && d->node->kind == ir::Kind::kListConstruct && d->node->inputs.empty() && d->name.empty();
}

Def* FunctionCompiler::coerce(Def* value, const TypePtr& want) {
  const TypePtr& from = value->type;
  if (is_subtype(from, want)) return value;
  const TypePtr& inner = want->kind == TypeKind::kOptional ? want->of[0] : want;
  if (inner->kind == TypeKind::kFloat && from->kind == TypeKind::kInt) return to_float(value);
  if (inner->kind == TypeKind::kList && is_fresh_empty_list(value)) {
    value->type = inner;
    return value;
  }
  if (inner->kind == TypeKind::kTuple && from->kind == TypeKind::kTuple &&
      from->of.size() == inner->of.size()) {
    for (size_t i = 0; i < from->of.size(); ++i) {  // before anything is emitted
      const TypePtr& f = from->of[i];
      const TypePtr& w = inner->of[i];
      const bool to_float = f->kind == TypeKind::kInt &&
                            (w->kind == TypeKind::kFloat ||
                             (w->kind == TypeKind::kOptional && w->of[0]->kind == TypeKind::kFloat));
      if (!is_subtype(f, w) && !to_float && !(f->kind == TypeKind::kTuple && w->kind == TypeKind::kTuple))
        return nullptr;
    }
    std::vector<Def*> elements = builder_.unpack_tuple(value);
    for (size_t i = 0; i < elements.size(); ++i) {
      elements[i] = coerce(elements[i], inner->of[i]);
      if (!elements[i]) return nullptr;
    }
    return builder_.tuple(std::move(elements));
  }
  return nullptr;
}

}  // namespace tine::compile
