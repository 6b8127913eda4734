#include "src/rpc/transport/shm/lent_segments.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "src/rpc/transport/shm/descriptors.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr size_t kBellsAtOnce = 1024;

detail::Ref<Buffer> copy_of(int memory, uint64_t offset, uint64_t bytes, Recycler& recycler) {
  auto copy = Buffer::make(recycler, bytes);
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = ::pread(memory, copy->data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw SystemError(fmt::format("{} bytes of shared memory cannot be read: {}", bytes,
                                    n < 0 ? std::strerror(errno) : "it ends before"));
    done += static_cast<size_t>(n);
  }
  return copy;
}

}  // namespace

LentSegments::LentSegments(std::shared_ptr<MemoryBudget> budget)
    : budget_(std::make_shared<MemoryBudget>(std::move(budget))) {}

LentSegments::~LentSegments() {
  if (birth_.inherited()) leave();
}

void LentSegments::own(int socket) noexcept {
  {
    const MutexLock lock(lending_);
    socket_to_ = socket;
  }
  const MutexLock lock(borrowing_);
  socket_from_ = socket;
}

void LentSegments::watch(detail::Ref<ChannelEvents> events) noexcept {
  {
    const MutexLock lock(watching_);
    events_ = events;
  }
  // One that went before that has told nobody.
  bool some = false;
  {
    const MutexLock lock(lending_);
    some = !gone_.empty();
  }
  if (some) events->lent_is_gone();
}

detail::Ref<ChannelEvents> LentSegments::unwatch() noexcept {
  const MutexLock lock(watching_);
  return std::move(events_);
}

// In a child of fork(2), where a lock may be one that another thread had: nobody else is here.
void LentSegments::leave() noexcept {
  for (auto& [number, what] : borrowed_)
    if (what.memory) static_cast<void>(what.memory->release());
}

void LentSegments::close() noexcept {
  std::map<uint32_t, Borrowed> borrowed;
  {
    const MutexLock lock(lending_);
    socket_to_ = -1;
  }
  const MutexLock lock(borrowing_);
  socket_from_ = -1;
  borrowed.swap(borrowed_);
}

// --- lending

bool LentSegments::hand_over(int memory) const noexcept {
  char byte = 0;
  iovec piece{&byte, 1};
  for (;;) {
    const ssize_t n = send_with_descriptor(socket_to_, piece, memory);
    // Where the socket takes no more, or the user has too many descriptors on their way, the bytes go through the ring.
    if (n >= 0 || errno != EINTR) return n == 1;
  }
}

