#include "src/base/source.h"

#include <gtest/gtest.h>

namespace tine {
namespace {

std::shared_ptr<const Source> source(std::string text, int first_line = 1) {
  return std::make_shared<Source>("f.py", std::move(text), first_line);
}

TEST(Source, AnOffsetIsNamedByLineAndColumnOfTheFileItWasCutFrom) {
  const auto s = source("ab\ncd\n", 10);
  EXPECT_EQ(s->place(0).line, 10);
  EXPECT_EQ(s->place(4).line, 11);
  EXPECT_EQ(s->place(4).column, 2);
  EXPECT_EQ(s->line_text(11), "cd");
  EXPECT_EQ(s->line_text(99), "");
}

TEST(Source, TheMarkerStandsUnderTheCharactersMeantAlsoBehindTabsAndAccents) {
  const auto s = source("\tx = \xC3\xA9\xC3\xA9 + yy\n");
  const auto at = static_cast<uint32_t>(s->text.find("yy"));
  EXPECT_EQ(located({s, Span{at, at + 2}}, "no"),
            "f.py:1:11: no\n  \tx = \xC3\xA9\xC3\xA9 + yy\n  \t         ^^");
}

TEST(Source, ASpanOverSeveralLinesIsMarkedToTheEndOfItsFirst) {
  const auto s = source("f(a,\n  b)");
  EXPECT_EQ(SourceSpan(s, Span{1, 9}).excerpt(), "  f(a,\n   ^^^");
}

TEST(Source, AVeryLongLineIsCutAroundTheMarker) {
  const auto s = source(std::string(100000, 'x') + "!" + std::string(100000, 'y'));
  const std::string excerpt = SourceSpan(s, Span{100000, 100001}).excerpt();
  EXPECT_LT(excerpt.size(), 400u);
  EXPECT_NE(excerpt.find("!"), std::string::npos);
  EXPECT_NE(excerpt.find("^"), std::string::npos);
}

TEST(Source, ASpanWithoutATextStillNamesTheFile) {
  EXPECT_EQ(located({std::make_shared<Source>("net.py"), 3, 4}, "no"), "net.py:3:4: no");
  EXPECT_EQ(located({}, "no"), "no");
}

TEST(Source, ThrowAtThrowsTheClassOfTheKind) {
  EXPECT_THROW(throw_at(ErrorKind::kSyntax, {}, "no"), SyntaxError);
  EXPECT_THROW(throw_at(ErrorKind::kName, {}, "no"), NameError);
}

}  // namespace
}  // namespace tine
