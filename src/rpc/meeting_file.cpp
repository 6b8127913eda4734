#include "src/rpc/meeting_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <thread>

#include "src/rpc/waits.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kScheme = "file://";
constexpr std::string_view kHost = "?host=";
constexpr std::string_view kMark = "tine-meeting 1 ";
constexpr std::chrono::milliseconds kPause{20};  // network file systems tell nobody of a change
constexpr size_t kMostBytes = 2048;

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// Up to so many of its bytes; empty when there are none, or an error.
std::string content_of(int fd) {
  std::array<char, kMostBytes> bytes;
  const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), 0);
  return n > 0 ? std::string(bytes.data(), static_cast<size_t>(n)) : std::string();
}

// "tine-meeting 1 0123456789abcdef tcp://127.0.0.1:4711\n"
bool parse(std::string_view text, MeetingFile::Entry* entry) {
  constexpr size_t kDigits = 16;
  if (!text.starts_with(kMark) || !text.ends_with('\n')) return false;
  text = text.substr(kMark.size(), text.size() - kMark.size() - 1);
  if (text.size() < kDigits + 2 || text[kDigits] != ' ') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + kDigits, entry->incarnation, 16);
  entry->address = text.substr(kDigits + 1);
  return error == std::errc() && end == text.data() + kDigits &&
         entry->address.find('\n') == std::string::npos;
}

}  // namespace

MeetingFile::MeetingFile(const std::string& address) {
  detail::watch_forks();
  path_ = address.starts_with(kScheme) ? address.substr(kScheme.size()) : std::string();
  if (const size_t at = path_.find('?'); at != std::string::npos) {
    if (path_.compare(at, kHost.size(), kHost) == 0) host_ = path_.substr(at + kHost.size());
    if (host_.empty() || host_.find_first_of("/?&") != std::string::npos) path_.clear();
    path_.resize(std::min(at, path_.size()));
  }
  if (!path_.starts_with('/') || path_.ends_with('/')) {
    throw ValueError(
        fmt::format("'{}' is not the address of a file: expected \"file:///path/of/a/file\", or "
                    "\"file:///path/of/a/file?host=name\" with the name of rank 0's machine",
                    address));
  }
}

MeetingFile::~MeetingFile() {
  if (fd_ < 0 || birth_.inherited()) return;
  // The file goes before the lock, so that nobody finds one without the other who has not opened it already.
  if (is_in_place()) (void)::unlink(path_.c_str());
  close();
}

void MeetingFile::close() noexcept {
  close_followed(fd_);
  fd_ = -1;
}

void MeetingFile::fail(const char* what, int error) const {
  throw SystemError(fmt::format("the file '{}' of the world's address cannot be {}: {}", path_, what,
                                std::strerror(error)));
}

bool MeetingFile::is_in_place() const {
  struct stat open {
  }, there{};
  return ::fstat(fd_, &open) == 0 && ::lstat(path_.c_str(), &there) == 0 && open.st_dev == there.st_dev &&
         open.st_ino == there.st_ino;
}

// False: another rank 0 has just removed it.
bool MeetingFile::lock_and_check() {
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) fail("locked", errno);
    Entry other;
    const bool known = parse(content_of(fd_), &other);
    throw ValueError(fmt::format(
        "rank 0 is not unique: another one keeps its world at '{}{}'{}; use another file, or wait "
        "for that world to end",
        kScheme, path_, known ? fmt::format(" and listens at {}", other.address) : ""));
  }
  return is_in_place();
}

void MeetingFile::take() {
  for (;;) {
    {
      const UnforkedScope scope;
      // NOFOLLOW: in a folder of everybody's another user may have put a link there.
      fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
      if (fd_ >= 0) close_in_children(fd_);
    }
    if (fd_ < 0) fail("written", errno);
    try {
      if (lock_and_check()) {
        const std::string content = content_of(fd_);
        if (!content.empty() && !content.starts_with(kMark)) {
          throw ValueError(fmt::format(
              "the file '{}' of the world's address holds something else: choose a name that nothing "
              "has, or remove it",
              path_));
        }
        if (::ftruncate(fd_, 0) != 0) fail("written", errno);
        return;
      }
    } catch (...) {
      close();  // it stays where it is: it is another's
      throw;
    }
    close();
  }
}

void MeetingFile::write(const Entry& entry) {
  const std::string text = fmt::format("{}{:016x} {}\n", kMark, entry.incarnation, entry.address);
  const ssize_t n = ::pwrite(fd_, text.data(), text.size(), 0);
  if (n < 0) fail("written", errno);
  if (static_cast<size_t>(n) != text.size()) fail("written", ENOSPC);
}

bool MeetingFile::read(Entry* entry, std::string* why) const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    if (errno != ENOENT) fail("read", errno);
    const std::string folder = path_.substr(0, std::max<size_t>(path_.rfind('/'), 1));
    if (::access(folder.c_str(), X_OK) != 0) fail("read", errno);
    *why = "there is no such file";
    return false;
  }
  struct flock lock = whole_file(F_RDLCK);
  const int asked = ::fcntl(fd, F_OFD_GETLK, &lock);
  const int error = errno;
  const std::string content = content_of(fd);
  ::close(fd);
  if (asked != 0) fail("asked for its lock", error);
  if (!content.empty() && !content.starts_with(kMark)) {
    throw ValueError(fmt::format("the file '{}' of the world's address holds something else", path_));
  }
  if (lock.l_type == F_UNLCK) {
    *why = content.empty() ? "it is empty, and no rank 0 has it" : "it was left by a rank 0 that has ended";
    return false;
  }
  *why = "rank 0 has not said yet where it listens";
  return parse(content, entry);
}

MeetingFile::Entry MeetingFile::wait(TimePoint deadline, double timeout_s,
                                     const std::function<bool()>& interrupted,
                                     const std::function<void(const std::string&)>& log) const {
  Entry entry;
  std::string why;
  LongWait is_long(log);
  const auto slice = [&](TimePoint until) {
    if (read(&entry, &why)) return true;
    is_long.look([&] {
      return fmt::format("init_rpc still waits: no rank 0 was found by the file '{}': {}", path_, why);
    });
    std::this_thread::sleep_until(std::min(until, Clock::now() + kPause));
    return false;
  };
  if (!wait_interruptible(deadline, interrupted, "init_rpc", slice)) {
    throw DeadlineExceeded(
        fmt::format("no rank 0 was found by the file '{}' within {:.3g} s: {}", path_, timeout_s, why));
  }
  return entry;
}

}  // namespace tine::rpc
