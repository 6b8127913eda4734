// PeerCodes: the script code that has gone to another worker, and that has come from it, as values (docs/spec/wire.md,
// section 3).
//
// The text of a code goes with its hash until the other worker has it. Each side remembers what came from the other, within a
// bound, and says so once; what it did not remember comes again. Any thread may use it. It ends with its peer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "src/base/mutex.h"
#include "tine/foreign.h"

namespace tine::rpc {

class PeerCodes {
 public:
  // Bytes of text that are remembered.
  static constexpr size_t kMost = size_t{64} << 20;

  // Whether it has to be sent: the other side is not known to have it.
  [[nodiscard]] bool needs_text(const std::string& hash);
  // It was sent, and has arrived. What was never sent is not taken down: the hash may be the other side's invention.
  void set_there(const std::string& hash);

  // The code of that hash as it came, with its text or without (then the text is what came earlier, or empty), and whether it
  // is remembered from now on. Nothing has been verified.
  [[nodiscard]] std::pair<std::shared_ptr<const ScriptCode>, bool> came(std::string_view hash,
                                                                        std::string_view text);

 private:
  Mutex mutex_;
  std::unordered_map<std::string, bool> sent_ TINE_GUARDED_BY(mutex_);  // by hash: it is there
  std::unordered_map<std::string, std::shared_ptr<const ScriptCode>> here_ TINE_GUARDED_BY(mutex_);
  size_t bytes_ TINE_GUARDED_BY(mutex_) = 0;
};

}  // namespace tine::rpc
