#include "src/rpc/transport/buffer.h"

#include <fmt/format.h>

#include <new>

#include "tine/error.h"

namespace tine::rpc {

detail::Ref<Buffer> Buffer::make(Recycler& recycler, size_t size) {
  auto* const data = static_cast<std::byte*>(recycler.take(size));
  if (!data) {
    throw ErrorOf<ErrorKind::kMemory>(
        fmt::format("there is no memory for a receive buffer of {} bytes", size));
  }
  auto* const buffer = new (std::nothrow) Buffer(recycler, data, size);
  if (!buffer) {
    recycler.give_back(data, size);
    throw std::bad_alloc();
  }
  return detail::Ref<Buffer>::adopt(buffer);
}

}  // namespace tine::rpc
