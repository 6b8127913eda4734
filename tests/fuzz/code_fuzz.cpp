// The code of scripted functions and of the classes of modules comes from other workers: any bytes are code that is defined here
// and travels on under the same hash, or an error.
//
// The hash that the bytes have is not known beforehand: the first refusal tells it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/rpc/call.h"
#include "src/runtime/script.h"
#include "src/value/op_context.h"
#include "tests/fuzz/operators.h"
#include "tine/executor.h"

namespace {

// Twice: under a hash that is not theirs, and under theirs.
template <class Import>
void import_under_own_hash(const Import& import) {
  try {
    import("00");
    std::abort();
  } catch (const tine::Error& refusal) {
    constexpr std::string_view kBefore = "but its content is ";
    const std::string told(refusal.message());
    const size_t at = told.find(kBefore);
    if (at == std::string::npos) return;
    try {
      import(told.substr(at + kBefore.size(), 64));
    } catch (const tine::Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  tine::InlineExecutor in_place;
  tine::ScriptStore store(tine::fuzz::operators(), in_place, tine::OpContext{});
  import_under_own_hash([&](const std::string& hash) { (void)store.import_code(hash, text); });
  import_under_own_hash([&](const std::string& hash) {
    const auto classes = store.import_classes(hash, text);
    std::shared_ptr<const tine::rpc::ScriptCode> code;
    try {
      code = store.export_classes(classes);
    } catch (const tine::Error&) {  // a method that no function of the code is, or no class at all
      return;
    }
    (void)store.import_classes(code->hash, code->text);
  });
  return 0;
}
