// Code that another worker sends is text, and so is what PyTorch prints: any bytes are a graph that holds together, prints to
// the same again, can be drawn, searched for races, changed by every pass, and emitted, or a SyntaxError; within the bound that
// it is read with.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "src/compile/emit.h"
#include "src/ir/draw.h"
#include "src/ir/parse.h"
#include "src/ir/passes/effects.h"
#include "src/ir/passes/inline.h"
#include "src/ir/passes/loops.h"
#include "src/ir/passes/peephole.h"
#include "src/ir/passes/simplify.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "tests/fuzz/operators.h"

namespace {

using namespace tine::ir;

// What the graph calls by the name of `f` is the graph itself.
const Graph* itself(const Graph& graph, std::string_view name) { return name == "f" ? &graph : nullptr; }

// A pass leaves a graph that can run.
template <class Pass>
void changed(const Graph& graph, Pass pass) {
  const std::unique_ptr<Graph> copy = clone(graph);
  pass(*copy);
  verify_nodes(*copy);
}

void run(std::string_view text, bool pytorch) {
  ParseOptions options;
  options.most_terms = 10'000;
  options.pytorch = pytorch;
  std::unique_ptr<Graph> graph;
  size_t terms = 0;
  try {
    graph = parse(text, tine::fuzz::operators(), "f", options, &terms);
  } catch (const tine::SyntaxError&) {
    return;
  }
  if (terms > options.most_terms) std::abort();
  options.most_terms = ParseOptions().most_terms;  // a node of PyTorch's may be several here
  // What PyTorch prints has names without overloads, no elements of Tensors, and no definitions.
  const PrintOptions form = {.exact = !pytorch};
  const std::string shown = print(*graph, form);
  const bool whole = !pytorch || (shown.find("<Tensor>") == std::string::npos &&
                                  text.find("Enum(") == std::string_view::npos &&
                                  text.find("NamedTuple(") == std::string_view::npos);
  if (whole && print(*parse(shown, tine::fuzz::operators(), "f", options), form) != shown) std::abort();
  if (svg(*graph).empty() || dot(*graph).empty()) std::abort();
  for (const Race& race : find_races(*graph, [&](std::string_view name) { return itself(*graph, name); })) {
    if (race.message().empty()) std::abort();
  }
  changed(*graph, [&](Graph& g) {
    return inline_calls(g, [&](std::string_view name) { return itself(*graph, name); });
  });
  changed(*graph, fold_constants);
  changed(*graph, merge_common);
  changed(*graph, drop_dead);
  changed(*graph, hoist_invariants);
  changed(*graph, peephole);
  changed(*graph, inline_forks);
  changed(*graph, unroll_loops);
  if (pytorch) return;
  const std::unique_ptr<Graph> lean = clone(*graph);
  simplify(*lean);
  verify(*lean);
  try {
    (void)tine::compile::emit(*lean, "f");
  } catch (const tine::Error&) {  // more registers than an instruction can name
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  run(text, false);
  run(text, true);
  return 0;
}
