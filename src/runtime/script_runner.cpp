#include "src/runtime/script_runner.h"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>

#include "tine/fork.h"

namespace tine {

struct UnitRunner::Functions : std::enable_shared_from_this<Functions> {
  explicit Functions(ScriptUnit& u) : unit(u) {}

  // The function of that name, or of the code if there is one. The future is pending while the code is being read.
  Future<ScriptRef> function_for(const std::string& name, const rpc::ScriptCode& code) {
    if (code.hash.empty()) {
      if (ScriptRef f = unit.function(name)) return make_ready(f);
      throw AttributeError(fmt::format("this worker has no script function \"{}\"", name));
    }
    Promise<ScriptRef> promise;
    {
      const std::lock_guard lock(mutex);
      if (const auto it = received.find(code.hash); it != received.end()) return it->second;
      if (code.text.empty() && !unit.function(name))
        throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
      received.emplace(code.hash, promise.future());
    }
    Future<ScriptRef> function = promise.future();
    (void)fork(unit.executor(),
               [self = shared_from_this(), name, code, promise = std::move(promise)]() mutable {
                 try {
                   promise.set_value(self->read(name, code));
                 } catch (...) {
                   {
                     const std::lock_guard lock(self->mutex);
                     self->received.erase(code.hash);  // another call may bring it whole
                   }
                   promise.set_error(std::current_exception());
                 }
               });
    return function;
  }

  ScriptRef read(const std::string& name, const rpc::ScriptCode& code) {
    // Usually this worker runs the same program and has the same function. Then that one is used.
    if (ScriptRef own = unit.function(name)) {
      if (unit.export_code(*own)->hash == code.hash) return own;
    }
    if (code.text.empty())
      throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
    return unit.import_code(code.hash, code.text);
  }

  ScriptUnit& unit;
  std::mutex mutex;
  std::unordered_map<std::string, Future<ScriptRef>>
      received;  // by hash; they stay, as their senders send a code once
};

UnitRunner::UnitRunner(ScriptUnit& unit) : functions_(std::make_shared<Functions>(unit)) {}
UnitRunner::~UnitRunner() = default;

Future<Value> UnitRunner::run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                              std::vector<std::pair<std::string, Value>> kwargs) {
  const Future<ScriptRef> function = functions_->function_for(name, code);
  auto start = [&unit = functions_->unit, args = std::move(args),
                kwargs = std::move(kwargs)](const ScriptRef& f) {
    const std::vector<Keyword> keywords(kwargs.begin(), kwargs.end());
    return unit.start_slice(*f, unit.bind(*f, args, keywords));
  };
  if (function.ready()) return start(function.get());
  return function.and_then(std::move(start));
}

std::shared_ptr<const rpc::ScriptCode> UnitRunner::code_of(const std::string& name) {
  return functions_->unit.export_code(name);
}

}  // namespace tine
