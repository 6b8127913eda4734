// Comprehensions: lists and dicts that a loop fills: `[... for ...]`, `{... for ...}`, `list(...)`, `dict(...)`.
#pragma once

#include <functional>
#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/iteration.h"

namespace tine::compile {

class Conditions;
class Values;

class Comprehensions {
 public:
  Comprehensions(FunctionBuilder& builder, Scopes& scopes, Values& values, Arguments& arguments,
                 Expressions& expressions, Conditions& conditions, Iteration& iteration)
      : builder_(builder),
        scopes_(scopes),
        values_(values),
        arguments_(arguments),
        expressions_(expressions),
        conditions_(conditions),
        iteration_(iteration) {}

  ir::Def* list(const syntax::ListComp& e, const TypePtr& hint);
  ir::Def* dict(const syntax::DictComp& e, const TypePtr& hint);
  // list(x)
  ir::Def* list_of(const CallArgument& a, Span span);
  // `from`: where the text names it.
  ir::Def* list_of(const Iterable& over, Span from, Span span);
  ir::Def* list_of(const Iterable& from);
  // dict(pairs), dict(other), dict(name=value).
  ir::Def* dict_of(std::vector<CallArgument>& args, const TypePtr& hint, Span span);

 private:
  // A dict that grows: its type is that of its first element unless a hint says so.
  struct GrowingDict {
    ir::Def* def = nullptr;
    TypePtr key, value;
  };
  GrowingDict growing_dict(const TypePtr& hint);
  void put(GrowingDict& dict, ir::Def* key, ir::Def* value, Span span);
  void put_pair(GrowingDict& dict, ir::Def* pair, Span span);
  void put_pairs(GrowingDict& dict, CallArgument& from, const TypePtr& hint);
  // The loop of a comprehension: calls `add` once for each element that is kept.
  void each_element(const Iterable& over, const syntax::Expr& target,
                    const std::vector<syntax::ExprPtr>& conditions, Span span,
                    const std::function<void()>& add);
  void one_turn(const Iterable& over, const syntax::Expr& target,
                const std::vector<syntax::ExprPtr>& conditions, Span span, const std::function<void()>& add,
                ir::Def* turn);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  Values& values_;
  Arguments& arguments_;
  Expressions& expressions_;
  Conditions& conditions_;
  Iteration& iteration_;
};

// Fails unless a dict can have keys of this type.
void require_key(const FunctionBuilder& builder, const TypePtr& key, Span span);

}  // namespace tine::compile
