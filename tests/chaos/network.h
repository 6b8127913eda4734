// Network: the in-process transport of a simulation, with faults.
//
// Its channels are those of the product's in-process transport. On the way each message is named and counted ("w1 -> w0
// lease"). At a message that the plan names, something happens: the connection is cut behind some bytes of it, a worker
// dies or is stopped, or nothing gets through any more. Besides, bytes are late and come in pieces. A direction keeps its order; what
// goes over different connections is reordered by being late.
//
// A worker that dies is cut off from all others, at once and for good. To them that is its death. What it does afterwards,
// alone, must end as well.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/rpc/transport/transport.h"
#include "tests/chaos/simulation.h"

namespace tine::chaos {

enum class Fault : uint8_t {
  kCut,      // the connection ends; what was written before it arrives
  kReset,    // the connection ends; what is under way is lost
  kSilence,  // nothing gets through either way, for a while or for ever
  kSenderDies,
  kReceiverDies,
  kSenderStops,  // for a while
  kReceiverStops,
};
[[nodiscard]] const char* name_of(Fault fault) noexcept;

struct Plan {
  struct Step {
    Fault fault = Fault::kCut;
    std::string message;  // its name begins with that; empty: any
    uint32_t count = 1;   // at the n-th of them, of all workers
    uint64_t bytes = 0;   // of it that get through, modulo its length and one
    Clock::duration time{};
  };
  std::vector<Step> steps;
  uint32_t late_one_in = 0;        // of writes; 0: none
  Clock::duration latest{};        // by so much at most
  uint32_t most_read_at_once = 0;  // 0: all that there is
};

class Network : public std::enable_shared_from_this<Network> {
 public:
  // Its own thread runs from begin() to end().
  Network(Simulation& simulation, Plan plan);
  ~Network();
  void begin();
  void end();

  // For that worker. Its number here is the test's: it may have any name and rank.
  [[nodiscard]] std::shared_ptr<const rpc::TransportFactory> factory(int worker);
  // Of that incarnation; -1: none.
  [[nodiscard]] int worker_of(uint64_t incarnation) const;

  // Who has been part of a fault so far.
  [[nodiscard]] const std::set<int>& touched() const noexcept { return touched_; }
  // Two workers that live may have lost each other.
  [[nodiscard]] bool parted() const noexcept { return parted_; }
  [[nodiscard]] bool is_dead(int worker) const noexcept { return dead_.contains(worker); }
  void kill(int worker);

 private:
  friend class FaultyChannel;
  friend class FaultyConnector;
  friend class FaultyTransport;
  friend class FaultyFactory;
  friend class FaultyListener;
  struct Switchboard;
  struct Wire;
  struct Wakeup {
    TimePoint when;
    std::weak_ptr<Wire> wire;
    int direction;
  };

  void deliver();
  void wake_at(TimePoint when, const std::shared_ptr<Wire>& wire, int direction);
  static void wake_reader(const std::shared_ptr<Wire>& wire, int direction);
  // Of a message that is about to be written. What happens at it, if anything.
  [[nodiscard]] const Plan::Step* at_message(int from, int to, const std::string& name);
  void happens(const Plan::Step& step, const std::shared_ptr<Wire>& wire, int direction);
  void cut(const std::shared_ptr<Wire>& wire, bool loses);
  void prune();

  Simulation& simulation_;
  Plan plan_;
  const std::shared_ptr<Switchboard> board_;
  std::vector<std::weak_ptr<Wire>> wires_;
  std::vector<Wakeup> wakeups_;
  std::set<int> touched_, dead_;
  std::map<uint64_t, int> workers_;  // by incarnation
  bool parted_ = false;
  bool ends_ = false;
  pthread_t thread_{};
};

}  // namespace tine::chaos
