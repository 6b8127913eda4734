// MeetingFile: a file in which rank 0 says where it listens, for workers that share a file system: "file:///path", or
// "file:///path?host=node1" where rank 0 is to be reached at that host from other machines (docs/spec/agent.md, "Rendezvous").
//
// Rank 0 holds a lock on the file (fcntl(2), F_OFD_SETLK) as long as the file is valid, and removes it at the end. The lock goes with its
// process, so a file that nobody holds a lock on was left by a rank 0 that was killed: the next one takes it over, and nobody
// reads it. The file also has the incarnation of rank 0, which the handshake proves. Only an empty file, or one of an earlier
// rank 0, is taken over.
//
// One thread uses it. Each member throws SystemError with the path and the system's reason.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "src/base/forks.h"
#include "tine/executor.h"
#include "tine/timer.h"

namespace tine::rpc {

class MeetingFile {
 public:
  struct Entry {
    std::string address;
    uint64_t incarnation = 0;
  };
  [[nodiscard]] static bool is_one(const std::string& address) { return address.starts_with("file:"); }

  // ValueError for another address.
  explicit MeetingFile(const std::string& address);
  ~MeetingFile();
  MeetingFile(const MeetingFile&) = delete;
  MeetingFile& operator=(const MeetingFile&) = delete;

  [[nodiscard]] const std::string& host() const noexcept { return host_; }  // empty: this machine alone

  // Rank 0: the file is this one's. ValueError when another rank 0 has it, or when it holds something else.
  void take();
  void write(const Entry& entry);
  // The others: until rank 0 has written it. DeadlineExceeded that says what is there instead; Cancelled.
  [[nodiscard]] Entry wait(TimePoint deadline, double timeout_s, const std::function<bool()>& interrupted,
                           const std::function<void(const std::string&)>& log) const;

 private:
  [[nodiscard]] bool lock_and_check();
  [[nodiscard]] bool is_in_place() const;
  void close() noexcept;
  // False, and why.
  [[nodiscard]] bool read(Entry* entry, std::string* why) const;
  [[noreturn]] void fail(const char* what, int error) const;

  const Birth birth_;
  std::string path_, host_;
  int fd_ = -1;  // rank 0's, with the lock
};

}  // namespace tine::rpc
