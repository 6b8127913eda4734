// Withs: `with`. The objects whose blocks are open here, and what leaving one of them does: `__exit__` runs at the end of the
// block, and before each `return`, `break` and `continue` that leaves it; an error makes the machine call it.
#pragma once

#include <cstddef>
#include <vector>

#include "src/compile/scopes.h"

namespace tine::compile {

class Arguments;
class Assignments;
class Classes;
class Expressions;
class Meanings;
class Statements;

class Withs {
 public:
  Withs(FunctionBuilder& builder, Scopes& scopes, Classes& classes, Meanings& meanings, Arguments& arguments,
        Expressions& expressions, Assignments& assignments, Statements& statements)
      : builder_(builder),
        scopes_(scopes),
        classes_(classes),
        meanings_(meanings),
        arguments_(arguments),
        expressions_(expressions),
        assignments_(assignments),
        statements_(statements) {}

  // Returns true if control does not come out at its end.
  bool statement(const syntax::With& s);
  // How many are open here.
  [[nodiscard]] size_t open() const { return objects_.size(); }
  // Leaves those that were opened after the first `outer`, from the inside out. Compilation goes on inside them.
  void leave(size_t outer, Span span);

 private:
  bool in_front_of(const syntax::With& s);
  ir::Def* entered(const syntax::With& s, ir::Def* object);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  Classes& classes_;
  Meanings& meanings_;
  Arguments& arguments_;
  Expressions& expressions_;
  Assignments& assignments_;
  Statements& statements_;
  std::vector<ir::Def*> objects_;
};

}  // namespace tine::compile
