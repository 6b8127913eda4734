#include "src/compile/function_compiler.h"

#include "src/compile/arguments.h"
#include "src/compile/assignments.h"
#include "src/compile/calls.h"
#include "src/compile/classes.h"
#include "src/compile/comprehensions.h"
#include "src/compile/conditions.h"
#include "src/compile/control.h"
#include "src/compile/deferred_calls.h"
#include "src/compile/expressions.h"
#include "src/compile/forms.h"
#include "src/compile/indexing.h"
#include "src/compile/iteration.h"
#include "src/compile/meanings.h"
#include "src/compile/returns.h"
#include "src/compile/session.h"
#include "src/compile/statements.h"
#include "src/compile/values.h"
#include "src/compile/withs.h"

namespace tine::compile {
namespace {

// Expressions contain one another, so the rooms refer to one another. A constructor only keeps the references it gets:
// some are to rooms below it that are not made yet.
struct Rooms {
  // The class whose `__init__` this is, and which gets its slots by it; null for all other functions.
  static const ObjectType* class_initialized_by(const Unit& unit) {
    const ObjectType* const type = unit.from.self.get();
    return type && type->is_open() && unit.from.qualified_name == type->name + ".__init__" ? type : nullptr;
  }
  Rooms(Session& session, const Unit& unit, ir::Graph& graph)
      : builder(session.ops, unit.from.source, graph, session.depth),
        names(unit.from.source, unit.from.resolver.get()),
        scopes(builder),
        classes(session, builder, names, arguments, unit.from.resolver),
        values(builder, scopes, names, classes),
        meanings(builder, scopes, names, classes, expressions),
        arguments(builder, meanings, expressions),
        deferred_calls(session, builder, classes, meanings, arguments),
        forms(builder, names, classes, values, meanings, arguments, deferred_calls, iteration,
              comprehensions),
        calls(session, builder, classes, values, meanings, arguments, forms, comprehensions),
        indexing(builder, scopes, names, classes, values, meanings, expressions),
        conditions(builder, scopes, values, meanings, expressions, names),
        assignments(builder, scopes, names, classes, expressions, indexing, class_initialized_by(unit)),
        iteration(builder, scopes, names, meanings, arguments, expressions, assignments),
        comprehensions(builder, scopes, values, arguments, expressions, conditions, iteration),
        expressions(builder, scopes, values, meanings, arguments, conditions, indexing, calls,
                    comprehensions),
        withs(builder, scopes, classes, meanings, arguments, expressions, assignments, statements),
        returns(builder, expressions, withs, *unit.def,
                unit.declares_result ? unit.result.schema.result_type() : nullptr),
        control(builder, scopes, conditions, iteration, withs, returns, statements),
        statements(builder, scopes, names, values, meanings, arguments, expressions, conditions, indexing,
                   assignments, withs, returns, control) {
    builder.check_interface = [this](const TypePtr& from, const TypePtr& interface) {
      classes.check_interface(from, interface);
    };
  }

  FunctionBuilder builder;
  Names names;
  Scopes scopes;
  Classes classes;
  Values values;
  Meanings meanings;
  Arguments arguments;
  DeferredCalls deferred_calls;
  Forms forms;
  Calls calls;
  Indexing indexing;
  Conditions conditions;
  Assignments assignments;
  Iteration iteration;
  Comprehensions comprehensions;
  Expressions expressions;
  Withs withs;
  Returns returns;
  Control control;
  Statements statements;
};

}  // namespace

void compile_function(Session& session, Unit& unit) {
  auto graph = std::make_shared<ir::Graph>(unit.from.qualified_name);
  Rooms rooms(session, unit, *graph);
  Schema& schema = unit.result.schema;
  const size_t cls = unit.from.cls ? 1 : 0;
  for (size_t i = 0; i < schema.args.size(); ++i) {
    const Argument& a = schema.args[i];
    rooms.scopes.set(unit.def->params[i + cls].name,
                     Variable{graph->add_input(a.type, a.name), a.type, {}, true});
  }
  rooms.builder.here(unit.def->span);
  if (!rooms.statements.body(unit.def->body)) rooms.returns.fall_off_end();
  const TypePtr type = rooms.returns.type();
  graph->returns = {type};
  if (!unit.declares_result && type->kind != TypeKind::kNone) schema.returns = {type};
  unit.result.graph = std::move(graph);
  if (const ObjectType* const made = Rooms::class_initialized_by(unit)) made->close();
}

}  // namespace tine::compile
