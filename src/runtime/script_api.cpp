// tine/script.h over the ScriptStore of a Runtime.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "src/future/run_limits.h"
#include "src/ir/passes/effects.h"
#include "src/runtime/script.h"
#include "src/runtime/script_shelf.h"
#include "tine/detail/fits.h"
#include "tine/runtime.h"
#include "tine/script.h"

namespace tine::script {
namespace {

std::string_view last_part(std::string_view qualified) noexcept {
  return qualified.substr(qualified.rfind('.') + 1);
}

// What the schema's parameters get; `given` itself where nothing has to be converted.
std::span<const Value> bound(const Function& f, std::span<const Value> given,
                             std::span<const Keyword> keywords, std::vector<Value>* converted) {
  const std::vector<Argument>& parameters = f.schema().args;
  bool fit = keywords.empty() && given.size() == parameters.size();
  for (size_t i = 0; fit && i < given.size(); ++i) fit = fits_at_once(given[i], *parameters[i].type);
  if (fit) return given;
  *converted = ScriptStore::bind(f, given, keywords);
  return *converted;
}

// Runs it by the machine of its own Runtime. In a child of fork(2) that is the parent's, whose threads are not here.
template <class F>
auto on_machine(const Function& f, F&& run) {
  ScriptShelf& shelf = f.data()->shelf;
  if (shelf.birth.inherited()) return run(Runtime::instance().scripts().machine());
  if (shelf.closed)
    throw Error(fmt::format("script function {} cannot be called: its Runtime is gone", f.qualified_name()));
  return run(shelf.machine);
}

ScriptStore& store_of(Runtime* runtime) { return (runtime ? *runtime : Runtime::instance()).scripts(); }

// The functions of a unit's earlier texts, their classes, then what its options have.
class UnitNames final : public Resolver {
 public:
  UnitNames(const std::vector<Function>& functions, std::shared_ptr<Resolver> others)
      : others_(std::move(others)) {
    for (const Function& f : functions) own_.set(std::string(f.name()), f);
  }
  Resolved resolve(std::string_view dotted) override {
    Resolved own = own_.resolve(dotted);
    if (!others_ || !std::holds_alternative<Missing>(own)) return own;
    return others_->resolve(dotted);
  }
  Resolved method(const ObjectType& type, std::string_view name) override {
    return others_ ? others_->method(type, name) : Missing{};
  }
  std::optional<Submodules> submodules(const ObjectType& type) override {
    return others_ ? others_->submodules(type) : std::nullopt;
  }
  std::vector<std::string> candidates(std::string_view dotted) override {
    std::vector<std::string> names = own_.candidates(dotted);
    if (others_) {
      for (std::string& name : others_->candidates(dotted)) names.push_back(std::move(name));
    }
    return names;
  }

