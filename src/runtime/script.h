// ScriptStore: the script functions of a Runtime, by qualified name. It compiles them, keeps them and runs them.
//
// tine/script.h is the public side; this one is for bindings, which bring their own names and bind their own arguments.
//
// A function stays as long as somebody has a handle of it, a function that stays calls it, or a script runs. Functions that
// were compiled together go together. A name may come again when its function is gone. A function that is found can be
// called: what it calls is there, too. Handles may outlive the store.
//
// Every member may be called from any thread. A Resolver is called by the compiling thread alone, and no lock of the store is
// held meanwhile. Two threads may compile one function at once; the first result is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/operators.h"
#include "tine/script.h"

namespace tine {

class ScriptShelf;
namespace compile {
struct CompiledFunction;
}
namespace rpc {
struct ScriptCode;
}
namespace vm {
class Machine;
}

namespace script {
// A scripted module's class, on its way to another worker.
struct Class {
  std::shared_ptr<const ObjectType> type;
  std::string name;   // for people: letters, digits and underscores
  std::string facts;  // one line, which only the language that wrote it reads
  std::vector<std::pair<std::string, Function>> methods;
};
}  // namespace script

// Called now and then by the thread that runs a script, at least every 50 ms; what it throws ends the run.
using ScriptPoll = void (*)();

class TINE_API ScriptStore final {
 public:
  // `max_depth`: of calls and forks within each other.
  ScriptStore(const OpTable& ops, Executor& executor, const OpContext& context,
              uint32_t max_depth = 1'000'000);
  ~ScriptStore();
  ScriptStore(const ScriptStore&) = delete;
  ScriptStore& operator=(const ScriptStore&) = delete;

  // Compiles it and what it needs, unless a function of its name is there already. Throws SyntaxError and what the Resolver
  // throws; then nothing is kept.
  [[nodiscard]] script::Function compile(const script::FunctionSource& source);
  // Of a method of an interface.
  [[nodiscard]] ObjectType::Method signature_in_interface(const script::FunctionSource& method) const;
  // Every def of a text; their names are "<prefix>.<def>". ValueError for one that is there already, when they must be new.
  // Its classes come with them; `names`, unless null, becomes what knows these.
  [[nodiscard]] std::vector<script::Function> compile_text(
      std::shared_ptr<const Source> source, std::string_view prefix,
      std::shared_ptr<script::Resolver> others = nullptr, bool must_be_new = false,
      std::shared_ptr<script::Resolver>* names = nullptr);
  // A prefix that no other text has.
  [[nodiscard]] std::string new_prefix();
  // A graph from elsewhere (a trace); its inputs are the parameters. A name that is taken gets a number.
  [[nodiscard]] script::Function define(std::shared_ptr<ir::Graph> graph, std::string name);
  [[nodiscard]] script::Function function(std::string_view name) const;  // empty when there is none
  // To read it, not to run it: such a handle leaves nothing behind while scripts run.
  [[nodiscard]] script::Function peek(std::string_view name) const;
  // How many there are, those included that are to go when no script runs.
  [[nodiscard]] size_t size() const;

  // One Value for each parameter: positions, keywords, defaults, what the boundary converts. TypeError in PyTorch's words.
  [[nodiscard]] static std::vector<Value> bind(const script::Function& f, std::span<const Value> args,
                                               std::span<const Keyword> keywords,
                                               Boundary boundary = Boundary::kPython);

  // These take bound arguments, one that fits for each parameter, and a function of this store or of the one that the parent
  // had before fork(2). start() runs it on this thread until it waits, post() in the pool.
  [[nodiscard]] Future<Value> start(const script::Function& f, std::span<const Value> args,
                                    ScriptPoll poll = nullptr);
  // Whether start() always ends within a microsecond, and with it the run.
  [[nodiscard]] static bool is_brief(const script::Function& f) noexcept;
  // start() for a thread that others wait for: what takes longer than kSlice goes on in the pool.
  [[nodiscard]] Future<Value> start_slice(const script::Function& f, std::span<const Value> args);
  [[nodiscard]] Future<Value> post(const script::Function& f, std::span<const Value> args);

  // The function and all that it calls as text that import_code() takes, and the hash of it.
  [[nodiscard]] static std::shared_ptr<const rpc::ScriptCode> export_code(const script::Function& f);
  // Null when there is no function of that name.
  [[nodiscard]] std::shared_ptr<const rpc::ScriptCode> export_code(std::string_view name) const;
  // The same of the classes of a module, with their methods and all that these call. The slots of a class hold objects of
  // those before it alone.
  [[nodiscard]] std::shared_ptr<const rpc::ScriptCode> export_classes(
      std::span<const script::Class> classes) const;
  // The function of that hash, defined here under names of its own. SyntaxError for text that is not IR, ValueError when its
  // hash is another.
  [[nodiscard]] script::Function import_code(std::string_view hash, std::string_view text);

  // What export_classes() was given, as types and functions of this store's own. Throws as import_code().
  [[nodiscard]] std::vector<script::Class> import_classes(std::string_view hash, std::string_view text);

  // How scripts of this store call functions of the language that they were written in, from now on.
  void call_foreign_by(Future<Value> (*caller)(const std::string& function,
                                               const std::vector<Value>& args)) noexcept;

  // Ends every run, with Abandoned: one that computes within 50 ms, one that waits when it would go on.
  void end() noexcept;

  [[nodiscard]] const OpTable& ops() const noexcept;
  [[nodiscard]] Executor& executor() const noexcept;
  [[nodiscard]] vm::Machine& machine() noexcept;
  [[nodiscard]] const std::shared_ptr<ScriptShelf>& shelf() const noexcept { return shelf_; }

 private:
  script::Function keep(std::vector<compile::CompiledFunction> compiled, std::shared_ptr<const Source> source,
                        bool must_be_new = false);

  const std::shared_ptr<ScriptShelf> shelf_;
};

}  // namespace tine
