// Membership: how workers come into a world that changes and go from it, as one of those who are there sees it, and how this
// worker comes and goes (docs/spec/agent.md, "Worlds that change"). A fixed world has one that does nothing.
//
//   a newcomer: expected, as rank 0 says; connected, once it has come; joined, as it says itself
// Its connection may come before rank 0's word, and waits for it for kWait; so it does for the end of who had its name or rank.
//
// Any thread may call any member but announce() and leave(), which wait, and are called by the one thread that starts the agent
// or shuts down. Newcomers are taken in on the loop's thread. The agent's parts outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/calls.h"
#include "src/rpc/links.h"
#include "src/rpc/server.h"
#include "src/rpc/waits.h"
#include "src/rpc/world.h"

namespace tine::rpc {

class Membership {
 public:
  // For a connection without rank 0's word.
  static constexpr std::chrono::seconds kWait{30};
  static constexpr size_t kMostWaiting = 256;

  struct Events {
    // Puts a newcomer into the world, and starts its connection. On the loop's thread.
    std::function<void(const Member&, detail::Ref<Connection>)> take_in;
    std::function<void(const Peer&)> joined;
  };
  // `log`, unless it is empty, is told of what takes long.
  Membership(World& world, Calls& calls, Server& server, Links& links, std::function<bool()> interrupted,
             std::function<void(const std::string&)> log, Events events);

  // `owner` keeps it alive.
  void share(std::weak_ptr<void> owner) { owner_ = std::move(owner); }
  // False: it is none of its own. Throws what is the answer.
  [[nodiscard]] bool serve_control(const detail::Ref<IncomingState>& call);

  // On rank 0: everybody is told of a newcomer, or that it does not come.
  void tell_expected(const Member& member) noexcept;
  void tell_forgotten(uint64_t incarnation) noexcept;
  // A worker has connected to this one.
  void arrived(detail::Ref<Connection> connection) noexcept;
  // A worker's end has been dealt with: its place is free.
  void place_is_free() noexcept { look_at(Clock::now()); }

  // This worker is connected to all: returns when all serve it and know that it is here.
  void announce(TimePoint deadline);
  // Returns when this worker may go: it has no calls under way, nor have others here; rank 0 is the last. DeadlineExceeded
  // that names those who hold it up.
  void leave(TimePoint deadline);
  void close() noexcept;

 private:
  struct Expected {
    Member member;
    TimePoint since;
  };
  struct Arrived {
    detail::Ref<Connection> connection;
    TimePoint since;
  };
  void expect(Member member);
  void forget(uint64_t incarnation) noexcept;
  void look_at(TimePoint when) noexcept;
  void look() noexcept;
  void look_or_throw();
  // The one that has its name or rank and is not gone altogether; null: nobody.
  [[nodiscard]] detail::Ref<Peer> in_place_of(const Member& member) const;
  void tell_all(const char* what, const std::vector<Value>& args) noexcept;
  // `during`: what the user has called, for errors.
  void ask_all(const char* what, const char* during, TimePoint deadline,
               const std::function<void(const Peer&, const Value& answer)>& answered = {},
               const std::function<bool(const Peer&)>& asks = {});
  // The others make no more calls to this worker, and those that they have made are answered.
  void take_leave(TimePoint deadline);
  void wait_until_idle(TimePoint deadline, bool own_only, LongWait* busy);
  // The calls of this worker, and unless `own_only` those of others here, that are under way: for people.
  [[nodiscard]] std::string under_way(bool own_only) const;
  void wait_until_last(TimePoint deadline);

  World& world_;
  Calls& calls_;
  Server& server_;
  Links& links_;
  const std::function<bool()> interrupted_;
  const std::function<void(const std::string&)> log_;
  const Events events_;
  std::weak_ptr<void> owner_;
  Mutex mutex_;
  bool closed_ TINE_GUARDED_BY(mutex_) = false;
  std::vector<Expected> expected_ TINE_GUARDED_BY(mutex_);
  std::vector<Arrived> arrived_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc
