// Arguments: turns the arguments of a call into the inputs that a function or an operator takes.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "src/compile/function_builder.h"
#include "src/compile/meanings.h"
#include "src/syntax/tree.h"

namespace tine::compile {

struct CallArgument {
  std::string_view name;               // empty: by position
  const syntax::Expr* expr = nullptr;  // compiled on need, so that the parameter's type can help
  ir::Def* def = nullptr;              // once it is compiled
  Span span;
  std::shared_ptr<const Meaning> meaning = nullptr;  // of one that had to be read early and is not a value
  Span name_span = {};                               // where `name` stands, if the call has it

  // For messages about the name.
  [[nodiscard]] Span place_of_name() const { return name_span.end > 0 ? name_span : span; }
};

class Arguments {
 public:
  Arguments(FunctionBuilder& builder, Meanings& meanings, Expressions& expressions)
      : builder_(builder), meanings_(meanings), expressions_(expressions) {}

  // Those of a call, `*values` in their elements.
  std::vector<CallArgument> of(const syntax::Call& e);
  // Adds what is written in a tuple, in a list or between the brackets of a call.
  void add(const std::vector<syntax::ExprPtr>& items, std::vector<CallArgument>* args);
  // The elements of `*values`, whose number must be known here: those of a tuple.
  std::vector<ir::Def*> spread(const syntax::Starred& e);
  ir::Def* value(CallArgument& a, const TypePtr& hint = nullptr);
  // For an argument that need not be a value: a function, say.
  Meaning meaning(const CallArgument& a);
  // For a callee without keywords: fails unless there are `least` to `most` arguments.
  void expect(const std::vector<CallArgument>& args, size_t least, size_t most, std::string_view shown,
              Span span);
  // The inputs of a function: each argument as its parameter's type, then defaults.
  std::vector<ir::Def*> bind(const Schema& schema, std::string_view shown, std::vector<CallArgument>& args,
                             Span span);
  // The inputs of the positional arguments alone: what else the callee takes comes when the call is made.
  std::vector<ir::Def*> bind_positions(const Schema& schema, std::string_view shown,
                                       std::vector<CallArgument>& args);
  // Whether bind() would take them, all of which are compiled; without conversions, or with them.
  [[nodiscard]] static bool fit(const Schema& schema, const std::vector<CallArgument>& args, bool convert);
  // The row of an operator that these arguments mean.
  ChosenOp choose(std::string_view name, std::vector<CallArgument>& args, std::string_view shown, Span span);

 private:
  void evaluate_early(CallArgument& a);
  // One for each parameter; null where it has no argument.
  std::vector<ir::Def*> given(const Schema& schema, std::string_view shown, std::vector<CallArgument>& args);
  [[nodiscard]] size_t parameter_named(const Schema& schema, const CallArgument& a,
                                       std::string_view shown) const;
  ir::Def* fitting(CallArgument& a, const Argument& parameter, std::string_view shown);

  FunctionBuilder& builder_;
  Meanings& meanings_;
  Expressions& expressions_;
};

}  // namespace tine::compile
