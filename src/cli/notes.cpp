#include "src/cli/notes.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "src/base/random.h"

namespace tine::cli {
namespace {

bool from_this_user(const msghdr& message) {
  for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(c))) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(c), sizeof sender);
    return sender.uid == ::geteuid();
  }
  return false;
}

}  // namespace

std::string random_key() {
  std::array<char, 64> key;
  if (!random_hex(key)) fail("cannot get random bytes");
  return {key.data(), key.size()};
}

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto after = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", c);
    } else if (c == 0xc2 && after >= 0x80 && after < 0xa0) {  // U+0080 to U+009F in UTF-8
      result += fmt::format("\\x{:02x}", after);
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

Notes::Notes() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (!socket_) fail("cannot make a socket");
  const int on = 1;
  const std::string name = "tine-launch-" + random_key();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path + 1);  // an abstract name begins with a zero
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) {
    fail("cannot name a socket");
  }
  address_ = "@" + name;
}

std::optional<Notes::Note> Notes::next(int count) {
  for (;;) {
    std::array<char, 1024> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (!from_this_user(message)) continue;
    const std::string_view note(text.data(), static_cast<std::size_t>(got));
    int index = -1;
    const auto [end, error] = std::from_chars(note.data(), note.data() + note.size(), index);
    if (error != std::errc() || end == note.data() + note.size() || *end != ' ') continue;
    if (index < 0 || index >= count) continue;
    const auto words = static_cast<std::size_t>(end + 1 - note.data());
    return Note{index, printable(note.substr(words))};
  }
}

}  // namespace tine::cli
