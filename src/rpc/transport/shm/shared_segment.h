// SharedSegment: memory in a memfd that several processes map, for tensors that are used in place (docs/spec/shm.md, "Memory
// that is lent").
//
// make() makes one of this process, map() one of what another process has handed over. It stays mapped until the last
// shared_ptr to it goes, in a child of fork(2) as well; there it cannot be lent. The process has a list of its segments, by
// which those who send find out that bytes lie in one. With at least one segment a look into it costs a lock and a binary search,
// otherwise a load.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/base/forks.h"
#include "src/rpc/transport/shm/memory_budget.h"
#include "src/rpc/transport/stream/socket.h"

namespace tine::rpc {

class SharedSegment final : public std::enable_shared_from_this<SharedSegment> {
 public:
  // Which file it is, and how large. Two with the same device and inode are the same, as long as one is open or mapped.
  struct File {
    dev_t device = 0;
    ino_t inode = 0;
    size_t bytes = 0;
  };
  // One who has lent it.
  class Lender {
   public:
    // The last reference of this process is gone. On any thread, whatever locks it has.
    virtual void gone(uint64_t id, uint32_t number) noexcept = 0;

   protected:
    ~Lender() = default;
  };
  static constexpr size_t kLeastBytes = 4096;

  // Null: there is none, and the log has been told why, once.
  [[nodiscard]] static std::shared_ptr<SharedSegment> make(size_t bytes);
  // What is wrong with a descriptor that a peer has handed over, the end of a sentence; empty: nothing.
  [[nodiscard]] static std::string objection_to(int memory, File* file);
  // The one that has the file mapped already; null: none.
  [[nodiscard]] static std::shared_ptr<SharedSegment> known(const File& file) noexcept;
  // Null: it is not within the budget or cannot be mapped, and the log has been told, once.
  [[nodiscard]] static std::shared_ptr<SharedSegment> map(std::shared_ptr<FileDescriptor> memory,
                                                          const File& file,
                                                          std::shared_ptr<MemoryBudget> budget);
  // The one that these bytes lie in, if it can be lent; null: none.
  [[nodiscard]] static std::shared_ptr<SharedSegment> around(std::span<const std::byte> bytes) noexcept;

  ~SharedSegment();
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] size_t size() const noexcept { return file_.bytes; }
  // Only of one that around() gave.
  [[nodiscard]] int descriptor() const noexcept { return memory_->get(); }
  // Null where the process keeps enough of them.
  [[nodiscard]] const std::shared_ptr<FileDescriptor>& memory() const noexcept { return memory_; }
  [[nodiscard]] uint64_t id() const noexcept { return id_; }  // no other one of this process ever has it
  // Tells `who` of its end.
  void lent_by(std::weak_ptr<Lender> who, uint32_t number);

 private:
  struct Lent {
    std::weak_ptr<Lender> who;
    uint32_t number;
  };
  struct All;
  struct OfProcess;
  static OfProcess of_process_;
  static All& all() noexcept;
  static const int held_by_forks;

  SharedSegment() noexcept;
  // Maps memory_, and puts this into the list. False, with errno: that failed.
  [[nodiscard]] bool open_up(const File& file);
  [[nodiscard]] static std::shared_ptr<SharedSegment> fresh();

  const Birth birth_;
  const uint64_t id_;
  std::shared_ptr<FileDescriptor> memory_;
  bool keeps_descriptor_ = false;  // and that is counted
  File file_;
  std::byte* data_ = nullptr;
  bool is_listed_ = false;
  std::shared_ptr<MemoryBudget> budget_;  // from which file_.bytes were taken; null: none
  std::vector<Lent> lent_;                // guarded by the lock of all()
};

}  // namespace tine::rpc
