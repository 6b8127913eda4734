// Rendezvous: how workers find each other. Rank 0 keeps a register; everybody gets the list of all.
//
//   registering -> listed, once all have registered -> ready, once all are connected to each other
//   any of them -> failed, for all, with one reason
// In a world that changes one worker does so at a time, "all" are those who are there, and it fails for itself alone. Rank 0 is
// there at once, and its rendezvous lasts as long as it does: it keeps the register.
//
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

#include "src/rpc/register.h"
#include "src/rpc/transport/ways.h"

namespace tine::rpc {

struct RendezvousOptions {
  Member self;
  int world_size = 1;  // 0: it changes
  // For rank 0 of a world that changes.
  OpenRegister::Options open;
  // That of rank 0, where it is known beforehand; else 0.
  uint64_t expected_incarnation = 0;
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

  // All members, by rank. In a world that changes: those who are there, and this one, whose rank is known now.
  [[nodiscard]] std::vector<Member> enter();
  // This worker is connected to all; returns when every worker has said so.
  void wait_ready();
  // This worker gives up: on rank 0 the others are told why.
  void fail(const std::string& reason) noexcept;
  // In a world that changes, of those who are not rank 0: whether that life is still a member's.
  [[nodiscard]] bool has(uint64_t incarnation);
  // On rank 0 of a world that changes; null elsewhere.
  [[nodiscard]] OpenRegister* open_register() const noexcept { return open_.get(); }
  // Where rank 0 listens, with the real port.
  [[nodiscard]] std::string listens_at() const { return listener_ ? listener_->address() : std::string(); }

 private:
  class Session;
  class Client;
  template <class T>
  T wait(const Future<T>& future, const char* what);

  Transport& transport_;
  const RendezvousOptions options_;
  detail::Ref<FixedRegister> fixed_;  // rank 0 has one of the two
  detail::Ref<OpenRegister> open_;
  detail::Ref<Register> register_;  // the same
  detail::Ref<Listener> listener_;
  detail::Ref<Client> client_;  // the others
};

}  // namespace tine::rpc
