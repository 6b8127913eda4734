#include "src/syntax/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/syntax/type_comments.h"

namespace tine::syntax {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Source> source(std::string text) {
  return std::make_shared<Source>("f.py", std::move(text));
}

std::vector<Tok> kinds(const std::string& text) {
  std::vector<Tok> result;
  for (const Token& t : lex(source(text))) result.push_back(t.kind);
  return result;
}

std::string refusal(const std::string& text) {
  try {
    (void)lex(source(text));
  } catch (const SyntaxError& e) {
    return e.message();
  }
  return "no error";
}

TEST(Lexer, IndentationOpensAndClosesBlocks) {
  EXPECT_THAT(kinds("a\n  b\n  c\nd\n"),
              ElementsAre(Tok::kName, Tok::kNewline, Tok::kIndent, Tok::kName, Tok::kNewline, Tok::kName,
                          Tok::kNewline, Tok::kDedent, Tok::kName, Tok::kNewline, Tok::kEnd));
}

TEST(Lexer, TheFirstLinesIndentationIsTheOutermost) {
  EXPECT_THAT(kinds("    a\n    b\n"),
              ElementsAre(Tok::kName, Tok::kNewline, Tok::kName, Tok::kNewline, Tok::kEnd));
}

TEST(Lexer, BlankLinesAndCommentsDoNotCount) {
  EXPECT_THAT(kinds("a\n\n      # far\n\t\nb"),
              ElementsAre(Tok::kName, Tok::kNewline, Tok::kName, Tok::kNewline, Tok::kEnd));
}

TEST(Lexer, BracketsAndBackslashesContinueALine) {
  EXPECT_THAT(kinds("(a,\n b)\nc + \\\n  d"),
              ElementsAre(Tok::kLParen, Tok::kName, Tok::kComma, Tok::kName, Tok::kRParen, Tok::kNewline,
                          Tok::kName, Tok::kPlus, Tok::kName, Tok::kNewline, Tok::kEnd));
}

TEST(Lexer, WindowsLineEndsAreLineEnds) {
  EXPECT_THAT(kinds("a\r\n  b\r\n"), ElementsAre(Tok::kName, Tok::kNewline, Tok::kIndent, Tok::kName,
                                                 Tok::kNewline, Tok::kDedent, Tok::kEnd));
}

TEST(Lexer, NumbersAreToldFromNamesAndRanges) {
  EXPECT_THAT(kinds("1 1.5 .5 1e-3 0xFF 1_000 1."),
              ElementsAre(Tok::kInt, Tok::kFloat, Tok::kFloat, Tok::kFloat, Tok::kInt, Tok::kInt, Tok::kFloat,
                          Tok::kNewline, Tok::kEnd));
  EXPECT_THAT(refusal("12abc"), HasSubstr("neither a number nor a name"));
  EXPECT_THAT(refusal("3j"), HasSubstr("complex"));
  EXPECT_THAT(refusal("007"), HasSubstr("0o"));
}

TEST(Lexer, StringsKnowTheirPrefixes) {
  EXPECT_THAT(kinds("'a' \"b\" r'\\n' f'{x}' '''a\nb'''"),
              ElementsAre(Tok::kString, Tok::kString, Tok::kString, Tok::kFString, Tok::kString,
                          Tok::kNewline, Tok::kEnd));
  EXPECT_THAT(refusal("b'x'"), HasSubstr("bytes"));
  EXPECT_THAT(refusal("'abc\n"), HasSubstr("not closed"));
  EXPECT_THAT(refusal("'''abc"), HasSubstr("never closed"));
}

TEST(Lexer, EscapesAreReplacedAsInPython) {
  const auto s = source(R"('a\n\x41\u00e9\101\q\'')");
  const auto tokens = lex(s);
  const StringBody body = body_of(*s, tokens[0]);
  EXPECT_EQ(unescape(s, body.span, body.raw),
            "a\nA\xC3\xA9"
            "A\\q'");
}

TEST(Lexer, ABracketThatIsNeverClosedIsNamedWhereItOpens) {
  EXPECT_THAT(refusal("f(a,\n  b\n"), HasSubstr("f.py:1:2: this `(` is never closed"));
  EXPECT_THAT(refusal("f(a]"), HasSubstr("expected `)` to close the `(` at f.py:1:2, found `]`"));
  EXPECT_THAT(refusal("a)"), HasSubstr("closes nothing"));
}

TEST(Lexer, IndentationThatMatchesNothingIsRefused) {
  EXPECT_THAT(refusal("a\n    b\n  c\n"), HasSubstr("matches no enclosing block"));
  EXPECT_THAT(refusal("a\n  b\n\tc\n"), HasSubstr("indentation"));
}

TEST(Lexer, TypesInCommentsAreFoundInFrontOfTheirTokens) {
  const auto s = source(
      "x = [] # type:  List[int]  # more\ny # type: ignore\n# type: (int) -> int\n# type: whatever "
      "comes\nz\n");
  std::vector<TypeComment> found;
  const auto tokens = lex(s, &found);
  ASSERT_EQ(found.size(), 2U);
  const auto text = [&](const TypeComment& c) {
    return s->text.substr(c.span.begin, c.span.end - c.span.begin);
  };
  EXPECT_EQ(text(found[0]), "List[int]");
  EXPECT_EQ(tokens[found[0].before].kind, Tok::kNewline);
  EXPECT_EQ(text(found[1]), "(int) -> int");
  EXPECT_EQ(s->text.substr(tokens[found[1].before].span.begin, 1), "z");
}

TEST(Lexer, BytesThatAreNoTextAreRefused) {
  EXPECT_THAT(refusal("x = '\xFF'"), HasSubstr("f.py:1:6: the source is not UTF-8"));
  EXPECT_THAT(refusal(std::string("a\0b", 3)), HasSubstr("code 0"));
  EXPECT_THAT(refusal("a ? b"), HasSubstr("unexpected character `?`"));
}

}  // namespace
}  // namespace tine::syntax
