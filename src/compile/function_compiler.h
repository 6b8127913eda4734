// FunctionCompiler: one def to one graph: names, types, SSA.
//
// State      The graph so far, the block being filled, the variables that are visible there.
// Threads    One.
// Ordering   Operands are evaluated in Python's order.
// Ownership  Borrows the session and the unit; the graph goes into the unit.
// Errors     SyntaxError with place and marker.
// Cost       One walk over the tree; a loop whose variables widen (None, then a Tensor) is walked again, at most
//            once a variable.
// Source     Braun et al., "Simple and efficient construction of SSA form" (structured control flow needs no phi search).
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "src/compile/session.h"

namespace tine::compile {

class FunctionCompiler {
 public:
  FunctionCompiler(Session& session, Unit& unit);
  void run();

 private:
  // ---- variables (scopes.cpp) ----
  struct Variable {
    ir::Def* def = nullptr;  // null: not usable here, `why` says so
    TypePtr declared;        // of `x: T = ...` and of parameters; null when nobody said
    std::string why;
    bool assigned = false;  // in this scope; else it is a refinement or a loop's parameter
  };
  struct Scope {
    std::unordered_map<std::string_view, Variable> variables;
    std::vector<std::string_view> order;  // in which they came, so that graphs repeat
  };
  // A variable that a condition tells more about: `x is not None`.
  struct Refinement {
    std::string_view name;
    TypePtr type;
  };
  struct Condition {
    ir::Def* value = nullptr;   // null when known
    std::optional<bool> known;  // decided by the types alone
    std::vector<Refinement> when_true, when_false;
  };
  struct Loop {
    std::vector<std::string_view> carried;
    std::vector<TypePtr> types;
    std::unordered_map<std::string_view, TypePtr>* widened = nullptr;
    bool unrolled = false;
    bool widens = false;  // what came round the loop did not fit: compile it again, wider
    std::function<ir::Def*()> next_condition;
  };

  Variable* find(std::string_view name);
  Variable& set(std::string_view name, Variable variable);
  void assign_name(std::string_view name, ir::Def* def, Span span);
  void refine(const std::vector<Refinement>& refinements);
  ir::Def* variable(const syntax::Name& name);
  [[noreturn]] void undefined(std::string_view dotted, Span span);

  // ---- statements (function_compiler.cpp, control.cpp) ----
  // Each returns true when control does not come out at its end.
  bool body(const syntax::Body& statements);
  bool statement(const syntax::Stmt& s);
  bool return_statement(const syntax::Return& s);
  void assign(const syntax::Expr& target, ir::Def* value, Span span);
  void assign_statement(const syntax::Assign& s);
  void annotated_assign(const syntax::AnnAssign& s);
  void augmented_assign(const syntax::AugAssign& s);
  bool raise_statement(const syntax::Raise& s);
  bool assert_statement(const syntax::Assert& s);
  bool if_statement(const syntax::If& s);
  bool while_statement(const syntax::While& s);
  bool for_statement(const syntax::For& s);
  bool loop_exit(bool is_break, Span span);
  bool merge(ir::Node* node, bool exited[2], Scope scopes[2], const std::vector<Refinement>* refinements[2],
             Span span);
  struct LoopPlan {
    const syntax::Stmt* statement = nullptr;
    const syntax::Body* body = nullptr;
    std::vector<std::string_view> assigned;
    ir::Def* trips = nullptr;
    ir::Def* first_condition = nullptr;
    const syntax::Expr* condition = nullptr;  // of `while`: holds at the start of each turn
    std::function<ir::Def*()> next_condition;
    std::function<void(ir::Def* turn)> begin_turn;
  };
  void loop(const LoopPlan& plan);
  std::vector<Refinement> told_by(const syntax::Expr& condition);
  std::vector<ir::Def*> carried_now(Loop& loop, Span span);

  struct Argument {
    std::string_view name;               // empty: by position
    const syntax::Expr* expr = nullptr;  // compiled on need, so that the parameter's type can help
    ir::Def* def = nullptr;
    Span span;
  };

