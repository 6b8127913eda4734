// Classes: classes of scripts: what is known of one, how an object is made, what operators and properties mean for objects.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/names.h"
#include "src/syntax/tree.h"

namespace tine::compile {

class Session;

class Classes {
 public:
  Classes(Session& session, FunctionBuilder& builder, const Names& names, Arguments& arguments,
          std::shared_ptr<Resolver> resolver)
      : session_(session),
        builder_(builder),
        names_(names),
        arguments_(arguments),
        resolver_(std::move(resolver)) {}

  // The type of an object, whose slots are known from here on: `__init__` of its class is compiled first, where it has not
  // been. Inside that `__init__` there are the slots that were assigned to so far.
  std::shared_ptr<const ObjectType> known(const TypePtr& object, Span span);
  // `C(...)`
  ir::Def* make(const TypePtr& type, std::vector<CallArgument> args, std::string_view shown, Span span);
  // What `__init__` of a class takes; null when it has none, and thus no arguments.
  const FunctionRef* init(const TypePtr& type, Span span);
  // `object.name(args...)`; null where `object` is something else, or its class has no such method.
  ir::Def* try_method(ir::Def* object, std::string_view name, std::initializer_list<ir::Def*> args,
                      Span span);
  // Fails unless the objects of that class, or modules, have the methods of the interface.
  void check_interface(const TypePtr& from, const TypePtr& interface);
  // The signature of a method of `self`, which may be one of an interface.
  const Schema& signature(const ir::Def* self, const FunctionRef& method, Span span);
  // What that method takes; null as above.
  const Schema* signature(const ir::Def* object, std::string_view name, Span span);
  // `a op b`, by the method of either side: `__add__` of the left one, then `__radd__` of the right one. With `in_place` first
  // `__iadd__` of the left one. Null where neither is an object of a class that has the method.
  ir::Def* try_arithmetic(syntax::BinaryOp op, ir::Def* left, ir::Def* right, bool in_place, Span span);
  ir::Def* try_compare(syntax::CompareOp op, ir::Def* left, ir::Def* right, Span span);
  ir::Def* try_sign(syntax::UnaryOp op, ir::Def* value, Span span);
  // What to define so that the operator takes these; empty where neither is an object of a class.
  [[nodiscard]] static std::string help(std::string_view method, const ir::Def* left, const ir::Def* right);
  [[nodiscard]] static std::string_view method_of(syntax::UnaryOp op);
  [[nodiscard]] static std::string_view method_of(syntax::BinaryOp op);
  [[nodiscard]] static std::string_view method_of(syntax::CompareOp op);

  // `sorted(list, reverse)` and `list.sort(reverse)` of a list of objects; null for other lists.
  ir::Def* try_sort(ir::Def* list, std::vector<CallArgument> args, bool in_place, Span span);
  ir::Def* read(ir::Def* object, const Property& property, std::string_view name, Span span);
  void write(ir::Def* object, const Property& property, std::string_view name, ir::Def* value, Span span);

 private:
  std::optional<FunctionRef> method(const ir::Def* object, std::string_view name, Span span) const;
  ir::Def* call(ir::Def* object, const FunctionRef& method, std::string_view shown,
                std::vector<CallArgument> args, Span span);

  Session& session_;
  FunctionBuilder& builder_;
  const Names& names_;
  Arguments& arguments_;
  const std::shared_ptr<Resolver> resolver_;
  Resolved init_;
  std::map<std::string, Schema> of_interfaces_;  // by qualified name
};

// The class that an object of this type has, or null: of a module, and of other values.
[[nodiscard]] const ObjectType* class_of(const TypePtr& type);
[[nodiscard]] bool is_module(const Type& type);

}  // namespace tine::compile
