#include "src/runtime/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <unordered_map>

#include "src/compile/emit.h"
#include "src/ir/passes/simplify.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/bind.h"
#include "src/value/cost.h"
#include "src/vm/running.h"

namespace tine {
namespace {

std::string_view last_part(std::string_view qualified) noexcept {
  return qualified.substr(qualified.rfind('.') + 1);
}

}  // namespace

ScriptFunction::ScriptFunction(compile::CompiledFunction from, std::shared_ptr<const Source> s)
    : name(from.schema.name),
      schema(std::move(from.schema)),
      graph(std::move(from.graph)),
      docstring(std::move(from.docstring)),
      span(std::move(from.span)),
      source(std::move(s)) {}

std::string ScriptFunction::text() const { return ir::print(*graph); }

std::string ScriptFunction::signature() const {
  Schema named = schema;
  named.name = last_part(name);
  return named.str();
}

// The functions by name, and their code. Shared by the unit and by everything that may outlive it.
struct ScriptUnit::Shelf {
  struct Entry {
    const ScriptFunction* function;
    std::weak_ptr<Batch> batch;
  };
  std::mutex mutex;
  std::unordered_map<std::string, Entry> functions;
  std::vector<std::shared_ptr<Batch>> unused;  // nobody shows them; a run may be in their code
  bool closed = false;                         // the unit is gone, and all runs with it
  code::Library library;

  // Keeps the batch alive, which is enough to read the function. Running it needs a ScriptRef.
  [[nodiscard]] ScriptRef peek(std::string_view name);
  void collect() noexcept;
};

// What was compiled at once, with what it calls of others.
struct ScriptUnit::Batch : std::enable_shared_from_this<Batch> {
  explicit Batch(std::shared_ptr<Shelf> s) : shelf(std::move(s)) {}
  ~Batch() {
    {
      const std::lock_guard lock(shelf->mutex);
      for (const auto& f : functions) {
        const auto at = shelf->functions.find(f->name);
        if (at != shelf->functions.end() && at->second.function == f.get()) shelf->functions.erase(at);
      }
    }
    for (const auto& f : functions) shelf->library.forget(*f->code_);
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // When the last reference goes, the batch is put on the list `unused` until no script runs.
  [[nodiscard]] ScriptRef show(const ScriptFunction* f) {
    return ScriptRef(f, [batch = shared_from_this()](const ScriptFunction*) mutable noexcept {
      const std::shared_ptr<Shelf> shelf = batch->shelf;
      std::shared_ptr<Batch> gone;  // destroyed without the lock
      {
        const std::lock_guard lock(shelf->mutex);
        if (shelf->closed) {
          gone = std::move(batch);
        } else {
          shelf->unused.push_back(std::move(batch));
        }
      }
      gone.reset();
      shelf->collect();
    });
  }

  const std::shared_ptr<Shelf> shelf;
  std::vector<std::unique_ptr<ScriptFunction>> functions;
  std::vector<std::shared_ptr<Batch>> needs;
};

ScriptRef ScriptUnit::Shelf::peek(std::string_view name) {
  const std::lock_guard lock(mutex);
  const auto at = functions.find(std::string(name));
  if (at == functions.end()) return nullptr;
  std::shared_ptr<Batch> batch = at->second.batch.lock();
  return batch ? ScriptRef(std::move(batch), at->second.function) : nullptr;
}

void ScriptUnit::Shelf::collect() noexcept {
  std::vector<std::shared_ptr<Batch>> candidates;
  {
    const std::lock_guard lock(mutex);
    candidates.swap(unused);
  }
  // What is shown again meanwhile has another owner.
  if (candidates.empty() || vm::RunningCount::nothing_runs()) return;
  const std::lock_guard lock(mutex);
  unused.insert(unused.end(), std::make_move_iterator(candidates.begin()),
                std::make_move_iterator(candidates.end()));
}

// A function that the compilation finds must stay until the new functions, which may call it, are kept.
class ScriptUnit::Found final : public compile::Library {
 public:
  explicit Found(const ScriptUnit& unit) : unit_(unit) {}
  [[nodiscard]] const Schema* find(std::string_view name) const override {
    ScriptRef f = unit_.function(name);
    if (!f) return nullptr;
    const Schema* const schema = &f->schema;
    held_.push_back(std::move(f));
    return schema;
  }