  // What a `for` or a comprehension runs over.
  struct Iterable {
    ir::Def* length = nullptr;
    std::function<ir::Def*(ir::Def* turn)> element;  // one value, or
    std::vector<Iterable> parts;                     // several: zip, enumerate
    ir::Def* dict = nullptr;                         // whose keys these are
    std::optional<size_t> modules;  // a container of modules: one turn a module, each compiled
  };
  Iterable iterable(const syntax::Expr& e);
  Iterable iterable_of(ir::Def* value, Span span);
  // keys(), values() and items() of a ModuleDict.
  std::optional<Iterable> module_view(const syntax::Call& call);
  void bind_target(const syntax::Expr& target, const Iterable& from, ir::Def* turn);
  ir::Def* whole_element(const Iterable& from, ir::Def* turn);
  bool unrolled(const syntax::For& s, const Iterable& over);
  // What a comprehension's loop does, `add` once for each element that is kept.
  void each_element(const Iterable& over, const syntax::Expr& target,
                    const std::vector<syntax::ExprPtr>& conditions, Span span,
                    const std::function<void()>& add);
  ir::Def* list_comprehension(const syntax::ListComp& e, const TypePtr& hint);
  ir::Def* dict_comprehension(const syntax::DictComp& e, const TypePtr& hint);
  ir::Def* list_of(const Iterable& from, const TypePtr& element);
  // dict(pairs), dict(other), dict(name=value).
  ir::Def* dict_of(std::vector<Argument>& args, const TypePtr& hint, Span span);
  // A dict that grows: its type is that of its first element unless `hint` says so.
  struct GrowingDict {
    ir::Def* def = nullptr;
    TypePtr key, value;
  };
  GrowingDict growing_dict(const TypePtr& hint);
  void put(GrowingDict& dict, ir::Def* key, ir::Def* value, Span span);

  // ---- expressions (expressions.cpp) ----
  ir::Def* expression(const syntax::Expr& e, const TypePtr& hint = nullptr);
  Condition condition(const syntax::Expr& e);
  Condition comparison_condition(const syntax::Compare& e);
  ir::Def* condition_value(const Condition& c);
  ir::Def* truth(ir::Def* value, Span span);
  ir::Def* short_circuit(ir::Def* left, bool is_and, const std::function<ir::Def*()>& right);
  ir::Def* ternary(const syntax::Ternary& e, const TypePtr& hint);
  ir::Def* list_literal(const syntax::List& e, const TypePtr& hint);
  ir::Def* dict_literal(const syntax::Dict& e, const TypePtr& hint);
  ir::Def* tuple_literal(const syntax::Tuple& e, const TypePtr& hint);
  void require_key(const TypePtr& key, Span span) const;
  ir::Def* format(const syntax::FString& e);
  ir::Def* unary(const syntax::Unary& e);
  ir::Def* arithmetic(syntax::BinaryOp op, ir::Def* left, ir::Def* right, Span span, bool in_place = false);
  ir::Def* module_contains(ir::Def* modules, ir::Def* name, Span span);
  ir::Def* compare(syntax::CompareOp op, ir::Def* left, ir::Def* right, Span span);
  ir::Def* number_with_tensor(std::string_view op, ir::Def* left, ir::Def* right, Span span);
  ir::Def* to_float(ir::Def* value);
  void level_numbers(ir::Def** left, ir::Def** right);
  ir::Def* text_of(ir::Def* value, Span span);

