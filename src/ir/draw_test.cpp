#include "src/ir/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/ir/parse.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Draw : public ::testing::Test {
 protected:
  Draw() { add_builtin_operators(ops); }
  OpTable ops;
};

constexpr std::string_view kText = R"(graph(%x : str, %n : int):
  %c : str = prim::Constant[value="<\"&"]() # a<b.py:3:4
  %t : bool = prim::Constant[value=1]()
  %y : str = aten::add(%x, %c) # a<b.py:3:4
  %z : str = prim::Loop(%n, %t, %y)
    block0(%i : int, %s : str):
      %w : str = aten::add(%s, %y)
      -> (%t, %w)
  %f : Future[str] = prim::fork_0(%z)
  %r : str = aten::wait(%f)
  return (%r)

with prim::fork_0 = graph(%a : str):
  return (%a)
)";

TEST_F(Draw, GraphvizGetsABoxForEachNodeAndAnArrowForEachUse) {
  const std::string text = dot(*parse(kText, ops, "f"));
  EXPECT_THAT(text, HasSubstr("digraph \"f\" {"));
  EXPECT_THAT(text, HasSubstr("[label=\"x: str, n: int\"]"));
  EXPECT_THAT(text, HasSubstr("[label=\"y = aten::add(x, '<\\\"&')\", tooltip=\"a<b.py:3:4\"]"));
  EXPECT_THAT(text, HasSubstr("n1 -> n2;\n"));  // x
  EXPECT_THAT(text, HasSubstr("n2 -> n5;\n"));  // y, into the loop
  EXPECT_THAT(text, HasSubstr("label=\"each turn\""));
  EXPECT_THAT(text, HasSubstr("label=\"fork\""));
  EXPECT_THAT(text, Not(HasSubstr("prim::Constant")));
}

TEST_F(Draw, APictureIsWellFormedAndShowsTheSame) {
  const std::string text = svg(*parse(kText, ops, "f"));
  EXPECT_TRUE(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(text.ends_with("</svg>\n"));
  EXPECT_THAT(text, HasSubstr(">y = aten::add(x, '&lt;&quot;&amp;')</text>"));
  EXPECT_THAT(text, HasSubstr("<title>a&lt;b.py:3:4</title>"));
  EXPECT_THAT(text, HasSubstr(">each turn</text>"));
  size_t arrows = 0;
  for (size_t at = text.find("marker-end"); at != std::string::npos; at = text.find("marker-end", at + 1))
    ++arrows;
  // x, n; y into the loop and into its body; s; w; z; f; r; and the fork's own.
  EXPECT_EQ(arrows, 10u);
}

TEST_F(Draw, AnEmptyGraphIsAPictureToo) {
  const auto graph = parse("graph():\n  return ()\n", ops, "");
  EXPECT_THAT(svg(*graph), HasSubstr("return ()"));
  EXPECT_THAT(dot(*graph), HasSubstr("return ()"));
}

}  // namespace
}  // namespace tine::ir
