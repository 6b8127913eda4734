// LentSegments: the SharedMemory of one connection: which segments its two ends have lent to each other, and the descriptors that
// go over its socket (docs/spec/shm.md, "Memory that is lent").
//
// own() comes first. look() reads the socket, bells and descriptors alike, for the loop's thread and for the holder of the
// reader role. close() and leave() are those of Channel. What is lent and what is borrowed have a lock each, and neither is held
// while a segment is let go of.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "src/base/forks.h"
#include "src/base/mutex.h"
#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/shared_memory.h"
#include "src/rpc/transport/shm/shared_segment.h"

namespace tine::rpc {

class LentSegments final : public SharedMemory,
                           public SharedSegment::Lender,
                           public std::enable_shared_from_this<LentSegments> {
 public:
  // What the worker may map; of that half for this connection. Of 0 everything is copied.
  explicit LentSegments(std::shared_ptr<MemoryBudget> budget);
  ~LentSegments();
  LentSegments(const LentSegments&) = delete;
  LentSegments& operator=(const LentSegments&) = delete;

  void own(int socket) noexcept;
  void watch(detail::Ref<ChannelEvents> events) noexcept;
  // What the caller lets go of, without a lock.
  [[nodiscard]] detail::Ref<ChannelEvents> unwatch() noexcept;
  // False: the socket is at its end.
  bool look() noexcept;
  void close() noexcept;
  void leave() noexcept TINE_NO_THREAD_SAFETY_ANALYSIS;

  std::optional<LentPlace> lend(std::span<const std::byte> bytes) noexcept override;
  std::optional<uint32_t> next_to_forget() noexcept override;
  detail::Ref<Buffer> borrow(const LentPlace& place, uint64_t bytes, Recycler& recycler,
                             std::string* bad) override;
  bool forget(uint64_t memory) noexcept override;
  bool forgotten(uint64_t memory) noexcept override;

 private:
  // Of the other side.
  struct Borrowed {
    std::shared_ptr<FileDescriptor> memory;  // null once it is mapped for this
    bool checked = false;
    SharedSegment::File file;
    std::shared_ptr<SharedSegment> mapped;  // for this
    // The process had it already. Only by its last tensor there, or by what mapped it, does it go: were it kept here, two
    // workers could keep it for each other.
    std::weak_ptr<SharedSegment> known;
  };

  // One that came and could not be taken.
  struct Lost {
    uint32_t number;
    int error;  // errno
  };

  void gone(uint64_t id, uint32_t number) noexcept override;
  [[nodiscard]] bool hand_over(int memory) const noexcept TINE_REQUIRES(lending_);
  bool look_locked() noexcept TINE_REQUIRES(borrowing_);
  void lose(uint32_t number, int error) noexcept TINE_REQUIRES(borrowing_);
  // Null: that one is not lost.
  [[nodiscard]] Lost* lost(uint64_t number) noexcept TINE_REQUIRES(borrowing_);
  // The mapping to use; null: there is none, or *bad says what is wrong with it.
  [[nodiscard]] std::shared_ptr<SharedSegment> open(Borrowed& what, std::string* bad)
      TINE_REQUIRES(borrowing_);

  const Birth birth_;
  const std::shared_ptr<MemoryBudget> budget_;

  Mutex lending_;
  int socket_to_ TINE_GUARDED_BY(lending_) = -1;
  std::map<uint64_t, uint32_t> lent_ TINE_GUARDED_BY(lending_);  // numbers by SharedSegment::id()
  std::vector<uint32_t> gone_ TINE_GUARDED_BY(lending_);         // still to be told
  std::vector<uint32_t> told_ TINE_GUARDED_BY(lending_);         // not yet answered
  uint32_t next_ TINE_GUARDED_BY(lending_) = 0;

  Mutex borrowing_;
  int socket_from_ TINE_GUARDED_BY(borrowing_) = -1;
  std::map<uint32_t, Borrowed> borrowed_ TINE_GUARDED_BY(borrowing_);
  uint32_t came_ TINE_GUARDED_BY(borrowing_) = 0;
  std::array<Lost, kMostLent> lost_ TINE_GUARDED_BY(borrowing_){};  // until they are forgotten
  size_t lost_count_ TINE_GUARDED_BY(borrowing_) = 0;

  Mutex watching_;
  detail::Ref<ChannelEvents> events_ TINE_GUARDED_BY(watching_);
};

}  // namespace tine::rpc
