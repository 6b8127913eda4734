#include "src/runtime/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "src/compile/emit.h"
#include "src/ir/passes/simplify.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/runtime/script_shelf.h"
#include "src/value/bind.h"
#include "src/value/cost.h"
#include "src/vm/running.h"

namespace tine {

using script::Function;

Function::Data::Data(compile::CompiledFunction from, std::shared_ptr<const Source> text, ScriptShelf& on)
    : name(from.schema.name),
      schema(std::move(from.schema)),
      graph(std::move(from.graph)),
      docstring(std::move(from.docstring)),
      span(std::move(from.span)),
      source(std::move(text)),
      shelf(on) {}

ScriptBatch::~ScriptBatch() {
  {
    const MutexLock lock(shelf->mutex);
    for (const auto& f : functions) {
      const auto at = shelf->functions.find(f->name);
      if (at != shelf->functions.end() && at->second.function == f.get()) shelf->functions.erase(at);
    }
  }
  for (const auto& f : functions) shelf->library.forget(*f->code);
}

Function ScriptBatch::show(const Function::Data* f) {
  return Function(std::shared_ptr<const Function::Data>(
      f, [batch = std::list{shared_from_this()}](const Function::Data*) mutable noexcept {
        const std::shared_ptr<ScriptShelf> shelf = batch.front()->shelf;
        if (shelf->birth.inherited()) {  // its lock is as fork(2) found it: the batch stays
          (void)new (std::nothrow) std::list<std::shared_ptr<ScriptBatch>>(std::move(batch));
          return;
        }
        {
          const MutexLock lock(shelf->mutex);
          if (!shelf->closed && !std::exchange(batch.front()->is_unused, true))
            shelf->unused.splice(shelf->unused.end(), batch);
        }
        batch.clear();
        shelf->collect();
      }));
}

// The analysis does not follow a lock that is only tried.
ScriptShelf::Reading::Reading(ScriptShelf& shelf) TINE_NO_THREAD_SAFETY_ANALYSIS : mutex_(shelf.mutex) {
  if (!shelf.birth.inherited()) {
    mutex_.lock();
  } else if (!mutex_.try_lock()) {
    throw Error(
        "the script functions of the parent process cannot be read here: another of its threads was at work "
        "on them when it forked; compile them in this process");
  }
}

std::pair<const Function::Data*, std::shared_ptr<ScriptBatch>> ScriptShelf::find(std::string_view name) {
  const Reading lock(*this);
  const auto at = functions.find(std::string(name));
  if (at == functions.end()) return {};
  return {at->second.function, at->second.batch.lock()};
}

Function ScriptShelf::peek(std::string_view name) {
  auto [f, batch] = find(name);
  return batch ? Function(std::shared_ptr<const Function::Data>(std::move(batch), f)) : Function();
}

void ScriptShelf::collect() noexcept {
  if (!vm::RunningCount::nothing_runs()) return;
  std::list<std::shared_ptr<ScriptBatch>> candidates;
  {
    const MutexLock lock(mutex);
    candidates.swap(unused);
    for (const auto& batch : candidates) batch->is_unused = false;
  }
  // What is shown again meanwhile has another owner. Asked again: what has become unused since the first answer may be run.
  if (candidates.empty() || vm::RunningCount::nothing_runs()) return;
  const MutexLock lock(mutex);
  for (auto at = candidates.begin(); at != candidates.end();) {
    const auto next = std::next(at);
    if (!std::exchange((*at)->is_unused, true)) unused.splice(unused.end(), candidates, at);
    at = next;
  }
}

namespace {

// A function that the compilation finds must stay until the new functions, which may call it, are kept.
class Found final : public compile::Library {
 public:
  explicit Found(const ScriptStore& store) : store_(store) {}
  [[nodiscard]] const Schema* find(std::string_view name) const override {
    Function f = store_.function(name);
    if (!f) return nullptr;
    const Schema* const schema = &f.schema();
    held_.push_back(std::move(f));
    return schema;
  }

