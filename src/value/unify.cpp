#include "src/value/unify.h"

#include <algorithm>

namespace tine {
namespace {

bool has_variable(const TypePtr& t) {
  return t->kind == TypeKind::kVariable || std::any_of(t->of.begin(), t->of.end(), has_variable);
}

// `exact`: a list or dict can be written to, so inside one a subtype is not enough.
bool match(const TypePtr& pattern, const TypePtr& actual, TypeBindings* bindings, bool exact) {
  if (pattern->kind == TypeKind::kVariable) {
    const auto [it, fresh] = bindings->try_emplace(pattern->name, actual);
    return fresh || (exact ? equal(actual, it->second) : is_subtype(actual, it->second));
  }
  if (!has_variable(pattern)) return exact ? equal(actual, pattern) : is_subtype(actual, pattern);
  if (pattern->kind == TypeKind::kOptional && actual->kind != TypeKind::kOptional) {
    return !exact && (actual->kind == TypeKind::kNone || match(pattern->of[0], actual, bindings, false));
  }
  if (pattern->kind != actual->kind || pattern->of.size() != actual->of.size()) return false;
  const bool inner = exact || pattern->kind == TypeKind::kList || pattern->kind == TypeKind::kDict;
  for (size_t i = 0; i < pattern->of.size(); ++i) {
    if (!match(pattern->of[i], actual->of[i], bindings, inner)) return false;
  }
  return true;
}

}  // namespace

bool match(const TypePtr& pattern, const TypePtr& actual, TypeBindings* bindings) {
  return match(pattern, actual, bindings, false);
}

TypePtr substitute(const TypePtr& pattern, const TypeBindings& bindings) {
  if (pattern->kind == TypeKind::kVariable) {
    const auto it = bindings.find(pattern->name);
    return it == bindings.end() ? nullptr : it->second;
  }
  if (!has_variable(pattern)) return pattern;
  std::vector<TypePtr> of;
  for (const TypePtr& t : pattern->of) {
    TypePtr s = substitute(t, bindings);
    if (!s) return nullptr;
    of.push_back(std::move(s));
  }
  return pattern->over(std::move(of));
}

TypePtr TypeMap::operator()(const TypePtr& type) {
  if (type->of.empty()) return f_(type);
  const bool shared = type->named_tuple() != nullptr;
  if (const auto found = shared ? done_.find(type) : done_.end(); found != done_.end()) return found->second;
  TypePtr mapped = with_elements(type, *this);
  if (shared) done_.emplace(type, mapped);
  return mapped;
}

TypePtr unify(const TypePtr& a, const TypePtr& b) {
  if (is_subtype(a, b)) return b;
  if (is_subtype(b, a)) return a;
  if (a->kind == TypeKind::kNone) return Type::optional(b);
  if (b->kind == TypeKind::kNone) return Type::optional(a);
  if (a->kind == TypeKind::kOptional || b->kind == TypeKind::kOptional) {
    const TypePtr inner =
        unify(a->kind == TypeKind::kOptional ? a->of[0] : a, b->kind == TypeKind::kOptional ? b->of[0] : b);
    return inner ? Type::optional(inner) : nullptr;
  }
  const auto numeric = [](const TypePtr& t) {
    return t->kind == TypeKind::kInt || t->kind == TypeKind::kFloat;
  };
  // Neither is converted: which of them it is shows when it runs.
  if (numeric(a) && numeric(b)) return Type::number();
  if (a->kind != b->kind || a->of.size() != b->of.size()) return nullptr;
  if (a->kind != TypeKind::kTuple && a->kind != TypeKind::kFuture && a->kind != TypeKind::kRRef)
    return nullptr;
  std::vector<TypePtr> of;
  for (size_t i = 0; i < a->of.size(); ++i) {
    TypePtr t = unify(a->of[i], b->of[i]);
    if (!t) return nullptr;
    of.push_back(std::move(t));
  }
  return std::make_shared<const Type>(a->kind, std::move(of));
}

}  // namespace tine
