#include "src/compile/suggest.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

namespace tine::compile {
namespace {

constexpr size_t kLongest = 64;

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates,
                         const std::function<bool(const std::string&)>& usable) {
  // One slip of the hand; in a long name two.
  const size_t most = name.size() > 7 ? 2 : 1;
  if (name.size() < 3 || name.size() > kLongest) return {};
  for (size_t slips = 1; slips <= most; ++slips) {
    bool meant = false;  // something that is nearer than what comes next
    for (const std::string& c : candidates) {
      if (c.size() < 3 || c.size() > kLongest || distance(name, c) != slips) continue;
      if (!usable || usable(c)) return fmt::format("; did you mean `{}`?", c);
      meant = true;
    }
    if (meant) return {};
  }
  return {};
}

}  // namespace tine::compile
