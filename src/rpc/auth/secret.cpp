#include "src/rpc/auth/secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "src/base/fd.h"
#include "src/base/random.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

// What is inside the file goes into no message: it is the secret.
[[noreturn]] void fail(const std::string& path, std::string_view what, int error) {
  throw AuthError(fmt::format("the key file {} {}: {}; set TINE_AUTH_KEY or repair the file", path, what,
                              std::strerror(error)));
}

// The file's folder and the one above ("~/.config/tine"), but never a home directory that does not exist.
void make_folders_of(const std::string& path) {
  const size_t last = path.rfind('/');
  const size_t above = last == 0 ? 0 : path.rfind('/', last - 1);
  for (const size_t at : {above, last}) {
    if (at == 0 || at == std::string::npos) continue;
    const std::string folder = path.substr(0, at);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES) {
      fail(path, fmt::format("cannot be made, because its folder {} cannot be made", folder), errno);
    }
  }
}

// Written aside and linked into place: another process sees no file or the whole one, and of two that make
// it at the same time one wins.
void make_file(const std::string& path) {
  make_folders_of(path);
  std::array<char, 65> text;
  if (!random_hex(std::span(text).first<64>()))
    throw AuthError("the system gave no random bytes for a secret");
  text.back() = '\n';
  const std::string aside = fmt::format("{}.{}.{}", path, ::getpid(), random_incarnation());
  {
    const Fd file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) fail(path, "cannot be made", errno);
    const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fsync(file.get()) == 0;
    const int error = errno;
    wipe(std::as_writable_bytes(std::span(text)));
    if (!written) {
      ::unlink(aside.c_str());
      fail(path, "cannot be written", error);
    }
  }
  const int linked = ::link(aside.c_str(), path.c_str());
  const int error = errno;
  ::unlink(aside.c_str());
  if (linked != 0 && error != EEXIST) fail(path, "cannot be made", error);
}

}  // namespace

Secret::Secret(std::string_view text) {
  if (text.size() < kMinBytes || text.size() > kMaxBytes) {
    throw AuthError(
        fmt::format("a secret has {} to {} bytes, this one has {}: use a long random one, for example "
                    "`openssl rand -hex 32`",
                    kMinBytes, kMaxBytes, text.size()));
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  bytes_.assign(bytes, bytes + text.size());
}

Secret::~Secret() { wipe(bytes_); }

std::string Secret::default_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && config[0] == '/') {
    return std::string(config) + "/tine/auth_key";
  }
  if (const char* home = std::getenv("HOME"); home && home[0] == '/')
    return std::string(home) + "/.config/tine/auth_key";
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found &&
      found->pw_dir[0] == '/') {
    return std::string(found->pw_dir) + "/.config/tine/auth_key";
  }
  throw AuthError(
      "there is no secret: TINE_AUTH_KEY is not set, and this user has no home directory for a key file");
}

std::shared_ptr<const Secret> Secret::load() {
  if (const char* key = std::getenv("TINE_AUTH_KEY"); key && *key) {
    try {
      return std::make_shared<const Secret>(std::string_view(key));
    } catch (const AuthError& e) {
      throw AuthError(std::string("TINE_AUTH_KEY: ") + e.what());
    }
  }
  return from_file(default_path());
}

std::shared_ptr<const Secret> Secret::from_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) {
    make_file(path);
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  }
  if (fd < 0) fail(path, "cannot be opened", errno);
  const Fd file(fd);
  struct stat info {};
  if (::fstat(fd, &info) != 0) fail(path, "cannot be examined", errno);
  if (!S_ISREG(info.st_mode)) throw AuthError(fmt::format("the key file {} is not a regular file", path));
  if (info.st_uid != ::geteuid()) {
    throw AuthError(
        fmt::format("the key file {} belongs to user {}, expected {}", path, info.st_uid, ::geteuid()));
  }
  if ((info.st_mode & 077) != 0) {
    throw AuthError(
        fmt::format("the key file {} may be read by others (mode {:04o}): whoever can read it can run code "
                    "here; make a new one, or `chmod 600` it if nobody has",
                    path, info.st_mode & 07777));
  }
  std::array<char, kMaxBytes + 2> text;
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t n = ::read(fd, text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "cannot be read", errno);
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  std::string_view trimmed(text.data(), have);
  while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == '\r' || trimmed.back() == ' '))
    trimmed.remove_suffix(1);
  try {
    auto secret = std::make_shared<const Secret>(trimmed);
    wipe(std::as_writable_bytes(std::span(text)));
    return secret;
  } catch (const AuthError& e) {
    wipe(std::as_writable_bytes(std::span(text)));
    throw AuthError(fmt::format("the key file {}: {}", path, e.what()));
  }
}

uint64_t random_incarnation() {
  uint64_t number = 0;
  while (number == 0) {
    if (!random_bytes(std::as_writable_bytes(std::span(&number, 1)))) {
      throw AuthError("the system gave no random bytes for an incarnation");
    }
  }
  return number;
}

}  // namespace tine::rpc
