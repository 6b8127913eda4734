#include "src/rpc/transport/shm/shm_transport.h"

#include <utility>

#include "src/rpc/transport/shm/ring_channel.h"
#include "src/rpc/transport/unix/unix_transport.h"

namespace tine::rpc {
namespace {

class ShmFactory final : public TransportFactory {
 public:
  explicit ShmFactory(const ShmOptions& options) : options_(options) {}
  std::unique_ptr<Transport> make(const Loop& loop, Identity identity) const override {
    const auto budget = std::make_shared<MemoryBudget>(options_.budget_bytes);
    const auto mapped = std::make_shared<MemoryBudget>(options_.mapped_bytes,
                                                       "tensors in shared memory of others are copied");
    return std::make_unique<UnixTransport>(
        loop, std::move(identity), "shm",
        [budget, mapped, ring_bytes = options_.ring_bytes](FileDescriptor socket) {
          return std::make_unique<RingOffer>(std::move(socket), budget, mapped, ring_bytes);
        });
  }

 private:
  const ShmOptions options_;
};

}  // namespace

std::shared_ptr<const TransportFactory> shm_transport(ShmOptions options) {
  return std::make_shared<ShmFactory>(options);
}

}  // namespace tine::rpc
