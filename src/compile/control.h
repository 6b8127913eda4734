// Control: `if`, `while`, `for`, `break` and `continue`. Variables that a branch assigns to become results of the node;
// variables that the body of a loop assigns to become its carried values.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/compile/scopes.h"

namespace tine::compile {

class Conditions;
class Iteration;
class Returns;
class Statements;
class Withs;
struct Iterable;

class Control {
 public:
  Control(FunctionBuilder& builder, Scopes& scopes, Conditions& conditions, Iteration& iteration,
          Withs& withs, Returns& returns, Statements& statements)
      : builder_(builder),
        scopes_(scopes),
        conditions_(conditions),
        iteration_(iteration),
        withs_(withs),
        returns_(returns),
        statements_(statements) {}

  // These return true if control does not come out at their end.
  bool if_(const syntax::If& s);
  bool while_(const syntax::While& s);
  bool for_(const syntax::For& s);
  // `break`, else `continue`.
  void leave_turn(bool is_break, Span span);

 private:
  // One side of an `if` after its body was compiled.
  struct Branch {
    ir::Block* block = nullptr;
    Scope scope;
    bool exits = false;
    const std::vector<Refinement>* told = nullptr;  // by the condition
    // Null if the branch does not assign to it.
    [[nodiscard]] const Variable* assigned(std::string_view name) const;
  };
  void take_only(ir::Node& node, const Branch& alive);
  void merge(ir::Node& node, const Branch (&branches)[2], Span span);
  Variable merged(std::string_view name, ir::Node& node, const Branch (&branches)[2], Span span);

  using Types = std::unordered_map<std::string_view, TypePtr>;
  struct Loop {
    std::vector<std::string_view> carried;
    std::vector<TypePtr> types;
    Types* widened = nullptr;
    bool unrolled = false;
    size_t withs = 0;     // that are around it
    bool widens = false;  // an iteration hands on a wider type: compile the loop again
    std::function<ir::Def*()> next_condition;
  };
  struct LoopPlan {
    const syntax::Stmt* statement = nullptr;
    const syntax::Body* body = nullptr;
    std::vector<std::string_view> assigned;
    ir::Def* trips = nullptr;
    ir::Def* first_condition = nullptr;
    const syntax::Expr* condition = nullptr;  // of `while`: holds at the start of each iteration
    std::function<ir::Def*()> next_condition;
    std::function<void(ir::Def* turn)> begin_turn;
  };
  void loop(const LoopPlan& plan);
  Loop carried_into(const LoopPlan& plan, std::vector<ir::Def*>* initial);
  void turn(const LoopPlan& plan, Loop& loop, ir::Block& block);
  std::vector<ir::Def*> carried_now(Loop& loop, Span span);
  bool unrolled(const syntax::For& s, const Iterable& over);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  Conditions& conditions_;
  Iteration& iteration_;
  Withs& withs_;
  Returns& returns_;
  Statements& statements_;
  std::vector<Loop*> loops_;  // around what is compiled now, the innermost last
  // Types found too narrow in an earlier walk over the loop.
  std::unordered_map<const syntax::Stmt*, Types> widened_;
};

}  // namespace tine::compile
