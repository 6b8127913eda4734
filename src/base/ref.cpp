#include "tine/detail/ref.h"

#include "src/base/left_over.h"

namespace tine::detail {
namespace {

struct Graveyard {
  int depth;
  LeftOver<RefCounted*> buried;
};
constinit thread_local Graveyard graveyard [[gnu::tls_model("initial-exec")]]{};

[[gnu::cold, gnu::noinline]] void bury(RefCounted* object) noexcept { graveyard.buried.push(object); }

}  // namespace

// A friend of RefCounted, as destroy() is. It deletes the newest first, so that the list stays short.
[[gnu::cold, gnu::noinline]] void destroy_buried() noexcept {
  RefCounted* object;
  while (graveyard.buried.pop_last(&object)) delete object;
  graveyard.buried.free_if_empty();
}

void destroy(RefCounted* object) noexcept {
  Graveyard& g = graveyard;
  if (g.depth == kDeepestCall) [[unlikely]]
    return bury(object);
  ++g.depth;
  delete object;
  if (g.depth == 1 && !g.buried.empty()) [[unlikely]]
    destroy_buried();
  --g.depth;
}

}  // namespace tine::detail
