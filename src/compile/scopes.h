// Scopes: the variables that are visible where the compiler stands, and what it knows of each.
//
// A block of the graph has a scope of its own. An assignment inside it makes an entry there and leaves the outer entry as
// it was, so that control flow can merge the two. Control flow is structured, so the merges are known without a search for
// phis (compare Braun et al., "Simple and efficient construction of static single assignment form").
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/compile/function_builder.h"
#include "src/syntax/tree.h"

namespace tine::compile {

struct Meaning;  // meanings.h

struct Variable {
  ir::Def* def = nullptr;  // null: not usable here, `why` says so
  TypePtr declared;        // of `x: T = ...` and of parameters; null when nobody said
  std::string why;
  bool assigned = false;  // in this scope; else it is a refinement or a loop's parameter
  // `f = torch.relu`: what is called where the variable is. There is no value of it; after an `if` or a loop it is gone.
  std::shared_ptr<const Meaning> callee = nullptr;
};

struct Scope {
  std::unordered_map<std::string_view, Variable> variables;
  std::vector<std::string_view> order;  // in which they came, so that graphs repeat
  [[nodiscard]] const Variable* find(std::string_view name) const;
};

// A variable that a condition tells more about: `x is not None`.
struct Refinement {
  std::string_view name;
  TypePtr type;
};

class Scopes {
 public:
  explicit Scopes(FunctionBuilder& builder) : builder_(builder), scopes_(1) {}

  [[nodiscard]] const Variable* find(std::string_view name) const;
  // In the innermost scope.
  void set(std::string_view name, Variable variable);
  // `name = def`: converted to the type that the variable is declared with, which it must fit.
  void assign(std::string_view name, ir::Def* def, Span span);
  void refine(const std::vector<Refinement>& refinements);
  // The variable's value; null when there is no such variable.
  [[nodiscard]] ir::Def* value(const syntax::Name& name) const;
  // The dotted name that an expression is, if its first part is not a variable; otherwise empty.
  [[nodiscard]] std::string free_name(const syntax::Expr& e) const;
  // Sorted, for suggestions.
  [[nodiscard]] std::vector<std::string> names() const;

  // Opens a scope while it lives.
  class Inner {
   public:
    explicit Inner(Scopes& scopes) : scopes_(scopes) { scopes_.scopes_.emplace_back(); }
    ~Inner() { scopes_.scopes_.pop_back(); }
    Scope take() { return std::move(scopes_.scopes_.back()); }
    Inner(const Inner&) = delete;
    Inner& operator=(const Inner&) = delete;

   private:
    Scopes& scopes_;
  };

 private:
  FunctionBuilder& builder_;
  std::vector<Scope> scopes_;
};

}  // namespace tine::compile
