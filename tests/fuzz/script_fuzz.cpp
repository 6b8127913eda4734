// A script's source may come from anywhere: any bytes are functions whose graphs hold together, or a SyntaxError with a place.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "src/compile/compile.h"
#include "src/compile/emit.h"
#include "src/ir/verify.h"
#include "tests/fuzz/operators.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto source =
      std::make_shared<tine::Source>("f.py", std::string(reinterpret_cast<const char*>(data), size));
  std::vector<tine::compile::CompiledFunction> functions;
  try {
    functions = tine::compile::compile_text(tine::fuzz::operators(), source);
  } catch (const tine::SyntaxError& e) {
    if (!e.message().starts_with("f.py:")) std::abort();
    return 0;
  }
  for (const auto& f : functions) {
    tine::ir::verify(*f.graph);
    try {
      (void)tine::compile::emit(*f.graph, f.schema.name);
    } catch (const tine::Error&) {  // more registers than an instruction can name
    }
  }
  return 0;
}
