#include "src/rpc/raw/node.h"
#include "tine/runtime.h"

namespace tine::rpc {

std::unique_ptr<RawNode> RawNode::start(Runtime& runtime, RawNodeOptions options) {
  return Parts::start({runtime.blocking(), runtime.callbacks(), &runtime.scheduler().timer()},
                      std::move(options));
}

}  // namespace tine::rpc
