#include "src/cli/notes.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace tine::cli {
namespace {

void send(const Notes& notes, std::string_view text) {
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const std::string name = notes.address().substr(1);
  std::copy(name.begin(), name.end(), to.sun_path + 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to), length),
            static_cast<ssize_t>(text.size()));
}

TEST(Notes, AnEmptySocketHasNoNoteAndDoesNotWait) { EXPECT_FALSE(Notes().next(2)); }

TEST(Notes, ANoteNamesItsProcess) {
  Notes notes;
  send(notes, "1 ValueError: no");
  const auto note = notes.next(2);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->index, 1);
  EXPECT_EQ(note->words, "ValueError: no");
}

TEST(Notes, WhatIsNotANoteIsSkipped) {
  Notes notes;
  for (const char* bad : {"", "words", "2 of no process", "-1 x", "1", "99999999999999999999 x", " 1 x"}) {
    send(notes, bad);
  }
  send(notes, "0 good");
  const auto note = notes.next(2);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->words, "good");
}

TEST(Printable, ControlCharactersBecomeEscapesAndOtherTextStays) {
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a\\x1b[2J\\x0a\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("\xc2"), "\xc2");
}

}  // namespace
}  // namespace tine::cli
