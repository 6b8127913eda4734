#include "src/runtime/script_runner.h"

#include <fmt/format.h>

#include <unordered_map>

#include "src/base/mutex.h"
#include "src/runtime/script_shelf.h"
#include "tine/context.h"
#include "tine/fork.h"

namespace tine {

struct UnitRunner::Functions : std::enable_shared_from_this<Functions> {
  Functions(ScriptStore& u, Timer& t) : store(u), timer(t) {}

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

  void start(rpc::IncomingCall& call, const script::Function& f) {
    const std::vector<Keyword> keywords(call.kwargs().begin(), call.kwargs().end());
    const std::vector<Value> args = ScriptStore::bind(f, call.args(), keywords);
    // The run keeps what it needs of them.
    call.args().clear();
    call.kwargs().clear();
    Future<Value> result;
    {
      // A run that makes no futures ends with its own: a Context would tell nobody else.
      const ContextScope scope(f.data()->makes_futures || call.async_execution() ? call.context(timer)
                                                                                 : Context());
      result = store.start_slice(f, args);
    }
    call.reply_with(call.async_execution() ? outcome_of(result, call.name()) : std::move(result));
  }

  // Of an async_execution function: its result is itself the future whose value is the reply.
  static Future<Value> outcome_of(const Future<Value>& result, const std::string& name) {
    return result.and_then([name](const Value& inner) {
      if (!inner.is_future()) {
        throw TypeError(
            fmt::format("Functions decorated with @rpc.functions.async_execution must return a "
                        "torch.futures.Future object, but got {} from {}",
                        name_of(inner.tag()), name));
      }
      return inner.to_future();
    });
  }

  ScriptStore& store;
  Timer& timer;
  Mutex mutex;
  // By hash. They stay, because a sender sends a code once.
  std::unordered_map<std::string, Future<script::Function>> received TINE_GUARDED_BY(mutex);
};

UnitRunner::UnitRunner(ScriptStore& store, Timer& timer)
    : functions_(std::make_shared<Functions>(store, timer)) {}
UnitRunner::~UnitRunner() = default;

Future<script::Function> UnitRunner::function(const std::string& name, const rpc::ScriptCode& code) {
  return functions_->function_for(name, code);
}

void UnitRunner::run(rpc::IncomingCall call) {
  const Future<script::Function> known = function(call.name(), {call.code_hash(), call.code_text()});
  if (known.ready()) return functions_->start(call, known.get());
  (void)known.then(
      [functions = functions_, call = std::move(call)](const Future<script::Function>& read) mutable {
        try {
          if (call.cancelled()) throw Cancelled(fmt::format("the caller of {} has given up", call.name()));
          functions->start(call, read.get());
        } catch (...) {
          call.fail(std::current_exception());
        }
      });
}

std::shared_ptr<const rpc::ScriptCode> UnitRunner::exported_code(const std::string& name) {
  return functions_->store.export_code(name);
}

}  // namespace tine
