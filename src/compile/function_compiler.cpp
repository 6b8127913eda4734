#include "src/compile/function_compiler.h"

#include "src/compile/arguments.h"
#include "src/compile/assignments.h"
#include "src/compile/calls.h"
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

namespace tine::compile {
namespace {

// Expressions contain one another, so the rooms refer to one another. A constructor only keeps the references it gets:
// some are to rooms below it that are not made yet.
struct Rooms {
  Rooms(Session& session, const Unit& unit, ir::Graph& graph)
      : builder(session.ops, unit.from.source, graph, session.depth),
        names(unit.from.source, unit.from.resolver.get()),
        scopes(builder),
        values(builder, scopes, names),
        meanings(builder, scopes, names, expressions),
        arguments(builder, expressions),
        deferred_calls(session, builder, meanings, arguments),
        forms(builder, names, values, meanings, arguments, expressions, deferred_calls, iteration,
              comprehensions),
        calls(session, builder, values, meanings, arguments, forms, comprehensions),
        indexing(builder, scopes, names, values, meanings, expressions),
        conditions(builder, scopes, values, meanings, expressions, names),
        assignments(builder, scopes, names, expressions, indexing),
        iteration(builder, scopes, names, meanings, arguments, expressions, assignments),
        comprehensions(builder, scopes, values, arguments, expressions, conditions, iteration),
        expressions(builder, scopes, values, meanings, conditions, indexing, calls, comprehensions),
        returns(builder, expressions, *unit.def,
                unit.declares_result ? unit.result.schema.result_type() : nullptr),
        control(builder, scopes, conditions, iteration, returns, statements),
        statements(builder, scopes, names, values, meanings, expressions, conditions, indexing, assignments,
                   returns, control) {}

  FunctionBuilder builder;
  Names names;
  Scopes scopes;
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
  Returns returns;
  Control control;
  Statements statements;
};

}  // namespace

void compile_function(Session& session, Unit& unit) {
  auto graph = std::make_shared<ir::Graph>(unit.from.qualified_name);
  Rooms rooms(session, unit, *graph);
  Schema& schema = unit.result.schema;
  for (size_t i = 0; i < schema.args.size(); ++i) {
    const Argument& a = schema.args[i];
    rooms.scopes.set(unit.def->params[i].name, Variable{graph->add_input(a.type, a.name), a.type, {}, true});
  }
  rooms.builder.here(unit.def->span);
  if (!rooms.statements.body(unit.def->body)) rooms.returns.fall_off_end();
  const TypePtr type = rooms.returns.type();
  graph->returns = {type};
  if (!unit.declares_result && type->kind != TypeKind::kNone) schema.returns = {type};
  unit.result.graph = std::move(graph);
}

}  // namespace tine::compile
