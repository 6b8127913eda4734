// Rendezvous: how workers find each other: rank 0 keeps a register, everybody gets the list.
//
// State      Registering, listed, ready; or failed, for all, with one reason.
// Threads    enter and wait_ready by the one thread that starts the agent.
// Ordering   The list comes when all have registered; "ready" when all are connected to each other.
// Ownership  Uses the transport given, which must outlive it.
// Errors     A name or rank that is taken: ValueError to the newcomer naming both. Somebody is missing at the deadline:
//            DeadlineExceeded naming the ranks. Rank 0 not reachable, address in use: SystemError naming the address.
// Cost       Two round trips to rank 0.
// Source     docs/spec/agent.md, "Rendezvous".
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/rpc/transport/transport.h"

namespace tine::rpc {

struct Member {
  std::string name;
  int rank = 0;
  uint64_t incarnation = 0;
  std::string machine;       // equal for two workers that can use a unix socket between them
  std::string unix_address;  // empty: none
  std::string tcp_address;
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

// Equal on two processes that see each other's abstract unix sockets.
[[nodiscard]] std::string machine_identity();
// The address of this machine on the way to host:port ("127.0.0.1" for a loopback one).
[[nodiscard]] std::string local_host_towards(const std::string& tcp_address);

}  // namespace tine::rpc
