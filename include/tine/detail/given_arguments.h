// The arguments of a call as C++ gives them, parted into values and keywords.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "tine/convert.h"

namespace tine::detail {

template <class... Args>
struct GivenArguments {
  static constexpr size_t kNamed =
      (size_t{0} + ... + size_t{std::is_same_v<std::remove_cvref_t<Args>, Keyword>});
  std::array<Value, sizeof...(Args) - kNamed> values;
  std::array<Keyword, kNamed> keywords;

  explicit GivenArguments(Args&&... args) {
    [[maybe_unused]] size_t v = 0, k = 0;
    [[maybe_unused]] const auto put = [&]<class A>(A&& arg) {
      if constexpr (std::is_same_v<std::remove_cvref_t<A>, Keyword>) {
        keywords[k++] = std::forward<A>(arg);
      } else {
        values[v++] = to_value(std::forward<A>(arg));
      }
    };
    (put(std::forward<Args>(args)), ...);
  }
};

}  // namespace tine::detail