  // ---- indexing (indexing.cpp) ----
  ir::Def* subscript(const syntax::Subscript& e);
  struct SliceBounds {
    ir::Def *lower, *upper, *step;
  };
  SliceBounds slice_bounds(const syntax::Slice& s, const Type& of);
  // A Tensor's subscript as the list of indices that aten::__getitem__ and aten::_set_item take.
  std::vector<ir::Def*> tensor_indices(const syntax::Subscript& e);
  [[nodiscard]] static bool gives_view(const std::vector<ir::Def*>& indices);
  ir::Def* simple_index(ir::Def* tensor, const std::vector<ir::Def*>& indices, Span span);
  ir::Def* tensor_index(ir::Def* tensor, const std::vector<ir::Def*>& indices, Span span);
  void set_tensor_index(ir::Def* tensor, const std::vector<ir::Def*>& indices, ir::Def* value, Span span);
  void assign_subscript(const syntax::Subscript& e, ir::Def* value, Span span);
  [[nodiscard]] std::optional<int64_t> constant_int(const syntax::Expr& e);

  // ---- names and calls (things.cpp, calls.cpp) ----
  // What an expression before `(` or `.` stands for; a value only if `def` is set.
  struct Thing {
    ir::Def* def = nullptr;
    std::string_view method;  // bound to def
    Resolved resolved;        // when def is null, or the method of a module
    std::string dotted;
  };
  Thing thing(const syntax::Expr& e);
  Thing attribute(const syntax::Attribute& e);
  std::optional<Thing> member_of_refused(const syntax::Attribute& e);
  Thing module_attribute(ir::Def* object, std::string_view name, Span span);
  ir::Def* value_of(const Thing& t, Span span);
  ir::Def* constant(const Value& value, Span span);
  ir::Def* integer(int64_t value) { return builder_.constant(value); }
  ir::Def* boolean(bool value) { return builder_.constant(value); }

  [[nodiscard]] static std::vector<Argument> arguments_of(const syntax::Call& e);
  ir::Def* argument_value(Argument& a, const TypePtr& hint = nullptr);
  ir::Def* call(const syntax::Call& e, const TypePtr& hint);
  ir::Def* call_thing(const Thing& callee, std::vector<Argument> args, const syntax::Call& e,
                      const TypePtr& hint);
  // Fails where the operator table has no such method; `what` it was taken for.
  void require_method(ir::Def* self, std::string_view name, Span span, std::string_view what);
  ir::Def* call_method(ir::Def* self, std::string_view name, std::vector<Argument> args, Span name_span,
                       Span span);
  ir::Def* call_function(const FunctionRef& f, std::string_view shown, std::vector<Argument> args, Span span);
  std::vector<ir::Def*> bind_arguments(const Schema& schema, std::string_view shown,
                                       std::vector<Argument>& args, Span span);
  ir::Def* convert(const TypePtr& to, const Thing& callee, std::vector<Argument>& args, Span span);
  ir::Def* collection(Generic generic, std::vector<Argument>& args, const TypePtr& hint, Span span);
  // Calls of FunctionRef, of modules and of bound methods, as fork needs them.
  struct Target {
    FunctionRef function;
    std::string operator_name;  // instead of a function
    ir::Def* self = nullptr;    // of a method
    std::string method;
    std::string shown;
  };
  Target target(const Thing& callee, Span span);

  // ---- operators (operators.cpp) ----
  struct Plan;
  [[nodiscard]] bool plan(const Op& op, const std::vector<Argument>& args, int effort, Plan* plan,
                          std::string* why) const;
  ir::Def* emit(const Plan& plan, const std::vector<Argument>& args);
  std::vector<ir::Def*> materialize(const Plan& plan, const std::vector<Argument>& args);
  // The overload that fits best; null when none does, with the reasons.
  [[nodiscard]] bool choose(std::string_view name, const std::vector<Argument>& args, Plan* plan,
                            std::string* why) const;
  ir::Def* call_operator(std::string_view name, std::vector<Argument> args, std::string_view shown,
                         Span span);
  // Of values only: what the language's own syntax stands for. Null when no overload fits.
  ir::Def* try_operator(std::string_view name, std::initializer_list<ir::Def*> args, Span span);
  ir::Def* must_operator(std::string_view name, std::initializer_list<ir::Def*> args, Span span);