 private:
  const ScriptStore& store_;
  mutable std::vector<Function> held_;
};

std::unique_ptr<code::Function> machine_code(const ir::Graph& graph, const std::string& name) {
  ir::verify(graph);
  // What a user sees stays as it was written.
  const std::unique_ptr<ir::Graph> lean = ir::clone(graph);
  ir::simplify(*lean);
  return compile::emit(*lean, name);
}

bool may_hold_future(const Type& type) {
  if (type.kind == TypeKind::kAny || type.kind == TypeKind::kVariable || type.kind == TypeKind::kFuture ||
      type.kind == TypeKind::kRRef)
    return true;
  return std::any_of(type.of.begin(), type.of.end(),
                     [](const TypePtr& part) { return may_hold_future(*part); });
}

// What it calls may.
bool makes_futures(const code::Function& f) {
  return !f.calls.empty() || !f.children.empty() || std::any_of(f.ops.begin(), f.ops.end(), [](const Op* op) {
    return may_hold_future(*op->schema.result_type());
  });
}

}  // namespace

ScriptStore::ScriptStore(const OpTable& ops, Executor& executor, const OpContext& context, uint32_t max_depth)
    : shelf_(std::make_shared<ScriptShelf>(ops, executor, context, max_depth)) {
  shelf_->store = this;
}

ScriptStore::~ScriptStore() {
  std::list<std::shared_ptr<ScriptBatch>> unused;
  const MutexLock lock(shelf_->mutex);
  shelf_->closed = true;
  shelf_->store = nullptr;
  unused.swap(shelf_->unused);
}

void ScriptStore::call_foreign_by(ForeignCaller caller) noexcept {
  shelf_->foreign.store(caller, std::memory_order_release);
}

void ScriptStore::end() noexcept { shelf_->machine.end(); }
const OpTable& ScriptStore::ops() const noexcept { return shelf_->ops; }
Executor& ScriptStore::executor() const noexcept { return shelf_->machine.executor(); }
vm::Machine& ScriptStore::machine() noexcept { return shelf_->machine; }

Function ScriptStore::function(std::string_view name) const {
  const auto [f, batch] = shelf_->find(name);
  return batch ? batch->show(f) : Function();
}

Function ScriptStore::peek(std::string_view name) const { return shelf_->peek(name); }

size_t ScriptStore::size() const {
  const MutexLock lock(shelf_->mutex);
  return shelf_->functions.size();
}

std::string ScriptStore::new_prefix() { return fmt::format("__script__.unit{}", ++shelf_->prefixes); }

// Emits before it defines, so that nothing is kept when one of them fails.
Function ScriptStore::keep(std::vector<compile::CompiledFunction> compiled,
                           std::shared_ptr<const Source> source, bool must_be_new) {
  if (compiled.empty()) throw ValueError("the source has no function to compile");
  const std::string first = compiled.front().schema.name;
  std::vector<std::unique_ptr<code::Function>> code;
  code.reserve(compiled.size());
  std::vector<std::string> calls;
  for (const compile::CompiledFunction& f : compiled) {
    code.push_back(machine_code(*f.graph, f.schema.name));
    for (std::string& name : ir::called_functions(*f.graph)) calls.push_back(std::move(name));
  }
  auto batch = std::make_shared<ScriptBatch>(shelf_);
  std::vector<std::shared_ptr<ScriptBatch>> seen;  // let go without the lock
  MutexLock lock(shelf_->mutex);
  const auto defined = [&](const std::string& name) -> ScriptBatch* {
    shelf_->mutex.assert_held();
    const auto at = shelf_->functions.find(name);
    if (at == shelf_->functions.end()) return nullptr;
    return seen.emplace_back(at->second.batch.lock()).get();
  };
  if (must_be_new) {
    for (const compile::CompiledFunction& f : compiled) {
      if (defined(f.schema.name))
        throw ValueError(
            fmt::format("there is a script function `{}` already; choose another name, or another prefix",
                        f.schema.name));
    }
  }
  for (size_t i = 0; i < compiled.size(); ++i) {
    const std::string name = compiled[i].schema.name;
    if (defined(name)) continue;
    auto text = compiled[i].span.source ? compiled[i].span.source : source;
    auto made = std::make_unique<Function::Data>(std::move(compiled[i]), std::move(text), *shelf_);
    made->makes_futures = makes_futures(*code[i]);
    made->code = &shelf_->library.define(std::move(code[i]));
    shelf_->functions.insert_or_assign(name, ScriptShelf::Entry{made.get(), batch});
    batch->functions.push_back(std::move(made));
  }
  for (const std::string& name : calls) {
    const ScriptBatch* const callee = defined(name);
    if (!callee || callee == batch.get()) continue;
    auto& needs = batch->needs;
    if (std::find(needs.begin(), needs.end(), seen.back()) == needs.end()) needs.push_back(seen.back());
  }
  // Another thread may have compiled it meanwhile.
  const Function::Data* const kept = shelf_->functions.at(first).function;
  const std::shared_ptr<ScriptBatch> shown = shelf_->functions.at(first).batch.lock();
  lock.unlock();
  return shown->show(kept);
}

Function ScriptStore::compile(const script::FunctionSource& source) {
  if (Function done = function(source.qualified_name)) return done;
  const Found found(*this);
  return keep(compile::compile(shelf_->ops, std::span(&source, 1), &found), source.source);
}

ObjectType::Method ScriptStore::signature_in_interface(const script::FunctionSource& method) const {
  return compile::signature_in_interface(shelf_->ops, method);
}

std::vector<Function> ScriptStore::compile_text(std::shared_ptr<const Source> source, std::string_view prefix,
                                                std::shared_ptr<script::Resolver> others, bool must_be_new,
                                                std::shared_ptr<script::Resolver>* known) {
  const Found library(*this);
  auto compiled = compile::compile_text(shelf_->ops, source, prefix, &library, std::move(others), known);
  std::vector<std::string> names;
  const std::string own = fmt::format("{}.", prefix);
  for (const compile::CompiledFunction& f : compiled) {
    const std::string& name = f.schema.name;
    const bool method = name.starts_with(own) && name.find('.', own.size()) != std::string::npos;
    if (!method) names.push_back(name);
  }
  const Function kept = keep(std::move(compiled), std::move(source), must_be_new);
  std::vector<Function> found;
  for (const std::string& name : names) found.push_back(function(name));
  return found;
}

Function ScriptStore::define(std::shared_ptr<ir::Graph> graph, std::string name) {
  std::vector<compile::CompiledFunction> one(1);
  Schema& schema = one[0].schema;
  schema.name = name;
  for (int number = 1; function(schema.name); ++number)
    schema.name = fmt::format("{}___tine_{}", name, number);
  for (const ir::Def* input : graph->inputs()) {
    Argument argument;
    argument.name = input->name;
    argument.type = input->type;
    schema.args.push_back(std::move(argument));
  }
  schema.returns = graph->returns;
  graph->name = schema.name;
  one[0].graph = std::move(graph);
  return keep(std::move(one), nullptr);
}

std::vector<Value> ScriptStore::bind(const Function& f, std::span<const Value> args,
                                     std::span<const Keyword> keywords, Boundary boundary) {
  std::vector<Value> bound;
  std::string why;
  if (!tine::bind(f.schema(), args, keywords, boundary, &bound, &why)) {
    // PyTorch's words.
    const size_t most = f.schema().args.size(), given = args.size() + keywords.size();
    if (given > most)
      why =
          fmt::format("expected at most {} argument(s) but received {} argument(s): it {}", most, given, why);
    throw TypeError(fmt::format("{}() {}\nDeclaration: {}", f.name(), why, f.signature()));
  }
  return bound;
}

namespace {

// For as long as the run stays on this thread.
class Asked final : public vm::Poll {
 public:
  explicit Asked(ScriptPoll ask) noexcept : ask_(ask) {}
  void poll() override { ask_(); }

 private:
  const ScriptPoll ask_;
};

}  // namespace

Future<Value> ScriptStore::start(const Function& f, std::span<const Value> args, ScriptPoll poll) {
  Asked asked(poll);
  return shelf_->machine.start(*f.data()->code, args, poll ? &asked : nullptr);
}

bool ScriptStore::is_brief(const Function& f) noexcept { return f.data()->code->is_brief(); }

Future<Value> ScriptStore::start_slice(const Function& f, std::span<const Value> args) {
  return shelf_->machine.start_for(kSlice, *f.data()->code, args);
}

Future<Value> ScriptStore::post(const Function& f, std::span<const Value> args) {
  return shelf_->machine.post(*f.data()->code, args);
}

}  // namespace tine
