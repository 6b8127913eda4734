#include "src/compile/suggest.h"

#include <fmt/format.h>

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

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
  if (name.size() > kLongest) return {};
  size_t best = name.size() / 3 + (name.size() > 2 ? 1 : 0) + 1;  // exclusive
  const std::string* found = nullptr;
  for (const std::string& c : candidates) {
    if (c.size() > kLongest || c == name) continue;
    const size_t d = distance(name, c);
    if (d < best && d < c.size()) {
      best = d;
      found = &c;
    }
  }
  return found ? *found : std::string();
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::string found = nearest(name, candidates);
  return found.empty() ? std::string() : fmt::format("; did you mean `{}`?", found);
}

}  // namespace tine::compile
