// Code that another worker sends is text: any bytes are a graph that holds together, prints to the same again, and can be made
// smaller and emitted, or a SyntaxError; within the bound that it is read with.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "src/compile/emit.h"
#include "src/ir/parse.h"
#include "src/ir/passes/simplify.h"
#include "src/ir/print.h"
#include "tests/fuzz/operators.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tine::ir;
  ParseOptions options;
  options.most_terms = 10'000;
  std::unique_ptr<Graph> graph;
  size_t terms = 0;
  try {
    graph = parse({reinterpret_cast<const char*>(data), size}, tine::fuzz::operators(), "f", options, &terms);
  } catch (const tine::SyntaxError&) {
    return 0;
  }
  if (terms > options.most_terms) std::abort();
  const std::string exact = print(*graph, {.exact = true});
  if (print(*parse(exact, tine::fuzz::operators(), "f"), {.exact = true}) != exact) std::abort();
  const std::unique_ptr<Graph> lean = clone(*graph);
  simplify(*lean);
  try {
    (void)tine::compile::emit(*lean, "f");
  } catch (const tine::Error&) {  // more registers than an instruction can name
  }
  return 0;
}
