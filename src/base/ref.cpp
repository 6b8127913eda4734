#include "tine/detail/ref.h"

#include <cstdlib>
#include <exception>

namespace tine::detail {
namespace {

constexpr int kDeepest = 64;

// No destructor: a thread that ends inside no destruction has freed its queue already.
struct Graveyard {
  int depth;
  size_t size;
  size_t capacity;
  RefCounted** items;

  void push(RefCounted* object) noexcept {
    if (size == capacity) {
      capacity = capacity ? 2 * capacity : 64;
      void* grown = std::realloc(items, capacity * sizeof(RefCounted*));
      if (!grown) std::terminate();
      items = static_cast<RefCounted**>(grown);
    }
    items[size++] = object;
  }
};
constinit thread_local Graveyard graveyard [[gnu::tls_model("initial-exec")]]{};

[[gnu::cold, gnu::noinline]] void bury(RefCounted* object) noexcept { graveyard.push(object); }

}  // namespace

// A friend of RefCounted, as destroy() is.
[[gnu::cold, gnu::noinline]] void destroy_buried() noexcept {
  Graveyard& g = graveyard;
  while (g.size) delete g.items[--g.size];
  std::free(g.items);
  g.items = nullptr;
  g.capacity = 0;
}

void destroy(RefCounted* object) noexcept {
  Graveyard& g = graveyard;
  if (g.depth == kDeepest) [[unlikely]]
    return bury(object);
  ++g.depth;
  delete object;
  if (g.depth == 1 && g.size) [[unlikely]]
    destroy_buried();
  --g.depth;
}

}  // namespace tine::detail
