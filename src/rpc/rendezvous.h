// Rendezvous: how workers find each other. Rank 0 keeps a register; everybody gets the list of all.
//
//   registering -> listed, once all have registered -> ready, once all are connected to each other
//   any of them -> failed, for all, with one reason
// The one thread that starts the agent calls enter() and wait_ready(). They throw ValueError for a name or rank that is taken,
// which names both workers, DeadlineExceeded that names the ranks that are missing, and SystemError that names the address
// when rank 0 cannot be reached or the address is in use. The transport must outlive the rendezvous. It costs two
// round trips to rank 0. docs/spec/agent.md, "Rendezvous".
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/rpc/transport/ways.h"

namespace tine::rpc {

struct Member {
  std::string name;
  int rank = 0;
  uint64_t incarnation = 0;
  std::vector<Address> addresses;
};

struct RendezvousOptions {
  Member self;
  int world_size = 1;
  std::string address;
  TimePoint deadline = kNoDeadline;
  double timeout_s = 0;               // for messages
  std::function<bool()> interrupted;  // polled every 100 ms
  std::function<void(const std::string&)> log;
  ConnectionOptions connection;
};

class Rendezvous {
 public:
  // Rank 0 listens from here on.
  Rendezvous(Transport& transport, RendezvousOptions options);
  ~Rendezvous();
  Rendezvous(const Rendezvous&) = delete;
  Rendezvous& operator=(const Rendezvous&) = delete;

  // All members, by rank.
  [[nodiscard]] std::vector<Member> enter();
  // This worker is connected to all; returns when every worker has said so.
  void wait_ready();
  // This worker gives up: on rank 0 the others are told why.
  void fail(const std::string& reason) noexcept;

 private:
  class Register;
  class Session;
  class Client;
  template <class T>
  T wait(const Future<T>& future, const char* what);

  Transport& transport_;
  const RendezvousOptions options_;
  detail::Ref<Register> register_;  // rank 0
  detail::Ref<Listener> listener_;
  detail::Ref<Client> client_;  // the others
};

// Calls slice(until) until it says true; false when the deadline passed first. Asks between slices of 100 ms at
// most whether to go on: Cancelled is thrown when not.
template <class Slice>
bool wait_interruptible(TimePoint deadline, const std::function<bool()>& interrupted, const char* what,
                        Slice slice) {
  for (;;) {
    const TimePoint now = Clock::now();
    if (slice(std::min(deadline, now + std::chrono::milliseconds(100)))) return true;
    if (interrupted && interrupted()) throw Cancelled(std::string(what) + " was interrupted");
    if (Clock::now() >= deadline) return false;
  }
}

}  // namespace tine::rpc
