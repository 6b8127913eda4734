#include "src/cli/output.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tine::cli {
namespace {

TEST(LineMerger, PrefixesEachLineWithItsRank) {
  LineMerger merger(0, 2, false, 0);
  merger.feed(1, Stream::kOut, "one\ntwo\n");
  merger.feed(0, Stream::kErr, "three\n");
  EXPECT_EQ(merger.out(), "[1] one\n[1] two\n");
  EXPECT_EQ(merger.err(), "[0] three\n");
}

TEST(LineMerger, NeverMixesTwoProcessesInOneLine) {
  LineMerger merger(0, 2, false, 0);
  merger.feed(0, Stream::kOut, "left ");
  merger.feed(1, Stream::kOut, "right\n");
  merger.feed(0, Stream::kOut, "half\n");
  EXPECT_EQ(merger.out(), "[1] right\n[0] left half\n");
}

TEST(LineMerger, CompletesALastLineThatHasNoNewline) {
  LineMerger merger(4, 1, false, 0);
  merger.feed(0, Stream::kOut, "end");
  EXPECT_EQ(merger.out(), "");
  merger.finish(0, Stream::kOut);
  merger.finish(0, Stream::kErr);
  EXPECT_EQ(merger.out(), "[4] end\n");
  EXPECT_EQ(merger.err(), "");
}

TEST(LineMerger, KeepsEmptyLines) {
  LineMerger merger(0, 1, false, 0);
  merger.feed(0, Stream::kOut, "\n\na\n");
  EXPECT_EQ(merger.out(), "[0] \n[0] \n[0] a\n");
}

TEST(LineMerger, OfAProgressLineOnlyTheLastStateReachesAFile) {
  LineMerger merger(0, 1, false, 0);
  merger.feed(0, Stream::kOut, "\r10 %");
  merger.feed(0, Stream::kOut, "\r20 %");
  EXPECT_EQ(merger.out(), "");
  merger.feed(0, Stream::kOut, "\rdone\r\n");
  EXPECT_EQ(merger.out(), "[0] done\n");
}

TEST(LineMerger, ATerminalShowsTheProgressOfRankZeroWhileItChanges) {
  LineMerger merger(0, 2, true, 0);
  merger.feed(0, Stream::kOut, "\r10 %");
  EXPECT_EQ(merger.out(), "[0] 10 %");
  merger.feed(1, Stream::kOut, "\r99 %");
  EXPECT_EQ(merger.out(), "[0] 10 %");
  merger.feed(0, Stream::kOut, "\r20 %");
  EXPECT_EQ(merger.out(), "[0] 10 %\r\x1b[K[0] 20 %");
  merger.feed(0, Stream::kOut, "\n");
  EXPECT_EQ(merger.out(), "[0] 10 %\r\x1b[K[0] 20 %\r\x1b[K[0] 20 %\n");
}

TEST(LineMerger, OnATerminalOtherLinesPushTheProgressDown) {
  LineMerger merger(0, 2, true, 0);
  merger.feed(0, Stream::kOut, "\r10 %");
  merger.out().clear();
  merger.feed(1, Stream::kOut, "hello\n");
  EXPECT_EQ(merger.out(), "\r\x1b[K[1] hello\n[0] 10 %");
  merger.out().clear();
  merger.feed(1, Stream::kErr, "oops\n");
  EXPECT_EQ(merger.out(), "\r\x1b[K");
  EXPECT_EQ(merger.err(), "[1] oops\n");
}

TEST(LineMerger, CutsALineThatNeverEnds) {
  LineMerger merger(0, 1, false, 0);
  const std::string half(LineMerger::kLineLimit / 2 + 1, 'x');
  merger.feed(0, Stream::kOut, half);
  merger.feed(0, Stream::kOut, half);
  EXPECT_EQ(merger.out(), "[0] " + std::string(LineMerger::kLineLimit, 'x') + "\n");
  merger.finish(0, Stream::kOut);
  EXPECT_EQ(merger.out(), "[0] " + std::string(LineMerger::kLineLimit, 'x') + "\n[0] xx\n");
}

TEST(LineMerger, WritesTheSameWhereverTheBytesAreSplit) {
  const std::string text = "a\n\nb\rcc\r\nx\ry\rz\n\rq\nlast";
  const std::string expected = "[0] a\n[0] \n[0] cc\n[0] z\n[0] q\n[0] last\n";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      LineMerger merger(0, 1, false, 0);
      merger.feed(0, Stream::kOut, std::string_view(text).substr(0, first));
      merger.feed(0, Stream::kOut, std::string_view(text).substr(first, second - first));
      merger.feed(0, Stream::kOut, std::string_view(text).substr(second));
      merger.finish(0, Stream::kOut);
      EXPECT_EQ(merger.out(), expected) << first << ", " << second;
    }
  }
}

TEST(LineMerger, ALineOfJustTheLimitIsNotCut) {
  for (const size_t more : {0U, 1U}) {
    const std::string line(LineMerger::kLineLimit + more, 'x');
    LineMerger merger(0, 1, false, 0);
    merger.feed(0, Stream::kErr, line + "\n");
    EXPECT_EQ(merger.err(), more == 0 ? "[0] " + line + "\n"
                                      : "[0] " + line.substr(1) + "\n[0] " + line.substr(0, 1) + "\n");
  }
}

TEST(LineMerger, OnlyOutputOfTheChosenRankIsProgress) {
  LineMerger merger(3, 2, true, 4);
  merger.feed(1, Stream::kErr, "\r10 %");
  merger.feed(0, Stream::kOut, "\r10 %");
  EXPECT_EQ(merger.out() + merger.err(), "");
  merger.feed(1, Stream::kOut, "\r10 %");
  EXPECT_EQ(merger.out(), "[4] 10 %");
  merger.feed(1, Stream::kOut, "\r10 %");
  EXPECT_EQ(merger.out(), "[4] 10 %") << "what stands there is not written again";
}

}  // namespace
}  // namespace tine::cli
