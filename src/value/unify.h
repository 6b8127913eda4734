// How types go together: what the compiler and the tracer ask of schemas with variables and of values that meet.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tine/type.h"

namespace tine {

// Binds the variables of `pattern` so that it matches `actual`; false when it can't.
using TypeBindings = std::unordered_map<std::string, TypePtr>;
[[nodiscard]] bool match(const TypePtr& pattern, const TypePtr& actual, TypeBindings* bindings);
// `pattern` with its variables replaced; null when one is unbound.
[[nodiscard]] TypePtr substitute(const TypePtr& pattern, const TypeBindings& bindings);
// The least type that both fit, null when there is none (None and T give Optional[T]).
[[nodiscard]] TypePtr unify(const TypePtr& a, const TypePtr& b);

// The type with each of its elements mapped; the same one when none changes.
template <class F>
[[nodiscard]] TypePtr with_elements(const TypePtr& type, F&& map) {
  std::vector<TypePtr> of;
  bool same = true;
  for (const TypePtr& inner : type->of) {
    of.push_back(map(inner));
    same = same && of.back() == inner;
  }
  return same ? type : type->over(std::move(of));
}

// Types with others in place of the innermost ones, which have no elements: of all types of one text. What they share of
// named tuples is shared afterwards too, so that the result is not larger than the text.
class TypeMap {
 public:
  explicit TypeMap(std::function<TypePtr(const TypePtr& innermost)> f) : f_(std::move(f)) {}
  [[nodiscard]] TypePtr operator()(const TypePtr& type);

 private:
  const std::function<TypePtr(const TypePtr&)> f_;
  std::unordered_map<TypePtr, TypePtr> done_;  // of named tuples
};

}  // namespace tine
