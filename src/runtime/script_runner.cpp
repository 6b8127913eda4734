#include "src/runtime/script_runner.h"

#include <fmt/format.h>

namespace tine {
namespace {

// Ends a script's stay on a reader thread after its slice.
class SlicePoll final : public vm::Poll {
 public:
  Verdict poll() override { return Clock::now() < end_ ? Verdict::kGoOn : Verdict::kYield; }

 private:
  const TimePoint end_ = Clock::now() + std::chrono::microseconds(200);
};

}  // namespace

Future<Value> UnitRunner::run(const std::string& name, const rpc::ScriptCode& code, std::vector<Value> args,
                              std::vector<std::pair<std::string, Value>> kwargs) {
  const ScriptRef function = function_for(name, code);
  const ScriptFunction& f = *function;
  const std::vector<Keyword> keywords(kwargs.begin(), kwargs.end());
  const std::vector<Value> bound = unit_.bind(f, args, keywords);
  SlicePoll slice;
  return unit_.start(f, bound, &slice);
}

ScriptRef UnitRunner::function_for(const std::string& name, const rpc::ScriptCode& code) {
  if (code.hash.empty()) {
    if (ScriptRef f = unit_.function(name)) return f;
    throw AttributeError(fmt::format("this worker has no script function \"{}\"", name));
  }
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = received_.find(code.hash); it != received_.end()) return it->second;
  }
  // The same program is usually here, too: then its own function is as good.
  ScriptRef f = unit_.function(name);
  if (f && unit_.export_code(*f)->hash != code.hash) f = nullptr;
  if (!f) {
    if (code.text.empty()) {
      throw Error(fmt::format("the code of script function \"{}\" did not come with its first call", name));
    }
    f = unit_.import_code(code.hash, code.text);
  }
  const std::lock_guard lock(mutex_);
  return received_.try_emplace(code.hash, std::move(f)).first->second;
}

std::shared_ptr<const rpc::ScriptCode> UnitRunner::code_of(const std::string& name) {
  return unit_.export_code(name);
}

}  // namespace tine
