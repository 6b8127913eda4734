// The transport "shm:@name": shared memory between processes of one machine (docs/spec/shm.md).
#pragma once

#include <cstddef>
#include <memory>

#include "src/rpc/transport/shm/shared_rings.h"
#include "src/rpc/transport/transport.h"

namespace tine::rpc {

struct ShmOptions {
  size_t ring_bytes = kRingBytes;           // a power of two from kLeastRingBytes to kMostRingBytes
  size_t budget_bytes = size_t{128} << 20;  // of one worker; connections beyond it go over their sockets
  // So much of what others lend one worker maps, and half of it of one connection's; beyond it it is copied. 0: all is copied.
  size_t mapped_bytes = size_t{4} << 30;
};

[[nodiscard]] std::shared_ptr<const TransportFactory> shm_transport(ShmOptions options = {});

}  // namespace tine::rpc
