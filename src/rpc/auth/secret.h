// Secret: what two processes must share to talk at all, and where it comes from (docs/security.md). It is immutable, any
// thread may use it, and its bytes are wiped when it is destroyed. Errors are AuthErrors that name the variable or the
// file, what is wrong with it, and what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tine::rpc {

class Secret {
 public:
  static constexpr size_t kMinBytes = 8;
  static constexpr size_t kMaxBytes = 4096;
  explicit Secret(std::string_view text);
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

  // TINE_AUTH_KEY, else the user's key file, made on first use.
  [[nodiscard]] static std::shared_ptr<const Secret> load();
  // Reads `path`, or makes it: a regular file of this user that nobody else may read.
  [[nodiscard]] static std::shared_ptr<const Secret> from_file(const std::string& path);
  // $XDG_CONFIG_HOME/tine/auth_key, else ~/.config/tine/auth_key.
  [[nodiscard]] static std::string default_path();

 private:
  std::vector<std::byte> bytes_;
};

// A number that is never 0: drawn once in a process's life, it tells it from its namesakes before and after.
[[nodiscard]] uint64_t random_incarnation();

}  // namespace tine::rpc
