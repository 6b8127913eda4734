// FunctionBuilder: the graph that a function becomes, and what every part of the compiler writes it with: the place of
// the nodes to come, the conversions that the language makes by itself, operators chosen by the types of their inputs.
//
// It knows values and types, no names and no syntax.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/source.h"
#include "src/compile/names.h"
#include "src/compile/overload.h"
#include "src/ir/graph.h"
#include "tine/operators.h"

namespace tine::compile {

// One argument of an operator. Where it stands matters to messages alone.
struct Operand {
  std::string_view name;  // empty: by position
  ir::Def* def = nullptr;
};

// An operator with the row that its arguments chose, and the inputs that the row takes.
struct ChosenOp {
  const Op* op = nullptr;
  std::vector<ir::Def*> inputs;
  TypePtr result;
};

class FunctionBuilder : public ir::Builder {
 public:
  // `depth` counts the levels of nesting of the whole session.
  FunctionBuilder(const OpTable& ops, const std::shared_ptr<const Source>& source, ir::Graph& graph,
                  int& depth)
      : ir::Builder(graph), ops_(ops), source_(source), depth_(depth) {}

  [[nodiscard]] const OpTable& ops() const { return ops_; }

  // ---- places
  [[nodiscard]] SourceSpan at(Span span) const { return SourceSpan(source_, span); }
  [[noreturn]] void fail(Span span, std::string_view message) const {
    throw_at(ErrorKind::kSyntax, at(span), as_written(message));
  }
  // The nodes to come are of this part of the text.
  void here(Span where) { span = at(where); }

  // Where nodes are added at the moment, to come back to.
  [[nodiscard]] ir::Builder position() const { return *this; }
  void go_to(const ir::Builder& position) { ir::Builder::operator=(position); }
  // Adds to another block while it lives.
  class In {
   public:
    In(FunctionBuilder& builder, ir::Block& block) : builder_(builder), before_(builder.position()) {
      builder.go_to(builder.in(block));
    }
    ~In() { builder_.go_to(before_); }
    In(const In&) = delete;
    In& operator=(const In&) = delete;

   private:
    FunctionBuilder& builder_;
    const ir::Builder before_;
  };
  // One level of nested statements or expressions while it lives; fails past what the thread's stack has room for.
  class Nested {
   public:
    Nested(FunctionBuilder& builder, Span where);
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    int& depth_;
  };

  // Whether an object of the first class may stand for the interface; fails where it may not. Set by the owner.
  std::function<void(const TypePtr& from, const TypePtr& interface)> check_interface;

  // ---- values
  ir::Def* integer(int64_t value) { return constant(value); }
  ir::Def* boolean(bool value) { return constant(value); }
  ir::Def* none() { return constant(Value(), Type::none()); }
  ir::Def* text(std::string value) { return constant(Value(std::move(value))); }
  // An int as a float; anything else as it is.
  ir::Def* to_float(ir::Def* value);
  // The value as `want`, converted as the language does by itself (int to float, [] to any list); null when it does
  // not fit.
  ir::Def* coerce(ir::Def* value, const TypePtr& want);
  // The same where a Tensor of one element is a number, as in TorchScript: an argument of a function, a result, an index of
  // a list. An int is made of integers alone.
  ir::Def* coerce_with_tensors(ir::Def* value, const TypePtr& want);

  // ---- operators
  // The row that fits these arguments best, with its inputs converted to what the row takes; none when no row fits.
  std::optional<ChosenOp> try_choose(std::string_view name, std::span<const Operand> args);
  // The same, but fails where no row fits. `shown` is the operator's name as the script wrote it.
  ChosenOp choose(std::string_view name, std::span<const Operand> args, std::string_view shown, Span span);
  ir::Def* add(ChosenOp chosen) { return op(*chosen.op, std::move(chosen.inputs), std::move(chosen.result)); }
  // For what the language's own syntax stands for. Null when no row fits.
  ir::Def* try_operator(std::string_view name, std::initializer_list<ir::Def*> args);
  ir::Def* must_operator(std::string_view name, std::initializer_list<ir::Def*> args, Span span);

 private:
  std::vector<ir::Def*> converted(const Choice& choice, const Schema& row, std::span<const Operand> args);
  [[noreturn]] void refuse(std::string_view name, std::span<const Operand> args, std::string_view shown,
                           Span span) const;

  const OpTable& ops_;
  const std::shared_ptr<const Source>& source_;
  int& depth_;
};

// What to do about a value that may be None; empty where it cannot be.
[[nodiscard]] std::string optional_help(const ir::Def* value);
// The least type that both fit; null also for int and float, whose mixture has no arithmetic.
[[nodiscard]] TypePtr join_types(const TypePtr& a, const TypePtr& b);
// `[]`, as long as nothing has fixed the type of its elements.
[[nodiscard]] bool is_fresh_empty_list(const ir::Def* d);

}  // namespace tine::compile
