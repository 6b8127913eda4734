// LeftOver: what calls of a thread that nest too deep leave to the outermost one, in order.
//
// It is for a thread_local, and so has no destructor: the outermost call empties it and frees its memory. It costs nothing on
// a thread that never nests so deep. Without memory the program ends, because what is left to do may not be dropped.
#pragma once

#include <cstdlib>
#include <exception>
#include <type_traits>

namespace tine {

// How many calls may nest.
inline constexpr int kDeepestCall = 64;

template <class T>
struct LeftOver {
  static_assert(std::is_trivially_copyable_v<T>);
  size_t begin;
  size_t end;
  size_t capacity;
  T* items;

  [[nodiscard]] bool empty() const noexcept { return begin == end; }
  void push(T item) noexcept {
    if (end == capacity) {
      capacity = capacity ? 2 * capacity : 64;
      void* const grown = std::realloc(items, capacity * sizeof(T));
      if (!grown) std::terminate();
      items = static_cast<T*>(grown);
    }
    items[end++] = item;
  }
  [[nodiscard]] bool pop_first(T* item) noexcept {
    if (empty()) {
      begin = end = 0;
      return false;
    }
    *item = items[begin++];
    return true;
  }
  [[nodiscard]] bool pop_last(T* item) noexcept {
    if (empty()) return false;
    *item = items[--end];
    return true;
  }
  void free_if_empty() noexcept {
    if (!empty()) return;
    std::free(items);
    items = nullptr;
    begin = end = capacity = 0;
  }
};

}  // namespace tine
