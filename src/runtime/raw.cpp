#include "src/rpc/raw/node.h"
#include "src/rpc/transport/named_transports.h"
#include "tine/runtime.h"

namespace tine::rpc {

std::unique_ptr<RawNode> RawNode::start(Runtime& runtime, RawNodeOptions options) {
  const TransportList transports =
      transports_named(options.transports, {options.host, options.plaintext_beyond_loopback});
  return Parts::start({runtime.blocking(), runtime.callbacks(), transports, &runtime.scheduler().timer()},
                      std::move(options));
}

}  // namespace tine::rpc