 private:
  const ScriptUnit& unit_;
  mutable std::vector<ScriptRef> held_;
};

ScriptUnit::ScriptUnit(const OpTable& ops, Executor& executor, const OpContext& context)
    : ops_(ops), shelf_(std::make_shared<Shelf>()), machine_(executor, context) {}

ScriptUnit::~ScriptUnit() {
  std::vector<std::shared_ptr<Batch>> unused;
  const std::lock_guard lock(shelf_->mutex);
  shelf_->closed = true;
  unused.swap(shelf_->unused);
}

ScriptRef ScriptUnit::function(std::string_view name) const {
  std::shared_ptr<Batch> batch;  // let go without the lock
  const std::lock_guard lock(shelf_->mutex);
  const auto at = shelf_->functions.find(std::string(name));
  if (at == shelf_->functions.end()) return nullptr;
  batch = at->second.batch.lock();
  return batch ? batch->show(at->second.function) : nullptr;
}

ScriptRef ScriptUnit::peek(std::string_view name) const { return shelf_->peek(name); }

size_t ScriptUnit::size() const {
  const std::lock_guard lock(shelf_->mutex);
  return shelf_->functions.size();
}

std::unique_ptr<code::Function> ScriptUnit::code_of(const ir::Graph& graph, const std::string& name) const {
  ir::verify(graph);
  // What a user sees stays as it was written.
  const std::unique_ptr<ir::Graph> lean = ir::clone(graph);
  ir::simplify(*lean);
  return compile::emit(*lean, name);
}

// Emits before it defines, so that nothing is kept when one of them fails.
ScriptRef ScriptUnit::keep(std::vector<compile::CompiledFunction> compiled,
                           std::shared_ptr<const Source> source) {
  if (compiled.empty()) throw ValueError("the source has no function to compile");
  const std::string first = compiled.front().schema.name;
  std::vector<std::unique_ptr<code::Function>> code;
  code.reserve(compiled.size());
  std::vector<std::string> calls;
  for (const compile::CompiledFunction& f : compiled) {
    code.push_back(code_of(*f.graph, f.schema.name));
    for (std::string& name : ir::called_functions(*f.graph)) calls.push_back(std::move(name));
  }
  auto batch = std::make_shared<Batch>(shelf_);
  std::vector<std::shared_ptr<Batch>> seen;  // let go without the lock
  const std::lock_guard lock(shelf_->mutex);
  const auto defined = [&](const std::string& name) -> Batch* {
    const auto at = shelf_->functions.find(name);
    if (at == shelf_->functions.end()) return nullptr;
    return seen.emplace_back(at->second.batch.lock()).get();
  };
  for (size_t i = 0; i < compiled.size(); ++i) {
    const std::string name = compiled[i].schema.name;
    if (defined(name)) continue;
    auto text = compiled[i].span.source ? compiled[i].span.source : source;
    auto made = std::unique_ptr<ScriptFunction>(new ScriptFunction(std::move(compiled[i]), std::move(text)));
    made->code_ = &shelf_->library.define(std::move(code[i]));
    shelf_->functions.insert_or_assign(name, Shelf::Entry{made.get(), batch});
    batch->functions.push_back(std::move(made));
  }
  for (const std::string& name : calls) {
    const Batch* const callee = defined(name);
    if (!callee || callee == batch.get()) continue;
    auto& needs = batch->needs;
    if (std::find(needs.begin(), needs.end(), seen.back()) == needs.end()) needs.push_back(seen.back());
  }
  // Another thread may have compiled it meanwhile.
  return defined(first)->show(shelf_->functions.at(first).function);
}

ScriptRef ScriptUnit::compile(const compile::FunctionSource& source) {
  if (ScriptRef done = function(source.qualified_name)) return done;
  const Found found(*this);
  return keep(compile::compile(ops_, std::span(&source, 1), &found), source.source);
}

std::vector<ScriptRef> ScriptUnit::compile_text(std::shared_ptr<const Source> source,
                                                std::string_view prefix) {
  const Found library(*this);
  auto compiled = compile::compile_text(ops_, source, prefix, &library);
  if (compiled.empty()) return {};
  std::vector<std::string> names;
  for (const compile::CompiledFunction& f : compiled) names.push_back(f.schema.name);
  const ScriptRef kept = keep(std::move(compiled), std::move(source));
  std::vector<ScriptRef> found;
  for (const std::string& name : names) found.push_back(function(name));
  return found;
}

ScriptRef ScriptUnit::define(std::shared_ptr<ir::Graph> graph, Schema schema) {
  const std::string base = schema.name;
  for (int number = 1; function(schema.name); ++number)
    schema.name = fmt::format("{}___tine_{}", base, number);
  graph->name = schema.name;
  std::vector<compile::CompiledFunction> one(1);
  one[0].schema = std::move(schema);
  one[0].graph = std::move(graph);
  return keep(std::move(one), nullptr);
}

std::shared_ptr<const rpc::ScriptCode> ScriptUnit::exported(
    const ScriptFunction& f, std::shared_ptr<const rpc::ScriptCode> fresh) const {
  const std::lock_guard lock(shelf_->mutex);
  if (!f.exported_) f.exported_ = std::move(fresh);
  return f.exported_;
}

std::vector<Value> ScriptUnit::bind(const ScriptFunction& f, std::span<const Value> args,
                                    std::span<const Keyword> keywords, Boundary boundary) const {
  std::vector<Value> bound;
  std::string why;
  if (!tine::bind(f.schema, args, keywords, boundary, &bound, &why)) {
    // PyTorch's words.
    const size_t most = f.schema.args.size(), given = args.size() + keywords.size();
    if (given > most)
      why =
          fmt::format("expected at most {} argument(s) but received {} argument(s): it {}", most, given, why);
    throw TypeError(fmt::format("{}() {}\nDeclaration: {}", last_part(f.name), why, f.signature()));
  }
  return bound;
}

Future<Value> ScriptUnit::start(const ScriptFunction& f, std::span<const Value> args, vm::Poll* poll) {
  return machine_.start(*f.code_, args, poll);
}

Future<Value> ScriptUnit::start_slice(const ScriptFunction& f, std::span<const Value> args) {
  return machine_.start_for(kSlice, *f.code_, args);
}

Future<Value> ScriptUnit::post(const ScriptFunction& f, std::span<const Value> args) {
  return machine_.post(*f.code_, args);
}

Value ScriptUnit::call(const ScriptFunction& f, std::span<const Value> args, vm::Poll* poll) {
  return machine_.call(*f.code_, args, poll);
}

ScriptRef define_traced(ScriptUnit& unit, std::shared_ptr<ir::Graph> graph, std::string name) {
  Schema schema;
  schema.name = std::move(name);
  for (const ir::Def* input : graph->inputs()) {
    Argument argument;
    argument.name = input->name;
    argument.type = input->type;
    schema.args.push_back(std::move(argument));
  }
  schema.returns = graph->returns;
  return unit.define(std::move(graph), std::move(schema));
}

std::string graph_text(const ir::Graph& graph) { return ir::print(graph); }
std::string graph_content_hash(const ir::Graph& graph) { return ir::content_hash(graph); }

std::vector<std::string> graph_node_kinds(const ir::Graph& graph) {
  std::vector<std::string> kinds;
  std::vector<std::pair<const ir::Block*, size_t>> open = {
      {&graph.root(), 0}};  // no recursion: blocks may nest deep
  while (!open.empty()) {
    auto& [block, next] = open.back();
    if (next == block->nodes.size()) {
      open.pop_back();
      continue;
    }
    const ir::Node& node = *block->nodes[next++];
    kinds.emplace_back(node.kind == ir::Kind::kOp ? std::string_view(node.op->schema.name)
                                                  : ir::name_of(node.kind));
    if (node.subgraph) open.emplace_back(&node.subgraph->root(), 0);
    for (size_t i = node.blocks.size(); i-- > 0;) open.emplace_back(node.blocks[i], 0);
  }
  return kinds;
}

}  // namespace tine
