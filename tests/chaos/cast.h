// Cast: the workers of a story, what their programs do to each other, and what must hold of their calls and references (story.h
// has the list). The stories of a fixed world and of one that changes say who comes and goes when.
//
// A worker is a One. Its index is that of the network and lasts; its name and rank may be another's later. A call and a
// reference remember, one bit for each index, through whom they go: a fault there may fail them.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/rpc/agent.h"
#include "src/rpc/peer.h"
#include "tests/chaos/crew.h"
#include "tests/chaos/network.h"
#include "tests/chaos/simulation.h"
#include "tests/chaos/story.h"

namespace tine::chaos {

class Cast {
 public:
  static constexpr std::chrono::seconds kStart{20}, kCall{30}, kEnd{10};
  // docs/spec/agent.md: shutdown ends within 5 s of its timeout; so does the start.
  static constexpr std::chrono::seconds kBound{5};
  static constexpr std::chrono::seconds kLetGo{60}, kLongestStop{20};

  Cast(Simulation& simulation, Plan plan, Outcome& outcome, bool changes);
  virtual ~Cast() = default;
  Cast(const Cast&) = delete;
  Cast& operator=(const Cast&) = delete;

  void run();

 protected:
  // A reference that a worker holds, what it leads to, and through whom it came: its owner, its creator and all who passed it on.
  struct Held {
    detail::Ref<rpc::Reference> reference;
    int64_t number = 0;  // negative: its creation fails
    int64_t through = 0;
  };
  struct Call {
    int64_t id = 0;
    int from = 0, to = 0;
    std::string what;
    Future<Value> future;
    bool may_be_late = false, cancelled = false;
    int64_t through = 0;                            // whom a fault must have touched for it to fail
    std::function<std::string(const Value&)> look;  // what is wrong with its value; empty: nothing
    std::string error;                              // it must fail, and say this
  };
  struct One final : rpc::Handler {
    One(Cast& c, int i) : cast(c), index(i), name(std::string(1, 'w') + std::to_string(i)), rank(i) {}
    void handle(rpc::IncomingCall call) override { cast.handle(*this, std::move(call)); }
    Cast& cast;
    const int index;
    std::string name;
    int rank;
    Crew crew;
    std::unique_ptr<rpc::Agent> agent;
    std::mutex mutex;
    std::vector<Held> bag;
    std::vector<rpc::IncomingCall> late;
    std::vector<Call> calls;
    bool started = false;
    bool leaves = false, leaves_in_order = false;  // it has begun to
    bool lets_go = false;
  };
  struct Callee {
    detail::Ref<rpc::Peer> peer;
    int index = -1;
  };

  // Everything that happens to that worker, on a thread of its own.
  virtual void live(One& one) = 0;
  [[nodiscard]] virtual Callee anybody(One& one) = 0;

  void wrong(std::string what);
  // Who has been part of a fault, or has left before the end.
  [[nodiscard]] std::set<int> touched() const;
  [[nodiscard]] bool is_touched(int64_t through) const;
  [[nodiscard]] static int64_t bit(int index) { return int64_t{1} << index; }

  void start(One& one, const std::function<void(rpc::AgentOptions&)>& more = {});
  void step(One& one);
  // Makes a reference to a value of `owner` and passes it to `to`.
  void pass_on_from(One& one, const Callee& owner, const Callee& to);
  // Waits for its calls, but for the last `but`.
  void settle(One& one, size_t but);
  void answer_late(One& one);
  void let_go(One& one);
  void see_that_nothing_is_left(One& one);
  // All workers are here.
  void meet(One& one, size_t& here);
  // Runs it, and sees to it that it ends in time and fails only if `excused()`, and then with words. False: it failed.
  bool within(One& one, const char* what, Clock::duration bound, const std::function<void()>& work,
              const std::function<bool(const std::string& error)>& excused);
  bool within(One& one, const char* what, Clock::duration bound, const std::function<void()>& work) {
    return within(one, what, bound, work, [this](const std::string&) { return !touched().empty(); });
  }

  Simulation& simulation_;
  const std::shared_ptr<Network> network_;
  Outcome& outcome_;
  const bool changes_;
  const std::shared_ptr<const rpc::Secret> secret_;
  const bool polls_;
  bool hurries_ = false;  // they end while calls run
  std::vector<std::unique_ptr<One>> ones_;
  std::set<int> left_;
  int started_ = 0;

 private:
  void handle(One& one, rpc::IncomingCall call);
  [[nodiscard]] std::optional<Held> some(One& one);
  [[nodiscard]] size_t padding();
  void begin(One& one, Call call, const std::function<Future<Value>(TimePoint)>& make);
  void begin(One& one, Call call, const Callee& to, rpc::CallRequest request);
  bool create(One& one, int64_t id, const Callee& owner);
  void fetch(One& one, Call call);
  void pass_on(One& one, Call call, const Held& held, const Callee& to);
  void drop(One& one);
  void check(const Call& call);

  std::map<int64_t, int> ran_, ended_;
  std::vector<Future<void>> then_;
  int64_t last_id_ = 100;
};

}  // namespace tine::chaos
