#include "src/rpc/transport/shm/shared_segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "src/base/let_go.h"
#include "src/base/mutex.h"
#include "src/rpc/wire/frame.h"

namespace tine::rpc {
namespace {

constexpr unsigned kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr size_t kPage = 4096;  // a mapping ends at a multiple of it, or of a larger one

void unmap(void* data, size_t bytes) noexcept { ::munmap(data, bytes); }

}  // namespace

// The segments of the process.
struct SharedSegment::All {
  Mutex mutex;
  std::vector<SharedSegment*> by_address TINE_GUARDED_BY(mutex);
  std::atomic<size_t> count{0};
  std::atomic<size_t> descriptors{0};
  std::atomic<uint64_t> ids{0};
  MemoryBudget own{SIZE_MAX, "a tensor of shared_empty() is an ordinary one"};

  // A quarter of those that this process may have open.
  [[nodiscard]] bool take_descriptor() noexcept {
    rlimit limit{};
    const size_t most = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 4 : 0;
    if (descriptors.fetch_add(1, std::memory_order_relaxed) < most) return true;
    give_back_descriptor();
    return false;
  }
  void give_back_descriptor() noexcept { descriptors.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] auto place_of(const std::byte* data) noexcept TINE_REQUIRES(mutex) {
    return std::upper_bound(by_address.begin(), by_address.end(), data,
                            [](const std::byte* d, const SharedSegment* s) { return d < s->data_; });
  }
};

// Made before the program runs, because one made on first use could be half made in a child of fork(2). Never destroyed.
struct SharedSegment::OfProcess {
  constexpr OfProcess() noexcept : all() {}
  ~OfProcess() {}
  union {
    All all;
  };
};
constinit SharedSegment::OfProcess SharedSegment::of_process_;

SharedSegment::All& SharedSegment::all() noexcept { return of_process_.all; }

// fork(2) happens while the lock is held: a child finds it free and the list whole. One function locks and another unlocks, so
// the analysis cannot follow.
const int SharedSegment::held_by_forks =
    ::pthread_atfork([]() TINE_NO_THREAD_SAFETY_ANALYSIS { all().mutex.lock(); },
                     []() TINE_NO_THREAD_SAFETY_ANALYSIS { all().mutex.unlock(); },
                     []() TINE_NO_THREAD_SAFETY_ANALYSIS { all().mutex.unlock(); });

SharedSegment::SharedSegment() noexcept : id_(all().ids.fetch_add(1, std::memory_order_relaxed)) {}

std::shared_ptr<SharedSegment> SharedSegment::fresh() {
  detail::watch_forks();
  return std::shared_ptr<SharedSegment>(new SharedSegment());
}

bool SharedSegment::open_up(const File& file) {
  void* const data = ::mmap(nullptr, file.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_->get(), 0);
  if (data == MAP_FAILED) return false;
  file_ = file;
  data_ = static_cast<std::byte*>(data);
  if (!keeps_descriptor_) keeps_descriptor_ = all().take_descriptor();
  if (!keeps_descriptor_) memory_ = nullptr;
  const MutexLock lock(all().mutex);
  all().by_address.insert(all().place_of(data_), this);
  all().count.fetch_add(1, std::memory_order_relaxed);
  is_listed_ = true;
  return true;
}

std::shared_ptr<SharedSegment> SharedSegment::make(size_t bytes) {
  const auto without = [](const char* why, int error) {
    all().own.tell_once(why, error);
    return nullptr;
  };
  auto segment = fresh();
  segment->keeps_descriptor_ = all().take_descriptor();
  if (!segment->keeps_descriptor_)
    return without("there are as many of them as a quarter of the descriptors that this process may have", 0);
  segment->memory_ = std::make_shared<FileDescriptor>(
      FileDescriptor::made_by([] { return ::memfd_create("tine-tensor", MFD_CLOEXEC | MFD_ALLOW_SEALING); }));
  const int memory = segment->memory_->get();
  if (memory < 0) return without("memfd_create", errno);
  // Now, and not by a signal when it is first written to.
  const size_t whole = (bytes + kPage - 1) / kPage * kPage;
  if (whole < bytes || whole > kMaxSegmentBytes) return without("it would be too large", 0);
  if (::fallocate(memory, 0, 0, static_cast<off_t>(whole)) != 0)
    return without("there is no memory to share", errno);
  if (::fcntl(memory, F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0)
    return without("the size of its memory cannot be sealed", errno);
  struct stat info {};
  if (::fstat(memory, &info) != 0 || !segment->open_up({info.st_dev, info.st_ino, whole}))
    return without("its memory cannot be mapped", errno);
  return segment;
}

std::string SharedSegment::objection_to(int memory, File* file) {
  struct stat info {};
  struct statfs system {};
  const int seals = ::fcntl(memory, F_GET_SEALS);
  if (seals < 0 || ::fstatfs(memory, &system) != 0 || system.f_type != TMPFS_MAGIC ||
      ::fstat(memory, &info) != 0)
    return "is not a memfd";
  if ((static_cast<unsigned>(seals) & kSizeSeals) != kSizeSeals)
    return "is a memfd that is not sealed against a change of its size";
  if (info.st_size <= 0 || static_cast<uint64_t>(info.st_size) > kMaxSegmentBytes)
    return fmt::format("is a memfd of {} bytes, expected 1 to {}", info.st_size, kMaxSegmentBytes);
  *file = {info.st_dev, info.st_ino, static_cast<size_t>(info.st_size)};
  return {};
}

std::shared_ptr<SharedSegment> SharedSegment::known(const File& file) noexcept {
  const MutexLock lock(all().mutex);
  for (SharedSegment* const segment : all().by_address) {
    if (segment->file_.device != file.device || segment->file_.inode != file.inode) continue;
    if (auto held = segment->weak_from_this().lock()) return held;
  }
  return nullptr;
}

std::shared_ptr<SharedSegment> SharedSegment::map(std::shared_ptr<FileDescriptor> memory, const File& file,
                                                  std::shared_ptr<MemoryBudget> budget) {
  auto segment = fresh();  // before the budget is touched: it may throw
  if (!budget->take(file.bytes)) {
    budget->tell_once("the budget of what this worker maps is spent", 0);
    return nullptr;
  }
  segment->file_ = file;
  segment->budget_ = std::move(budget);
  segment->memory_ = std::move(memory);
  if (!segment->open_up(file)) {
    segment->budget_->tell_once("it cannot be mapped", errno);
    return nullptr;
  }
  return segment;
}

std::shared_ptr<SharedSegment> SharedSegment::around(std::span<const std::byte> bytes) noexcept {
  if (all().count.load(std::memory_order_relaxed) == 0) return nullptr;
  const MutexLock lock(all().mutex);
  const auto behind = all().place_of(bytes.data());
  if (behind == all().by_address.begin()) return nullptr;
  SharedSegment& segment = **std::prev(behind);
  const auto offset = static_cast<size_t>(bytes.data() - segment.data_);
  if (offset >= segment.size() || bytes.size() > segment.size() - offset || !segment.keeps_descriptor_ ||
      segment.birth_.inherited())
    return nullptr;
  return segment.weak_from_this().lock();
}

void SharedSegment::lent_by(std::weak_ptr<Lender> who, uint32_t number) {
  const MutexLock lock(all().mutex);
  // An earlier one of the same lender was never handed over.
  std::erase_if(lent_, [&](const Lent& lent) {
    return lent.who.expired() || (!lent.who.owner_before(who) && !who.owner_before(lent.who));
  });
  lent_.push_back({std::move(who), number});
}

SharedSegment::~SharedSegment() {
  std::vector<Lent> lent;
  if (is_listed_) {
    const MutexLock lock(all().mutex);
    all().by_address.erase(std::prev(all().place_of(data_)));
    all().count.fetch_sub(1, std::memory_order_relaxed);
    lent.swap(lent_);
  }
  if (keeps_descriptor_) all().give_back_descriptor();
  if (birth_.inherited()) {
    if (memory_) static_cast<void>(memory_->release());  // closed; and the lenders are the parent's
  } else {
    for (const Lent& l : lent) {
      if (const auto who = l.who.lock()) who->gone(id_, l.number);
    }
  }
  if (budget_) budget_->give_back(file_.bytes);
  if (data_) detail::let_go(data_, file_.bytes, &unmap);
}

}  // namespace tine::rpc
