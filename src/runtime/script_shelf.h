// ScriptShelf: the functions of a ScriptStore, their code, and the machine that runs it. The store shares it with whatever of
// it outlives the store. For src/runtime/script*.cpp alone.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/code/function.h"
#include "src/compile/compile.h"
#include "src/ir/graph.h"
#include "src/rpc/call.h"
#include "src/vm/machine.h"
#include "tine/script.h"

namespace tine {

class ScriptStore;
// What was compiled at once, with what it calls of others.
struct ScriptBatch;

class ScriptShelf : public std::enable_shared_from_this<ScriptShelf> {
 public:
  ScriptShelf(const OpTable& table, Executor& executor, const OpContext& context, uint32_t max_depth)
      : ops(table), machine(executor, services(context), vm::Limits{max_depth}) {}

  // The lock, for those who only read. Throws Error in a child of fork(2) in whose parent another thread held it: nobody lets go
  // of it there.
  class TINE_SCOPED_CAPABILITY Reading {
   public:
    explicit Reading(ScriptShelf& shelf) TINE_ACQUIRE(shelf.mutex);
    ~Reading() TINE_RELEASE() { mutex_.unlock(); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    Mutex& mutex_;
  };

  struct Entry {
    const script::Function::Data* function;
    std::weak_ptr<ScriptBatch> batch;
  };

  const OpTable& ops;
  std::atomic<ForeignCaller> foreign{nullptr};
  vm::Machine machine;
  const Birth birth;
  ScriptStore* store = nullptr;     // null when it is gone
  std::atomic<bool> closed{false};  // the store is gone, and all runs with it; set under the lock
  std::atomic<unsigned> prefixes{0};

  Mutex mutex;
  std::unordered_map<std::string, Entry> functions TINE_GUARDED_BY(mutex);
  // Nobody shows them; a run may be in their code. A handle brings its node, so that its last user needs no memory.
  std::list<std::shared_ptr<ScriptBatch>> unused TINE_GUARDED_BY(mutex);
  code::Library library;

  // Its batch is null when there is none of that name.
  [[nodiscard]] std::pair<const script::Function::Data*, std::shared_ptr<ScriptBatch>> find(
      std::string_view name);
  // Empty when there is none. Its batch stays meanwhile: enough to read it, not to run it.
  [[nodiscard]] script::Function peek(std::string_view name);
  void collect() noexcept;

 private:
  OpContext services(OpContext context) const noexcept {
    context.foreign = &foreign;
    return context;
  }
};

struct script::Function::Data {
  Data(compile::CompiledFunction from, std::shared_ptr<const Source> text, ScriptShelf& on);

  const std::string name;  // qualified
  const Schema schema;
  const std::shared_ptr<const ir::Graph> graph;  // as it was compiled or traced; what runs may be optimised
  const std::string docstring;
  const SourceSpan span;
  const std::shared_ptr<const Source> source;  // null for a traced or received function
  ScriptShelf& shelf;
  const code::Function* code = nullptr;
  bool makes_futures = true;  // or may: its run can wait, fork, and call other workers
  mutable std::shared_ptr<const rpc::ScriptCode> exported;  // under the shelf's lock
};

struct ScriptBatch : std::enable_shared_from_this<ScriptBatch> {
  explicit ScriptBatch(std::shared_ptr<ScriptShelf> s) : shelf(std::move(s)) {}
  ~ScriptBatch();
  ScriptBatch(const ScriptBatch&) = delete;
  ScriptBatch& operator=(const ScriptBatch&) = delete;

  // The last handle to go leaves the batch on the shelf until no script runs. Not under the shelf's lock: where there is no
  // memory for the handle it goes at once.
  [[nodiscard]] script::Function show(const script::Function::Data* f);

  const std::shared_ptr<ScriptShelf> shelf;
  std::vector<std::unique_ptr<script::Function::Data>> functions;
  std::vector<std::shared_ptr<ScriptBatch>> needs;
  // Among the shelf's unused ones, once, however often its handles come and go while a script runs. Under the shelf's lock.
  bool is_unused = false;
};

}  // namespace tine
