// Meanings: what an expression in front of `(`, `.` or `[` stands for: a value, a method that is bound to a value, or what
// a name resolves to that is not a variable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Classes;
class Expressions;

struct Meaning {
  ir::Def* def = nullptr;        // the value; null when it is none
  std::string_view method = {};  // bound to def
  Resolved resolved = {};        // when def is null, or the method of a module
  std::string dotted = {};       // as the text names it
};

// What can be called by fork, or on another worker.
struct Callee {
  FunctionRef function;
  std::string operator_name;  // instead of a function
  ir::Def* self = nullptr;    // of a method
  std::string method;
  std::string shown;
  TypePtr made = nullptr;  // instead of these: a class, whose object is made
};

class Meanings {
 public:
  Meanings(FunctionBuilder& builder, Scopes& scopes, const Names& names, Classes& classes,
           Expressions& expressions)
      : builder_(builder), scopes_(scopes), names_(names), classes_(classes), expressions_(expressions) {}

  Meaning of(const syntax::Expr& e);
  // `object.name` of a scripted module, or of an object of a class.
  Meaning module_attribute(ir::Def* object, std::string_view name, Span span);
  // What runs when an object is called.
  [[nodiscard]] std::string_view called_method(const ObjectType& type);
  // `value.name` of a Tensor or a device that is found without a call; none for a method.
  std::optional<ir::Def*> property(ir::Def* value, std::string_view name, Span span);
  // Fails if it is not a value.
  ir::Def* value_of(const Meaning& meaning, Span span);
  Callee callee(const Meaning& meaning, Span span);
  // A function, an operator or a method, and no value.
  [[nodiscard]] bool is_callable(const Meaning& meaning, Span span) const;
  // The enum that an expression names; null for all else.
  [[nodiscard]] TypePtr enum_class(const syntax::Expr& e) const;

 private:
  Meaning attribute(const syntax::Attribute& e);
  Meaning value_attribute(ir::Def* self, const syntax::Attribute& e);
  std::optional<Meaning> member_of_refused(const syntax::Attribute& e);
  Meaning member_of_class(const Meaning& cls, const syntax::Attribute& e);
  ir::Def* constant(const Value& value, Span span);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Classes& classes_;
  Expressions& expressions_;
};

}  // namespace tine::compile
