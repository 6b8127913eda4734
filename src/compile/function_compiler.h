// function_compiler: one `def` to one graph, in one walk over its tree.
//
// This is where the rooms of that walk are put together; each sees only those that it is given:
//   names          what a name means that the function does not define
//   scopes         the variables, and what is known of each
//   function_builder, overload    the graph; operators by the types of their inputs
//   classes        classes of scripts and their objects
//   values         what +, <, in and truth mean for values
//   meanings       what stands in front of `(`, `.` and `[`
//   expressions, conditions, indexing, comprehensions, iteration
//   arguments, calls, methods, forms, deferred_calls
//   statements, assignments, withs, returns, control
#pragma once

namespace tine::compile {

class Session;
struct Unit;

// Puts the graph, and the result type where the head declares none, into the unit.
void compile_function(Session& session, Unit& unit);

}  // namespace tine::compile
