#include "src/runtime/script.h"

#include <fmt/format.h>

#include "src/compile/emit.h"
#include "src/ir/passes/simplify.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"

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

ScriptUnit::ScriptUnit(const OpTable& ops, Executor& executor, const OpContext& context)
    : ops_(ops), machine_(executor, context) {}
ScriptUnit::~ScriptUnit() = default;

const Schema* ScriptUnit::find(std::string_view name) const {
  const ScriptFunction* f = function(name);
  return f ? &f->schema : nullptr;
}

const ScriptFunction* ScriptUnit::function(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto at = functions_.find(std::string(name));
  return at == functions_.end() ? nullptr : at->second.get();
}

std::unique_ptr<code::Function> ScriptUnit::code_of(const ir::Graph& graph, const std::string& name) const {
  ir::verify(graph);
  // What a user sees stays as it was written.
  const std::unique_ptr<ir::Graph> lean = ir::clone(graph);
  ir::simplify(*lean);
  return compile::emit(*lean, name);
}

// Emits before it defines, so that nothing is kept when one of them fails.
const ScriptFunction& ScriptUnit::keep(std::vector<compile::CompiledFunction> compiled,
                                       std::shared_ptr<const Source> source) {
  if (compiled.empty()) throw ValueError("the source has no function to compile");
  const std::string first = compiled.front().schema.name;
  std::vector<std::unique_ptr<code::Function>> code;
  code.reserve(compiled.size());
  for (const compile::CompiledFunction& f : compiled) code.push_back(code_of(*f.graph, f.schema.name));
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < compiled.size(); ++i) {
    const std::string name = compiled[i].schema.name;
    if (functions_.contains(name)) continue;
    auto text = compiled[i].span.source ? compiled[i].span.source : source;
    auto made = std::unique_ptr<ScriptFunction>(new ScriptFunction(std::move(compiled[i]), std::move(text)));
    made->code_ = &library_.define(std::move(code[i]));
    functions_.emplace(name, std::move(made));
  }
  return *functions_.at(first);
}

const ScriptFunction& ScriptUnit::compile(const compile::FunctionSource& source) {
  if (const ScriptFunction* done = function(source.qualified_name)) return *done;
  return keep(compile::compile(ops_, std::span(&source, 1), this), source.source);
}

std::vector<const ScriptFunction*> ScriptUnit::compile_text(std::shared_ptr<const Source> source,
                                                            std::string_view prefix) {
  auto compiled = compile::compile_text(ops_, source, prefix, this);
  if (compiled.empty()) return {};
  std::vector<std::string> names;
  for (const compile::CompiledFunction& f : compiled) names.push_back(f.schema.name);
  keep(std::move(compiled), std::move(source));
  std::vector<const ScriptFunction*> found;
  for (const std::string& name : names) found.push_back(function(name));
  return found;
}

const ScriptFunction& ScriptUnit::define(std::shared_ptr<ir::Graph> graph, Schema schema) {
  const std::string base = schema.name;
  for (int number = 1; function(schema.name); ++number)
    schema.name = fmt::format("{}___tine_{}", base, number);
  graph->name = schema.name;
  std::vector<compile::CompiledFunction> one(1);
  one[0].schema = std::move(schema);
  one[0].graph = std::move(graph);
  return keep(std::move(one), nullptr);
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

const ScriptFunction& define_traced(ScriptUnit& unit, std::shared_ptr<ir::Graph> graph, std::string name) {
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
