// What an error says to a reader: its name, its story, the place that it marks in a source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "src/base/source.h"
#include "tine/error.h"

namespace tine {
namespace {

TEST(ErrorKind, HasANameThatNamesItBackAndAClassOfItsOwn) {
  for (int i = 0; i < static_cast<int>(kErrorKinds); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    ErrorKind found = kind == ErrorKind::kType ? ErrorKind::kValue : ErrorKind::kType;
    EXPECT_TRUE(kind_named(name_of(kind), &found)) << name_of(kind);
    EXPECT_EQ(found, kind) << name_of(kind);
    EXPECT_EQ(describe(make_error(kind, "text")), std::string(name_of(kind)) + ": text");
    for (int j = 0; j < i; ++j) EXPECT_NE(name_of(kind), name_of(static_cast<ErrorKind>(j)));
    try {
      std::rethrow_exception(make_error(kind, "text"));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_EQ(error.message(), "text");
      EXPECT_STREQ(error.what(), "text");
      // The pointer holds the same class again.
      try {
        std::rethrow_exception(error.to_exception_ptr());
      } catch (const Error& again) {
        EXPECT_EQ(typeid(again), typeid(error));
      }
    }
  }
  EXPECT_THROW(std::rethrow_exception(make_error(ErrorKind::kIndex, "")), IndexError);
  EXPECT_THROW(std::rethrow_exception(make_error(ErrorKind::kSystem, "")), SystemError);
  EXPECT_THROW(std::rethrow_exception(make_error(ErrorKind::kShape, "")), ShapeError);
}

TEST(ErrorKind, OfANameThatIsNoneIsRuntimeErrorAndExceptionIsOne) {
  ErrorKind kind = ErrorKind::kType;
  EXPECT_TRUE(kind_named("Exception", &kind));
  EXPECT_EQ(kind, ErrorKind::kRuntime);
  kind = ErrorKind::kType;
  EXPECT_FALSE(kind_named("NoError", &kind));
  EXPECT_EQ(kind, ErrorKind::kRuntime);
  EXPECT_FALSE(kind_named("", &kind));
}

TEST(Error, TellsItsHopsInTheirOrderThenItsCause) {
  Error error("top", ErrorKind::kValue);
  error.add_hop({Hop::Kind::kScript, "f", "a.py", 3})
      .add_hop({Hop::Kind::kFork, "g", "", 0})
      .add_hop({Hop::Kind::kWorker, "w1", {}, 0})
      .add_hop({Hop::Kind::kNote, "9 more calls", {}, 0})
      .set_cause(std::make_exception_ptr(KeyError("below")));
  EXPECT_EQ(error.story(),
            "ValueError: top\n  in script f (a.py:3)\n  forked from g\n  on worker w1\n  9 more calls\n"
            "  caused by KeyError: below");
  EXPECT_EQ(Error("alone").story(), "RuntimeError: alone");
  EXPECT_EQ(error.trail().size(), 4U);
}

TEST(Error, OfWhichACopyGetsAHopIsItselfAsItWas) {
  const std::exception_ptr first = std::make_exception_ptr(TypeError("t"));
  const std::exception_ptr second = with_hop(first, {Hop::Kind::kWorker, "w", {}, 0});
  EXPECT_EQ(describe(first), "TypeError: t");
  EXPECT_EQ(describe(second), "TypeError: t\n  on worker w");
  EXPECT_THROW(std::rethrow_exception(second), TypeError);
  const std::exception_ptr foreign = std::make_exception_ptr(std::runtime_error("other"));
  EXPECT_EQ(with_hop(foreign, {Hop::Kind::kWorker, "w", {}, 0}), foreign);
}

TEST(MessageOf, IsThatOfAnErrorAloneAndTheStoryOfAnyOther) {
  std::exception_ptr error = make_error(ErrorKind::kKey, "no such key");
  EXPECT_EQ(message_of(with_hop(error, {Hop::Kind::kWorker, "w", {}, 0})), "no such key");
  EXPECT_EQ(message_of(std::make_exception_ptr(std::runtime_error("other"))), "C++ exception: other");
  EXPECT_EQ(message_of(nullptr), "no error");
}

TEST(Describe, TellsEveryKindOfException) {
  EXPECT_EQ(describe(nullptr), "no error");
  EXPECT_EQ(describe(std::make_exception_ptr(std::bad_alloc())), "MemoryError: out of memory");
  EXPECT_EQ(describe(std::make_exception_ptr(std::runtime_error("x"))), "C++ exception: x");
  EXPECT_EQ(describe(std::make_exception_ptr(3)),
            "C++ exception of a type that is not derived from std::exception");
}

std::shared_ptr<const Source> source(std::string text, int first_line = 1) {
  return std::make_shared<Source>("f.py", std::move(text), first_line);
}

TEST(Source, EachOffsetHasItsLineAndColumn) {
  const auto s = source("ab\n\n\xC3\xA9x\r\ny", 5);
  const auto place = [&](uint32_t at) { return std::pair(s->place(at).line, s->place(at).column); };
  EXPECT_EQ(place(0), std::pair(5, 1));
  EXPECT_EQ(place(2), std::pair(5, 3));  // the line's end belongs to it
  EXPECT_EQ(place(3), std::pair(6, 1));
  EXPECT_EQ(place(4), std::pair(7, 1));
  EXPECT_EQ(place(6), std::pair(7, 2));  // two bytes are one character
  EXPECT_EQ(place(9), std::pair(8, 1));
  EXPECT_EQ(place(10), std::pair(8, 2));
  EXPECT_EQ(place(1000), std::pair(8, 2));
  EXPECT_EQ(s->line_text(4), "");
  EXPECT_EQ(s->line_text(5), "ab");
  EXPECT_EQ(s->line_text(6), "");
  EXPECT_EQ(s->line_text(7), "\xC3\xA9x");
  EXPECT_EQ(s->line_text(8), "y");
  EXPECT_EQ(s->line_text(9), "");
  EXPECT_EQ(source("\r")->line_text(1), "");
}

std::string excerpt(const std::string& text, uint32_t begin, uint32_t end) {
  return SourceSpan(source(text), Span{begin, end}).excerpt();
}

TEST(Excerpt, MarksWhatIsMeantAndAtLeastOneCharacter) {
  EXPECT_EQ(excerpt("abc", 0, 3), "  abc\n  ^^^");
  EXPECT_EQ(excerpt("abc", 1, 2), "  abc\n   ^");
  EXPECT_EQ(excerpt("abc", 1, 1), "  abc\n   ^");
  EXPECT_EQ(excerpt("abc", 3, 3), "  abc\n     ^");
  EXPECT_EQ(excerpt("abc", 2, 1), "  abc\n    ^");
  EXPECT_EQ(excerpt("abc\ndef", 2, 5), "  abc\n    ^");
  EXPECT_EQ(excerpt("abc\ndef", 4, 7), "  def\n  ^^^");
  EXPECT_EQ(excerpt("\t\xC3\xA9\tx", 4, 5), "  \t\xC3\xA9\tx\n  \t \t^");
  EXPECT_EQ(excerpt("", 0, 0), "");
}

TEST(Excerpt, OfALineOf160BytesIsWholeAndOfALongerOneACut) {
  const std::string whole = std::string(159, 'x') + "!";
  EXPECT_EQ(excerpt(whole, 159, 160), "  " + whole + "\n  " + std::string(159, ' ') + "^");
  const std::string longer = std::string(160, 'x') + "!";
  // 80 bytes stand before the marker.
  EXPECT_EQ(excerpt(longer, 160, 161), "  ..." + std::string(80, 'x') + "!\n  " + std::string(83, ' ') + "^");
  EXPECT_EQ(excerpt(longer, 0, 1), "  " + std::string(160, 'x') + "...\n  ^");
  EXPECT_EQ(excerpt(longer, 0, 161), "  " + std::string(160, 'x') + "...\n  " + std::string(160, '^'));
  EXPECT_EQ(excerpt(longer, 80, 81), "  " + std::string(160, 'x') + "...\n  " + std::string(80, ' ') + "^");
  EXPECT_EQ(excerpt(longer, 81, 82), "  ..." + std::string(159, 'x') + "!\n  " + std::string(83, ' ') + "^");
  const std::string both = std::string(200, 'x') + "!" + std::string(200, 'y');
  EXPECT_EQ(excerpt(both, 200, 201), "  ..." + std::string(80, 'x') + "!" + std::string(79, 'y') + "...\n  " +
                                         std::string(83, ' ') + "^");
  // No character is cut in half.
  std::string accents;
  for (int i = 0; i < 200; ++i) accents += "\xC3\xA9";
  EXPECT_EQ(excerpt("x" + accents, 201, 203).find("...\xA9"), std::string::npos);
  EXPECT_THAT(excerpt("x" + accents, 0, 1), testing::HasSubstr("\xC3\xA9..."));
}

TEST(SourceSpan, NamesBothEndsAndNothingWhereItIsNotKnown) {
  const SourceSpan span(source("ab\ncd", 3), Span{1, 4});
  EXPECT_EQ(span.str(), "f.py:3:2");
  EXPECT_EQ(std::pair(span.end_line, span.end_column), std::pair(4, 2));
  EXPECT_EQ(SourceSpan().str(), "");
  EXPECT_EQ(SourceSpan().excerpt(), "");
  EXPECT_EQ(located(span, "no"), "f.py:3:2: no\n  ab\n   ^");
  EXPECT_EQ(SourceSpan(nullptr, Span{1, 2}).str(), "");
}

}  // namespace
}  // namespace tine
