#include "src/rpc/raw/node.h"
#include "src/rpc/transport/named_transports.h"
#include "src/rpc/transport/tls/tls_context.h"
#include "tine/runtime.h"

namespace tine::rpc {

std::unique_ptr<RawNode> RawNode::start(Runtime& runtime, RawNodeOptions options) {
  const TransportList transports =
      transports_named(options.transports,
                       {.host = options.host,
                        .plaintext_beyond_loopback = options.plaintext_beyond_loopback,
                        .tls = tls_options(options.tls)},
                       {.mapped_bytes = 0});
  return Parts::start({runtime.blocking(), runtime.callbacks(), transports, &runtime.scheduler().timer()},
                      std::move(options));
}

}  // namespace tine::rpc
