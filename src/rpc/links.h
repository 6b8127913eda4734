// Links: how a worker comes to a connection to each of the others: its loop, its ways, the rendezvous.
//
// meet() is called once, by the thread that starts the agent; everything else by any thread. The connections that are made are
// the caller's. In a world that changes the listeners, and the register on rank 0, stay until close_listeners(). meet() throws what src/rpc/rendezvous.h says, DeadlineExceeded that names who did not connect, AuthError and
// SystemError. It costs two round trips to rank 0 and one connection to each worker. docs/spec/agent.md, "Rendezvous".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/meeting_file.h"
#include "src/rpc/rendezvous.h"
#include "src/rpc/transport/io_loop.h"
#include "src/rpc/transport/ways.h"

namespace tine::rpc {

class Links {
 public:
  struct Options {
    Identity identity;
    int rank = 0;
    int world_size = 1;  // 0: it changes
    std::string address;
    std::chrono::duration<double> timeout{60};
    TransportList transports;
    ConnectionOptions connection;
    std::chrono::microseconds polling{50};
    Timer* timer = nullptr;  // null: one of its own
    std::function<bool()> interrupted;
    std::function<void(const std::string&)> log;
    // In a world that changes: who connects to this worker once it is there.
    std::function<void(detail::Ref<Connection>)> on_arrival;
    // On rank 0 of one: OpenRegister::Options.
    std::function<void(const Member&)> expect;
    std::function<void(uint64_t incarnation)> forget;
  };
  // Once all have registered: the members by rank, and connections to all others in the same order, which it is to start.
  using Serve = std::function<void(const std::vector<Member>&, std::vector<detail::Ref<Connection>>)>;
  // In a world that changes, after that: returns when the others serve this worker.
  using Announce = std::function<void(TimePoint deadline)>;

  explicit Links(Options options);
  ~Links();
  // Returns when all workers serve.
  void meet(const Serve& serve, const Announce& announce);
  // On rank 0 of a world that changes; else null.
  [[nodiscard]] OpenRegister* open_register() const noexcept;

  // Made when it is first needed: a world of one has use for its timers only.
  [[nodiscard]] IoLoop& loop();
  // No more connections.
  void close_listeners() noexcept;
  // Stops the loop. When its thread is in something that does not end, that and `alive`, which owns this, are left
  // to themselves.
  void stop(std::chrono::milliseconds grace, std::shared_ptr<void> alive) noexcept;

 private:
  using Connections = std::vector<detail::Ref<Connection>>;
  void meet(Rendezvous& rendezvous, const Serve& serve, const Announce& announce, TimePoint deadline);
  // To those of `members` who live, which it leaves alone there.
  Connections connect_to(std::vector<Member>* members, Rendezvous& rendezvous, TimePoint deadline);
  [[nodiscard]] ConnectOptions connect_options(const Member& to, TimePoint deadline) const;
  [[nodiscard]] Ways::Way way_to(const Member& member) const;
  void accept(detail::Ref<Connection> connection);
  Connections connect_all(const std::vector<Member>& members, TimePoint deadline);
  // Puts those who have come to their ranks; true once none is missing.
  bool match(const std::vector<Member>& members, Connections* connections) TINE_REQUIRES(mutex_);

  const Options options_;
  Mutex mutex_;
  Condition changed_;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  Connections arrived_ TINE_GUARDED_BY(mutex_);  // connected to us, not yet matched to a worker
  std::unique_ptr<IoLoop> loop_ TINE_GUARDED_BY(mutex_);
  std::unique_ptr<Ways> ways_;
  std::unique_ptr<MeetingFile> file_;       // of rank 0, when the address is one
  std::unique_ptr<Rendezvous> rendezvous_;  // of rank 0, in a world that changes
};

}  // namespace tine::rpc
