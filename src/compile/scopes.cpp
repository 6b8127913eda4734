#include "src/compile/scopes.h"

#include <algorithm>

#include "src/compile/names.h"

namespace tine::compile {

using ir::Def;

const Variable* Scope::find(std::string_view name) const {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

const Variable* Scopes::find(std::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const Variable* found = scope->find(name)) return found;
  }
  return nullptr;
}

void Scopes::set(std::string_view name, Variable variable) {
  Scope& scope = scopes_.back();
  if (scope.variables.insert_or_assign(name, std::move(variable)).second) scope.order.push_back(name);
}

void Scopes::assign(std::string_view name, Def* def, Span span) {
  TypePtr declared;
  if (const Variable* old = find(name)) declared = old->declared;
  if (declared) {
    Def* fitting = builder_.coerce(def, declared);
    if (!fitting) {
      builder_.fail(span, fmt::format("`{}` is declared as {} and cannot be given a value of type {}", name,
                                      declared->str(), def->type->str()));
    }
    def = fitting;
  }
  if (def->name.empty()) def->name = std::string(name);
  set(name, Variable{def, std::move(declared), {}, true});
}

void Scopes::refine(const std::vector<Refinement>& refinements) {
  for (const Refinement& r : refinements) {
    const Variable* old = find(r.name);
    if (!old || !old->def || equal(old->def->type, r.type)) continue;
    Variable narrow = *old;
    narrow.def = builder_.cast(old->def, r.type);
    // A refinement is not an assignment, so that an `if` does not carry it out of its branch. In the scope that assigned the
    // variable, the variable stays assigned.
    const Variable* here = scopes_.back().find(r.name);
    narrow.assigned = here && here->assigned;
    set(r.name, std::move(narrow));
  }
}

Def* Scopes::value(const syntax::Name& name) const {
  const Variable* v = find(name.id);
  if (!v) return nullptr;
  if (!v->def) builder_.fail(name.span, v->why);
  return v->def;
}

std::string Scopes::free_name(const syntax::Expr& e) const {
  std::string name = dotted_name(e);
  return find(std::string_view(name).substr(0, name.find('.'))) ? std::string() : name;
}

std::vector<std::string> Scopes::names() const {
  std::vector<std::string> names;
  for (const Scope& scope : scopes_) names.insert(names.end(), scope.order.begin(), scope.order.end());
  return names;
}

}  // namespace tine::compile