  // ---- special forms (forms.cpp) ----
  ir::Def* form(Form form, std::vector<Argument> args, const syntax::Call& e, const TypePtr& hint);
  ir::Def* fork(std::vector<Argument> args, Span span);
  ir::Def* wait(std::vector<Argument>& args, Span span);
  ir::Def* annotate(std::vector<Argument>& args, Span span);
  ir::Def* is_instance(std::vector<Argument>& args, Span span);
  ir::Def* length(ir::Def* value, Span span);
  ir::Def* print(std::vector<Argument>& args, Span span);
  ir::Def* remote_call(Form form, std::vector<Argument> args, Span span);
  ir::Def* get_attribute(std::vector<Argument>& args, Span span, bool only_ask);
  ir::Def* format_call(const syntax::String& pattern, std::vector<Argument>& args, Span span);
  [[nodiscard]] std::optional<Submodules> submodules(const Type& type) const;
  std::vector<TypePtr> instance_types(const syntax::Expr& e);
  [[nodiscard]] std::optional<bool> instance_known(const TypePtr& actual,
                                                   const std::vector<TypePtr>& types) const;
  void expect_arguments(const std::vector<Argument>& args, size_t least, size_t most, std::string_view shown,
                        Span span);

  // ---- types ----
  // What to do about a value that may be None; empty where it may not.
  [[nodiscard]] static std::string optional_help(const ir::Def* value);
  // The least type that both fit; null also for int and float, whose mixture has no arithmetic.
  [[nodiscard]] static TypePtr join_types(const TypePtr& a, const TypePtr& b);
  // The value as `want`, converted as the language does implicitly (int to float, [] to any list); null when it does not fit.
  ir::Def* coerce(ir::Def* value, const TypePtr& want);
  [[nodiscard]] static bool is_fresh_empty_list(const ir::Def* d);

  // ---- places ----
  [[nodiscard]] SourceSpan at(Span span) const { return SourceSpan(source_, span); }
  [[noreturn]] void fail(Span span, std::string_view message) const {
    throw_at(ErrorKind::kSyntax, at(span), message);
  }
  void here(Span span) { builder_.span = at(span); }
  // Points the builder to another block while it lives.
  class In {
   public:
    In(FunctionCompiler& c, ir::Block& block) : c_(c), saved_(c.builder_) {
      c.builder_ = c.builder_.in(block);
    }
    ~In() { c_.builder_ = saved_; }
    In(const In&) = delete;
    In& operator=(const In&) = delete;

   private:
    FunctionCompiler& c_;
    ir::Builder saved_;
  };
  // Opens a scope while it lives.
  class Inner {
   public:
    explicit Inner(FunctionCompiler& c) : c_(c) { c.scopes_.emplace_back(); }
    ~Inner() { c_.scopes_.pop_back(); }
    Scope take() { return std::move(c_.scopes_.back()); }
    Inner(const Inner&) = delete;
    Inner& operator=(const Inner&) = delete;

   private:
    FunctionCompiler& c_;
  };

  Session& session_;
  Unit& unit_;
  const std::shared_ptr<const Source>& source_;
  Resolver* resolver_;
  std::shared_ptr<ir::Graph> graph_;
  ir::Builder builder_;
  std::vector<Scope> scopes_;
  std::vector<Loop*> loops_;
  // Types found too narrow in an earlier walk over the loop.
  std::unordered_map<const void*, std::unordered_map<std::string_view, TypePtr>> widened_;
  TypePtr declared_result_;  // null: inferred from
  TypePtr result_;
  Span result_span_;
};

// The overload chosen and where each of its inputs comes from.
struct FunctionCompiler::Plan {
  struct Input {
    enum class How : uint8_t { kAsIs, kToFloat, kEmptyList, kWrap, kTupleToList, kDefault } how = How::kAsIs;
    size_t arg = 0, count = 1;  // kWrap: arguments [arg, arg + count) become one list
    bool to_float = false;      // of kWrap and kTupleToList: convert the elements
    TypePtr type;               // of kEmptyList, kWrap and kTupleToList: the list's
  };
  const Op* op = nullptr;
  std::vector<Input> inputs;
  TypePtr result;
};

}  // namespace tine::compile