 private:
  Globals own_;
  const std::shared_ptr<Resolver> others_;
};

}  // namespace

const Function::Data& Function::get() const {
  if (!data_) throw Error("this script::Function is empty: it shows no function");
  return *data_;
}

const std::string& Function::qualified_name() const { return get().name; }
std::string_view Function::name() const { return last_part(get().name); }
const Schema& Function::schema() const { return get().schema; }
std::string Function::signature() const {
  Schema named = schema();
  named.name = name();
  return named.str();
}
const std::string& Function::docstring() const { return get().docstring; }
const SourceSpan& Function::place() const { return get().span; }
const std::shared_ptr<const Source>& Function::source() const { return get().source; }
Graph Function::graph() const { return Graph(get().graph, get().shelf.shared_from_this(), data_); }
Graph Function::inlined_graph() const {
  const Graph graph = this->graph();
  (void)graph.run_pass("inline");
  return graph;
}
std::vector<Race> Function::races() const {
  ScriptShelf& shelf = get().shelf;
  std::map<std::string, Function, std::less<>> held;
  const ir::GraphNamed graph_named = [&](std::string_view name) -> const ir::Graph* {
    auto at = held.find(name);
    if (at == held.end()) at = held.emplace(name, shelf.peek(name)).first;
    return at->second ? at->second.get().graph.get() : nullptr;
  };
  std::vector<Race> found;
  std::set<const ir::Graph*> seen;
  const std::function<void(const ir::Graph&)> look = [&](const ir::Graph& graph) {
    if (!seen.insert(&graph).second) return;
    for (ir::Race& race : ir::find_races(graph, graph_named)) {
      std::string message = race.message();
      found.push_back(
          {std::move(race.fork), std::move(race.write), std::move(race.other), std::move(message)});
    }
    for (const std::string& callee : ir::called_functions(graph)) {
      if (const ir::Graph* called = graph_named(callee)) look(*called);
    }
  };
  look(*get().graph);
  return found;
}
std::string Function::instructions() const { return get().code->disassemble(); }

Value Function::apply(std::span<const Value> args, std::span<const Keyword> keywords) const {
  std::vector<Value> converted;
  const std::span<const Value> all = bound(*this, args, keywords, &converted);
  return on_machine(*this, [&](vm::Machine& machine) { return machine.call(*data_->code, all); });
}

Future<Value> Function::fork_apply(std::span<const Value> args, std::span<const Keyword> keywords) const {
  std::vector<Value> converted;
  const std::span<const Value> all = bound(*this, args, keywords, &converted);
  return on_machine(*this, [&](vm::Machine& machine) { return machine.post(*data_->code, all); });
}

Exported Function::exported() const {
  const Data& f = get();
  if (!f.shelf.birth.inherited() && f.shelf.closed)
    throw Error(fmt::format("script function {} cannot be exported: its Runtime is gone", f.name));
  const auto code = ScriptStore::export_code(*this);
  return {code->hash, code->text};
}

Globals& Globals::set(std::string dotted, Resolved meaning) {
  meanings_.insert_or_assign(std::move(dotted), std::move(meaning));
  return *this;
}

Globals& Globals::set(std::string dotted, Function function) {
  set(std::move(dotted), FunctionRef{function.qualified_name(), nullptr});
  functions_.push_back(std::move(function));
  return *this;
}

Resolved Globals::resolve(std::string_view dotted) {
  if (const auto at = meanings_.find(dotted); at != meanings_.end()) return at->second;
  const std::string as_namespace = fmt::format("{}.", dotted);
  const auto inner = meanings_.lower_bound(as_namespace);
  if (inner != meanings_.end() && inner->first.starts_with(as_namespace)) return Namespace{};
  return Missing{};
}

// The names beside the one that is asked for: of its namespace, or those that are first parts.
std::vector<std::string> Globals::candidates(std::string_view dotted) {
  const std::string_view place = dotted.substr(0, dotted.rfind('.') + 1);
  std::vector<std::string> names;
  for (const auto& [name, meaning] : meanings_) {
    if (dotted.find('.') == std::string_view::npos) {
      names.push_back(name.substr(0, name.find('.')));
    } else if (name.starts_with(place)) {
      const std::string_view rest = std::string_view(name).substr(place.size());
      names.emplace_back(rest.substr(0, rest.find('.')));
    }
  }
  return names;
}

CompilationUnit::CompilationUnit(Options options) : options_(std::move(options)) {
  if (options_.prefix.empty()) options_.prefix = store_of(options_.runtime).new_prefix();
}

std::vector<Function> CompilationUnit::define(std::string_view text) {
  const auto source = std::make_shared<const Source>(options_.file, std::string(text), options_.first_line);
  std::shared_ptr<Resolver> names = names_ ? names_ : options_.names;
  std::vector<Function> made =
      store_of(options_.runtime)
          .compile_text(source, options_.prefix, std::make_shared<UnitNames>(functions_, names), true,
                        &names);
  if (options_.strict) {
    for (const Function& f : made) {
      for (const Race& race : f.races()) {
        std::string text = fmt::format("{}: {}", race.fork.str(), race.message);
        for (const SourceSpan* place : {&race.fork, &race.write, &race.other}) {
          if (place->known()) text += fmt::format("\n{}\n{}", place->str(), place->excerpt());
        }
        throw SyntaxError(text);
      }
    }
  }
  names_ = std::move(names);
  functions_.insert(functions_.end(), made.begin(), made.end());
  return made;
}

Function CompilationUnit::find_function(std::string_view name) const noexcept {
  const auto at =
      std::find_if(functions_.begin(), functions_.end(), [&](const Function& f) { return f.name() == name; });
  return at == functions_.end() ? Function() : *at;
}

Function CompilationUnit::function(std::string_view name) const {
  Function found = find_function(name);
  if (found) return found;
  std::vector<std::string_view> names;
  for (const Function& f : functions_) names.push_back(f.name());
  throw NameError(fmt::format("this unit has no function `{}`; it has {}", name,
                              names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

CompilationUnit compile(std::string_view text, Options options) {
  CompilationUnit unit(std::move(options));
  (void)unit.define(text);
  return unit;
}

Context with_limits(const Context& context, const Limits& limits) {
  if (limits.steps < 1 || limits.depth < 1) {
    throw ValueError(fmt::format("script::Limits: expected at least 1 for each, got steps={} and depth={}",
                                 limits.steps, limits.depth));
  }
  return tine::detail::with_run_limits(context, limits.steps, limits.depth);
}

Function load(const Exported& exported, Runtime* runtime) {
  return store_of(runtime).import_code(exported.hash, exported.text);
}

}  // namespace tine::script
