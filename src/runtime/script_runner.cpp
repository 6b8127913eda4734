#include "src/runtime/script_runner.h"

#include <fmt/format.h>

#include <unordered_map>

#include "src/base/mutex.h"

#include "tine/fork.h"

namespace tine {

struct UnitRunner::Functions : std::enable_shared_from_this<Functions> {
  explicit Functions(ScriptStore& u) : store(u) {}

  // The function of that name, or of the code if there is one. The future is pending while the code is being read.
  Future<script::Function> function_for(const std::string& name, const rpc::ScriptCode& code) {
    if (code.hash.empty()) {
      if (script::Function f = store.function(name)) return make_ready(f);
      throw AttributeError(fmt::format("this worker has no script function \"{}\"", name));
    }
    Promise<script::Function> promise;
    {
      const MutexLock lock(mutex);
      if (const auto it = received.find(code.hash); it != received.end()) return it->second;
      if (code.text.empty() && !store.function(name))
        throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
      received.emplace(code.hash, promise.future());
    }
    Future<script::Function> function = promise.future();
    (void)fork(store.executor(),
               [self = shared_from_this(), name, code, promise = std::move(promise)]() mutable {
                 try {
                   promise.set_value(self->read(name, code));
                 } catch (...) {
                   {
                     const MutexLock lock(self->mutex);
                     self->received.erase(code.hash);  // another call may bring it whole
                   }
                   promise.set_error(std::current_exception());
                 }
               });
    return function;
  }

  script::Function read(const std::string& name, const rpc::ScriptCode& code) {
    // Usually this worker runs the same program and has the same function. Then that one is used.
    if (script::Function own = store.function(name)) {
      if (store.export_code(own)->hash == code.hash) return own;
    }
    if (code.text.empty())
      throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
    return store.import_code(code.hash, code.text);
  }

  ScriptStore& store;
  Mutex mutex;
  // By hash. They stay, because a sender sends a code once.
  std::unordered_map<std::string, Future<script::Function>> received TINE_GUARDED_BY(mutex);
};

UnitRunner::UnitRunner(ScriptStore& store) : functions_(std::make_shared<Functions>(store)) {}
UnitRunner::~UnitRunner() = default;

Future<Value> UnitRunner::run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                              std::vector<std::pair<std::string, Value>> kwargs) {
  const Future<script::Function> function = functions_->function_for(name, code);
  auto start = [&store = functions_->store, args = std::move(args),
                kwargs = std::move(kwargs)](const script::Function& f) {
    const std::vector<Keyword> keywords(kwargs.begin(), kwargs.end());
    return store.start_slice(f, ScriptStore::bind(f, args, keywords));
  };
  if (function.ready()) return start(function.get());
  return function.and_then(std::move(start));
}

std::shared_ptr<const rpc::ScriptCode> UnitRunner::exported_code(const std::string& name) {
  return functions_->store.export_code(name);
}

}  // namespace tine
