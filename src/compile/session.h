// Session: one call of compile(), on one thread: the functions it compiles, and what is known of each so far.
//
// A function without a return annotation is compiled where its first caller needs its type; all others afterwards, in the
// order in which they were met. Each source is parsed once, each function compiled once. Errors have their place and the
// chain of calls that led there.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/compile/compile.h"
#include "src/syntax/tree.h"

namespace tine::compile {

// One function of the session.
struct Unit {
  enum class State : uint8_t { kDeclared, kCompiling, kDone };
  FunctionSource from;
  std::shared_ptr<const syntax::Module> module;
  const syntax::FunctionDef* def = nullptr;
  State state = State::kDeclared;
  const Unit* caller = nullptr;  // the first caller; null for a function that the user asked for
  SourceSpan called_at;
  bool declares_result = false;
  CompiledFunction result;  // its schema is complete from the beginning when declares_result
};

class Session {
 public:
  // `text`, unless null, is what the source of that module was parsed to.
  Session(const OpTable& ops, const Library* library, std::shared_ptr<const syntax::Module> text = nullptr);

  const OpTable& ops;
  // Levels of nested statements and expressions, of the whole session: functions that infer one another's results nest.
  int depth = 0;

  Unit& declare(const FunctionSource& source);
  // Of a method of an interface, whose name is that of its def: it declares its result, and its body is `pass`.
  ObjectType::Method method_in_interface(const FunctionSource& source);
  // The signature, as a call needs it. Compiles the function if its result type is not declared.
  const Schema& signature(const FunctionRef& function, const SourceSpan& where);
  // Compiles the function now, unless it is compiled already or being compiled. False when it is being compiled.
  bool compile_now(const FunctionRef& function, const SourceSpan& where);
  // Whether a script function of that name is compiled, or declared here.
  [[nodiscard]] bool knows(std::string_view qualified_name) const;
  // Compiles everything declared.
  std::vector<CompiledFunction> finish();

 private:
  Unit& unit_of(const FunctionRef& function, const SourceSpan& where);
  void compile(Unit& unit);
  [[nodiscard]] static std::string shown(const Unit& unit);
  // Adds the chain of callers of the function that was being compiled to the error, once.
  [[noreturn]] void rethrow_with_callers(const Unit* last, std::string told);
  std::shared_ptr<const syntax::Module> parsed(const std::shared_ptr<const Source>& source);

  const Library* library_;
  std::deque<Unit> units_;
  std::unordered_map<std::string, Unit*> by_name_;
  std::unordered_map<const Source*, std::shared_ptr<const syntax::Module>>
      modules_;                // which hold their sources
  Unit* current_ = nullptr;    // the one that is being compiled
  bool callers_told_ = false;  // in the error that is on its way
};

}  // namespace tine::compile
