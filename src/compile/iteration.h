// Iteration: the values that a `for`, a comprehension, `list(...)` or `dict(...)` runs over.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Assignments;
class Meanings;

struct Iterable {
  ir::Def* length = nullptr;
  std::function<ir::Def*(ir::Def* turn)> element;  // one value, or
  std::vector<Iterable> parts;                     // several: zip, enumerate
  ir::Def* dict = nullptr;                         // whose keys these are
  // How many, where each has a type of its own (modules, the elements of a tuple): what the loop does is compiled once for
  // each, and the `turn` is a constant.
  std::optional<size_t> unrolled;
};

class Iteration {
 public:
  Iteration(FunctionBuilder& builder, Scopes& scopes, const Names& names, Meanings& meanings,
            Arguments& arguments, Expressions& expressions, Assignments& assignments)
      : builder_(builder),
        scopes_(scopes),
        names_(names),
        meanings_(meanings),
        arguments_(arguments),
        expressions_(expressions),
        assignments_(assignments) {}

  Iterable over(const syntax::Expr& e);
  Iterable over(const CallArgument& a);
  // range, enumerate, zip or reversed.
  Iterable over_form(Form form, std::vector<CallArgument>& args, Span span);
  Iterable over_value(ir::Def* value, Span span);
  // The element of one iteration, a tuple if there are several parts.
  ir::Def* element(const Iterable& from, ir::Def* turn);
  // Assigns it to the loop's variables.
  void bind_target(const syntax::Expr& target, const Iterable& from, ir::Def* turn);

 private:
  Iterable range(std::vector<CallArgument>& args, Span span);
  Iterable enumerate(std::vector<CallArgument>& args, Span span);
  Iterable zip(const std::vector<CallArgument>& args, Span span);
  Iterable reversed(const std::vector<CallArgument>& args, Span span);
  // keys(), values() and items() of a ModuleDict.
  std::optional<Iterable> module_view(const syntax::Call& call);
  // children(), modules() and their named_ forms, of any module.
  std::optional<Iterable> modules_within(const syntax::Call& call);
  // The module of `module.method()`; null where it is something else.
  ir::Def* module_before(const syntax::Call& call, const syntax::Attribute& method);
  Iterable over_tuple(ir::Def* tuple, Span span);
  Iterable over_modules(ir::Def* modules, Span span);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Meanings& meanings_;
  Arguments& arguments_;
  Expressions& expressions_;
  Assignments& assignments_;
};

}  // namespace tine::compile
