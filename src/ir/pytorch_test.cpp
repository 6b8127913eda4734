// What PyTorch prints, as the nodes that it means. Its texts of whole programs are in tests/script/test_graphs.py.
#include "src/ir/pytorch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

using testing::HasSubstr;

const OpTable& builtin() {
  static const OpTable* const table = [] {
    auto* t = new OpTable;
    add_builtin_operators(*t);
    return t;
  }();
  return *table;
}

std::unique_ptr<Graph> read(const std::string& text, const OpTable& ops = builtin()) {
  ParseOptions options;
  options.pytorch = true;
  return parse(text, ops, "f", options);
}
Value constant(const std::string& type, const std::string& value) {
  const auto graph =
      read(fmt::format("graph():\n  %y : {} = prim::Constant[value={}]()\n  return (%y)\n", type, value));
  return graph->root().nodes[0]->constant;
}
std::string refusal(const std::string& type, const std::string& value) {
  try {
    (void)constant(type, value);
  } catch (const SyntaxError& error) {
    return error.message();
  }
  return "accepted";
}

TEST(PyTorchText, AnElementIsReadAsItsTensorHoldsIt) {
  EXPECT_EQ(constant("Long(requires_grad=0, device=cpu)", "{9007199254740993}").to_tensor().item_as_int(),
            9007199254740993);
  EXPECT_EQ(constant("Double()", "{-3}").to_tensor().item_as_double(), -3.0);
  EXPECT_EQ(constant("Double()", "{-inf}").to_tensor().item_as_double(),
            -std::numeric_limits<double>::infinity());
  EXPECT_EQ(constant("Bool()", "{1}").to_tensor().dtype(), DType::kBool);
  for (const char* wrong : {"{2.5}", "{1e300}", "{nan}"})
    EXPECT_THAT(refusal("Long()", wrong), HasSubstr("expected an int, the element of a tensor of int64"));
  EXPECT_THAT(refusal("Byte()", "{256}"), HasSubstr("the element does not fit a tensor of uint8"));
  EXPECT_THAT(refusal("Bool()", "{2}"), HasSubstr("the element does not fit a tensor of bool"));
}

TEST(PyTorchText, ADtypeIsOfOneTypeAlone) {
  const auto graph = read(R"(graph():
  %x : Double() = prim::Constant[value={2.5}]()
  %y : Tensor = prim::Constant[value={2.5}]()
  return (%y)
)");
  EXPECT_EQ(graph->root().nodes[0]->constant.to_tensor().dtype(), DType::kFloat64);
  EXPECT_EQ(graph->root().nodes[1]->constant.to_tensor().dtype(), DType::kFloat32);
}

TEST(PyTorchText, DictsOfAnyKeysAreConstants) {
  EXPECT_EQ(constant("Dict(bool, int)", "{True : 1}").to_dict().size(), 1u);
  EXPECT_EQ(constant("Dict(int, float)", "{1 : 2.5}").to_dict().size(), 1u);
  EXPECT_EQ(constant("Dict(Enum(app.C, int, A = 1), int)", "{app.C.A : 1}").to_dict().size(), 1u);
}

TEST(PyTorchText, ConversionsAndDevicesAreNotOthers) {
  const std::string text = print(*read(R"(graph(%x : Tensor, %device : Device):
  %no : bool = prim::Constant[value=0]()
  %none : NoneType = prim::Constant()
  %dtype : int = prim::Constant[value=7]()
  %i : int = aten::IntImplicit(%x)
  %f : float = aten::FloatImplicit(%x)
  %a : Tensor = aten::to(%x, %device, %dtype, %no, %no, %none)
  %b : Tensor = aten::to(%x, %device, %none, %no, %no)
  return (%a)
)"),
                                 {.exact = true});
  EXPECT_THAT(text, HasSubstr("aten::IntImplicit.default(%x)"));
  EXPECT_THAT(text, HasSubstr("aten::FloatImplicit.default(%x)"));
  EXPECT_THAT(text, HasSubstr("aten::to.device_dtype(%x, %device, %dtype, %no, %no)"));
  EXPECT_THAT(text, HasSubstr("aten::to.device(%x, %device)"));
}

TEST(PyTorchText, TheNameOfAClassMayHaveColonsWhereverItStands) {
  const auto graph = read(R"(graph(%l : List[a::B], %i : int):
  %x : a::B = aten::__getitem__(%l, %i)
  return (%x)
)");
  EXPECT_EQ(graph->returns[0]->name, "a::B");
  EXPECT_EQ(print(*read(print(*graph))), print(*graph));
}

TEST(PyTorchText, ArgumentsAreOneListOnlyForTheRowThatTakesOne) {
  OpTable ops;
  const Kernel nothing = [](OpContext&, const Value*) { return Value(); };
  ops.add("t::f.list(Any[] args) -> int", nothing);
  ops.add("t::f.two(int a, int b) -> str", nothing);
  const auto graph = read("graph(%a : int, %b : int):\n  %y : str = t::f(%a, %b)\n  return (%y)\n", ops);
  EXPECT_EQ(graph->root().nodes.size(), 1u);
  EXPECT_THAT(print(*graph, {.exact = true}), HasSubstr("t::f.two(%a, %b)"));
}

}  // namespace
}  // namespace tine::ir
