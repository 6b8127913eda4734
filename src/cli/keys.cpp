#include "src/cli/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <stdexcept>

#include "src/base/certificates.h"
#include "src/base/fd.h"
#include "src/base/random.h"

namespace tine::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::time_t kDay = 86'400;
constexpr std::time_t kYear = 365 * kDay;
constexpr std::time_t kClocks = 3600;  // by so much other machines' clocks may be behind
constexpr size_t kMostBytes = size_t{64} << 10;

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  throw std::runtime_error(fmt::format("{} {}: {}", path, what, std::strerror(errno)));
}

void make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return;
  if (errno != EEXIST) fail(folder, "cannot be made");
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) fail(folder, "cannot be examined");
  if (!S_ISDIR(info.st_mode)) throw std::runtime_error(fmt::format("{} is not a folder", folder.string()));
  if ((info.st_mode & 022) != 0) {
    throw std::runtime_error(
        fmt::format("others may write into the folder {} (mode {:04o}), and so could put an authority of "
                    "their own there: "
                    "`chmod 700` it, or choose another",
                    folder.string(), info.st_mode & 07777));
  }
}

void write_new(const fs::path& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) fail(path, "cannot be made");
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(file.get(), text.data() + at, text.size() - at);
    if (n < 0 && errno != EINTR) fail(path, "cannot be written");
    if (n > 0) at += static_cast<size_t>(n);
  }
  if (::fsync(file.get()) != 0) fail(path, "cannot be written");
}

std::string read_whole(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail(path, "cannot be opened");
  std::string text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t n = ::read(file.get(), part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "cannot be read");
    if (n == 0) return text;
    text.append(part.data(), static_cast<size_t>(n));
    if (text.size() > kMostBytes)
      throw std::runtime_error(fmt::format("{} is too large for a certificate or a key", path.string()));
  }
}

void check_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_:.").find(c) != std::string_view::npos;
  };
  const bool good = !name.empty() && name.size() <= 128 && name.front() != '.' && name.front() != '-' &&
                    std::all_of(name.begin(), name.end(), plain);
  if (!good) {
    throw std::runtime_error(
        fmt::format("'{}' is not a worker's name: expected 1 to 128 letters, digits and -_:.", name));
  }
  if (name == "ca" || name == "any") {
    throw std::runtime_error(fmt::format(
        "the files of a worker '{}' would have the names of the {}: choose another folder and name", name,
        name == "ca" ? "authority's" : "files for every worker"));
  }
}

// As a shell takes it.
std::string quoted(const std::string& path) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (path.find_first_not_of(kPlain) == std::string::npos) return path;
  std::string text = "'";
  for (const char c : path) c == '\'' ? text += "'\\''" : text += c;
  return text + "'";
}

std::string exports(const fs::path& folder, const std::string& name) {
  return fmt::format("  export TINE_TLS_CERT={}\n  export TINE_TLS_KEY={}\n  export TINE_TLS_CA={}\n",
                     quoted((folder / (name + ".pem")).string()), quoted((folder / (name + ".key")).string()),
                     quoted((folder / "ca.pem").string()));
}

}  // namespace

int make_keys(const KeysOptions& options) {
  for (const std::string& name : options.workers) check_name(name);
  const fs::path folder = fs::absolute(options.folder).lexically_normal();
  const fs::path ca_cert = folder / "ca.pem", ca_key = folder / "ca.key";
  std::vector<std::string> files = options.workers;
  if (files.empty()) files.emplace_back("any");
  for (size_t i = 0; i < files.size(); ++i) {
    if (std::find(files.begin(), files.begin() + static_cast<ptrdiff_t>(i), files[i]) !=
        files.begin() + static_cast<ptrdiff_t>(i))
      throw std::runtime_error(fmt::format("worker '{}' is named twice", files[i]));
    for (const char* const end : {".pem", ".key"}) {
      if (fs::exists(fs::symlink_status(folder / (files[i] + end)))) {
        throw std::runtime_error(fmt::format(
            "{} is there already, and is not overwritten: remove it first, or choose another folder",
            (folder / (files[i] + end)).string()));
      }
    }
  }
  const bool has_cert = fs::exists(fs::symlink_status(ca_cert));
  const bool has_key = fs::exists(fs::symlink_status(ca_key));
  if (has_cert != has_key) {
    throw std::runtime_error(fmt::format(
        "{} is there and {} is not: the authority needs both to sign; bring the other one, or choose "
        "another folder",
        (has_cert ? ca_cert : ca_key).string(), (has_cert ? ca_key : ca_cert).string()));
  }
  make_folder(folder);
  const std::time_t now = std::time(nullptr);
  const std::time_t until = now + options.days * kDay;
  Certificate authority;
  if (has_cert) {
    authority = {read_whole(ca_cert), read_whole(ca_key)};
  } else {
    authority = make_authority({now - kClocks, std::max(until, now + 10 * kYear)});
    write_new(ca_key, authority.key);
    write_new(ca_cert, authority.cert);
  }
  for (const std::string& name : files) {
    const std::vector<std::string> stands_for{options.workers.empty() ? "*" : name};
    Certificate made = make_certificate(authority, stands_for, {now - kClocks, until});
    write_new(folder / (name + ".key"), made.key);
    write_new(folder / (name + ".pem"), made.cert);
    wipe(std::as_writable_bytes(std::span(made.key)));
  }
  wipe(std::as_writable_bytes(std::span(authority.key)));

  fmt::print("{} the authority {}. Every worker needs {}.\n", has_cert ? "Signed by" : "Made",
             ca_cert.string(), ca_cert.filename().string());
  fmt::print("{} signs more certificates: keep it here, no worker needs it.\n\n", ca_key.string());
  for (const std::string& name : files) {
    fmt::print("{} (valid for {} day{}):\n{}\n",
               options.workers.empty() ? std::string("For every worker") : fmt::format("For worker {}", name),
               options.days, options.days == 1 ? "" : "s", exports(folder, name));
  }
  fmt::print(
      "On other machines copy the three files of a worker, the key so that only its user can read it.\n");
  return 0;
}

}  // namespace tine::cli