std::optional<LentPlace> LentSegments::lend(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < SharedSegment::kLeastBytes) return std::nullopt;
  const std::shared_ptr<SharedSegment> segment = SharedSegment::around(bytes);
  if (!segment) return std::nullopt;
  const auto offset = static_cast<uint64_t>(bytes.data() - segment->data());
  try {
    const MutexLock lock(lending_);
    if (socket_to_ < 0) return std::nullopt;
    if (const auto at = lent_.find(segment->id()); at != lent_.end()) return LentPlace{at->second, offset};
    if (lent_.size() + gone_.size() + told_.size() >= kMostLent) return std::nullopt;
    // For gone() and next_to_forget(), which allocate nothing.
    gone_.reserve(kMostLent);
    told_.reserve(kMostLent);
    segment->lent_by(weak_from_this(), next_);
    const auto at = lent_.emplace(segment->id(), next_).first;
    if (!hand_over(segment->descriptor())) {
      lent_.erase(at);  // and gone() will find nothing
      return std::nullopt;
    }
    return LentPlace{next_++, offset};
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

void LentSegments::gone(uint64_t id, uint32_t number) noexcept {
  {
    const MutexLock lock(lending_);
    const auto at = lent_.find(id);
    if (at == lent_.end() || at->second != number) return;
    lent_.erase(at);
    gone_.push_back(number);
  }
  detail::Ref<ChannelEvents> events;
  {
    const MutexLock lock(watching_);
    events = events_;
  }
  if (events) events->lent_is_gone();
}

std::optional<uint32_t> LentSegments::next_to_forget() noexcept {
  const MutexLock lock(lending_);
  if (gone_.empty()) return std::nullopt;
  const uint32_t number = gone_.back();
  gone_.pop_back();
  told_.push_back(number);
  return number;
}

bool LentSegments::forgotten(uint64_t memory) noexcept {
  const MutexLock lock(lending_);
  const auto at = std::find(told_.begin(), told_.end(), memory);
  if (at == told_.end()) return false;
  told_.erase(at);
  return true;
}

// --- borrowing

bool LentSegments::look() noexcept {
  const MutexLock lock(borrowing_);
  return look_locked();
}

bool LentSegments::look_locked() noexcept {
  std::array<char, kBellsAtOnce> bells;
  // An honest peer has no more on their way. What is left is found when it is named.
  for (size_t rounds = 0; socket_from_ >= 0 && rounds < 2 * kMostLent; ++rounds) {
    Received got = receive_with_descriptor(socket_from_, {bells.data(), bells.size()});
    if (got.bytes < 0 && errno == EINTR) continue;
    if (got.bytes <= 0) return got.bytes != 0;
    if (got.descriptors == 0 && !got.truncated) {
      // Bytes are read up to the next descriptor and with it: so that was all there is.
      if (static_cast<size_t>(got.bytes) < bells.size()) return true;
      continue;
    }
    const uint32_t number = came_++;
    if (got.descriptors == 0) lose(number, EMFILE);
    if (got.descriptors != 1 || got.truncated || borrowed_.size() >= kMostLent) continue;
    try {
      borrowed_[number].memory = std::make_shared<FileDescriptor>(std::move(got.first));
    } catch (const std::bad_alloc&) {
      lose(number, ENOMEM);
    }
  }
  return true;
}

// The sender is told when it names it, and may have it forgotten once.
void LentSegments::lose(uint32_t number, int error) noexcept {
  if (lost_count_ < lost_.size()) lost_[lost_count_++] = {number, error};
}

LentSegments::Lost* LentSegments::lost(uint64_t number) noexcept {
  const auto end = lost_.begin() + static_cast<ptrdiff_t>(lost_count_);
  const auto at = std::find_if(lost_.begin(), end, [&](const Lost& l) { return l.number == number; });
  return at == end ? nullptr : &*at;
}

std::shared_ptr<SharedSegment> LentSegments::open(Borrowed& what, std::string* bad) {
  if (what.mapped) return what.mapped;
  if (auto known = what.known.lock()) return known;
  if (!what.checked) {
    *bad = SharedSegment::objection_to(what.memory->get(), &what.file);
    if (!bad->empty()) return nullptr;
    what.checked = true;
  }
  if (budget_->bytes() == 0) return nullptr;
  if (auto known = SharedSegment::known(what.file)) {
    what.known = known;
    // One descriptor of a file is enough for all who may have to map it again.
    if (known->memory()) what.memory = known->memory();
    return known;
  }
  what.mapped = SharedSegment::map(what.memory, what.file, budget_);
  if (what.mapped) what.memory = nullptr;
  return what.mapped;
}

detail::Ref<Buffer> LentSegments::borrow(const LentPlace& place, uint64_t bytes, Recycler& recycler,
                                         std::string* bad) {
  std::shared_ptr<SharedSegment> segment;  // let go of without the lock
  const MutexLock lock(borrowing_);
  auto at = borrowed_.find(place.memory);
  if (at == borrowed_.end()) {
    // It may lie in the socket: it was sent before the frame.
    look_locked();
    at = borrowed_.find(place.memory);
  }
  if (at == borrowed_.end()) {
    if (const Lost* const it = lost(place.memory))
      throw SystemError(fmt::format("the descriptor of shared memory {} could not be taken: {}", place.memory,
                                    std::strerror(it->error)));
    *bad = fmt::format("a segment lies in shared memory {}, which is not lent", place.memory);
    return nullptr;
  }
  Borrowed& what = at->second;
  segment = open(what, bad);
  if (!bad->empty()) {
    *bad = fmt::format("shared memory {} {}", place.memory, *bad);
    return nullptr;
  }
  if (place.offset > what.file.bytes || bytes > what.file.bytes - place.offset) {
    *bad = fmt::format("a segment of {} bytes lies at byte {} of shared memory {}, which has {}", bytes,
                       place.offset, place.memory, what.file.bytes);
    return nullptr;
  }
  if (!segment) return copy_of(what.memory->get(), place.offset, bytes, recycler);
  return Buffer::lent({segment->data() + place.offset, bytes}, segment);
}

bool LentSegments::forget(uint64_t memory) noexcept {
  Borrowed dropped;
  const MutexLock lock(borrowing_);
  if (memory > UINT32_MAX) return false;
  auto at = borrowed_.find(static_cast<uint32_t>(memory));
  if (at == borrowed_.end()) {
    look_locked();  // nothing may have named it
    at = borrowed_.find(static_cast<uint32_t>(memory));
  }
  if (at == borrowed_.end()) {
    Lost* const it = lost(memory);
    if (!it) return false;
    *it = lost_[--lost_count_];
    return true;
  }
  dropped = std::move(at->second);
  borrowed_.erase(at);
  return true;
}

}  // namespace tine::rpc
