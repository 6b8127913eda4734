#include "src/rpc/transport/shm/shared_rings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <new>

namespace tine::rpc {
namespace {

constexpr size_t kControlBytes = 4096, kSecondControl = 512;
constexpr unsigned kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

size_t memory_bytes(size_t ring_bytes) noexcept { return kControlBytes + 2 * ring_bytes; }

}  // namespace

static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);
static_assert(sizeof(RingControl<StdAtomic>) <= kSecondControl &&
              offsetof(RingControl<StdAtomic>, writer_processor) == 8 &&
              offsetof(RingControl<StdAtomic>, tail) == 128 &&
              offsetof(RingControl<StdAtomic>, writer_waits) == 256 &&
              offsetof(RingControl<StdAtomic>, reader_waits) == 384);

void* SharedRings::map_memory(int fd, size_t bytes) noexcept {
  const UnforkedScope scope;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return nullptr;
  static_cast<void>(::madvise(memory, bytes, MADV_DONTFORK));
  return memory;
}

std::shared_ptr<SharedRings> SharedRings::make(std::shared_ptr<MemoryBudget> budget, size_t ring_bytes,
                                               FileDescriptor* memory) {
  const size_t bytes = memory_bytes(ring_bytes);
  if (!budget->take(bytes)) {
    budget->tell_once("the budget for it is spent", 0);
    return nullptr;
  }
  const auto without = [&](const char* what) {
    budget->tell_once(what, errno);
    budget->give_back(bytes);
    return nullptr;
  };
  *memory =
      FileDescriptor::made_by([] { return ::memfd_create("tine-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING); });
  if (!*memory) return without("memfd_create");
  // Now, and not by a signal when it is first written to.
  if (::fallocate(memory->get(), 0, 0, static_cast<off_t>(bytes)) != 0)
    return without("no memory for its rings");
  if (::fcntl(memory->get(), F_ADD_SEALS, kSeals) != 0) return without("its size cannot be sealed");
  void* const at = map_memory(memory->get(), bytes);
  if (!at) return without("its rings cannot be mapped");
  for (const size_t offset : {size_t{0}, kSecondControl})
    new (static_cast<std::byte*>(at) + offset) Control();
  return hold(std::move(budget), at, ring_bytes, Side::kInitiator);
}

std::shared_ptr<SharedRings> SharedRings::map(std::shared_ptr<MemoryBudget> budget, size_t ring_bytes,
                                              size_t most, FileDescriptor memory, int* error) {
  *error = EBADMSG;
  if (!memory || !std::has_single_bit(ring_bytes) || ring_bytes < kLeastRingBytes ||
      ring_bytes > kMostRingBytes)
    return nullptr;
  const size_t bytes = memory_bytes(ring_bytes);
  struct stat info {};
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0 || (static_cast<unsigned>(seals) & kSeals) != kSeals || ::fstat(memory.get(), &info) != 0 ||
      static_cast<size_t>(info.st_size) != bytes)
    return nullptr;
  *error = 0;
  if (ring_bytes > most) {
    budget->tell_once("the other side's rings are larger than this side gives a connection", 0);
    return nullptr;
  }
  if (!budget->take(bytes)) {
    budget->tell_once("the budget for it is spent", 0);
    return nullptr;
  }
  // The other side may have left the pages out.
  void* const at = ::fallocate(memory.get(), 0, 0, static_cast<off_t>(bytes)) == 0
                       ? map_memory(memory.get(), bytes)
                       : nullptr;
  if (!at) {
    budget->tell_once("its rings cannot be mapped", errno);
    budget->give_back(bytes);
    return nullptr;
  }
  return hold(std::move(budget), at, ring_bytes, Side::kAcceptor);
}

std::shared_ptr<SharedRings> SharedRings::hold(std::shared_ptr<MemoryBudget> budget, void* memory,
                                               size_t ring_bytes, Side side) noexcept {
  MemoryBudget& counted = *budget;
  if (auto* const rings = new (std::nothrow) SharedRings(std::move(budget), memory, ring_bytes, side)) {
    try {
      return std::shared_ptr<SharedRings>(rings);  // which deletes it when it throws
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  ::munmap(memory, memory_bytes(ring_bytes));
  counted.give_back(memory_bytes(ring_bytes));
  return nullptr;
}

SharedRings::SharedRings(std::shared_ptr<MemoryBudget> budget, void* memory, size_t ring_bytes, Side side)
    : budget_(std::move(budget)),
      memory_(static_cast<std::byte*>(memory)),
      ring_bytes_(ring_bytes),
      out_(*std::launder(
               reinterpret_cast<Control*>(memory_ + (side == Side::kInitiator ? 0 : kSecondControl))),
           memory_ + kControlBytes + (side == Side::kInitiator ? 0 : ring_bytes), ring_bytes),
      in_(*std::launder(
              reinterpret_cast<Control*>(memory_ + (side == Side::kInitiator ? kSecondControl : 0))),
          memory_ + kControlBytes + (side == Side::kInitiator ? ring_bytes : 0), ring_bytes) {}

SharedRings::~SharedRings() {
  // In a child of fork(2) something else may be mapped there by now.
  if (birth_.inherited()) return;
  ::munmap(memory_, memory_bytes(ring_bytes_));
  budget_->give_back(memory_bytes(ring_bytes_));
}

}  // namespace tine::rpc
