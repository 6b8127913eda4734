#include "src/rpc/peer_codes.h"

namespace tine::rpc {
namespace {

// What an entry takes beside its text.
constexpr size_t kEach = 512;

}  // namespace

bool PeerCodes::needs_text(const std::string& hash) {
  const MutexLock lock(mutex_);
  return !sent_.try_emplace(hash, false).first->second;
}

void PeerCodes::set_there(const std::string& hash) {
  const MutexLock lock(mutex_);
  if (const auto at = sent_.find(hash); at != sent_.end()) at->second = true;
}

std::pair<std::shared_ptr<const ScriptCode>, bool> PeerCodes::came(std::string_view hash,
                                                                   std::string_view text) {
  auto code = std::make_shared<const ScriptCode>(ScriptCode{std::string(hash), std::string(text)});
  const MutexLock lock(mutex_);
  const auto at = here_.find(code->hash);
  if (text.empty()) return {at == here_.end() ? std::move(code) : at->second, false};
  if (at != here_.end()) return {std::move(code), false};  // the other side did not know yet
  if (bytes_ + kEach + text.size() > kMost) return {std::move(code), false};
  bytes_ += kEach + text.size();
  here_.emplace(code->hash, code);
  return {std::move(code), true};
}

}  // namespace tine::rpc
