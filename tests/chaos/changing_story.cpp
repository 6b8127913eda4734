#include "tests/chaos/changing_story.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/chaos/cast.h"

namespace tine::chaos {
namespace {

using namespace std::chrono_literals;
using rpc::WorkerInfo;

// One 0 keeps the register. The others come when they like, some in the place of another.
class ChangingStory final : public Cast {
 public:
  ChangingStory(Simulation& simulation, const Plan& plan, Outcome& outcome)
      : Cast(simulation, plan, outcome, true) {
    const int size = 3 + static_cast<int>(simulation_.pick(4));
    for (int i = 0; i < size; ++i) {
      ones_.push_back(std::make_unique<One>(*this, i));
      views_.push_back(std::make_unique<View>());
      One& one = *ones_.back();
      if (i > 0 && simulation_.one_in(2)) one.rank = -1;
      if (i > 1 && simulation_.one_in(3))
        follow(one, 1 + static_cast<int>(simulation_.pick(static_cast<uint32_t>(i - 1))));
    }
  }

 private:
  // What a worker was told by its hooks: 1 for each join of that worker, -1 for each loss.
  struct View {
    std::mutex mutex;
    std::map<std::pair<std::string, int>, std::vector<int>> told;
    std::optional<WorkerInfo> newest;
    TimePoint began = kNoDeadline, joined{};  // its start
    int follows = -1;
    TimePoint gone = kNoDeadline;  // altogether: its shutdown has returned, or its start failed
    [[nodiscard]] bool has_gone() const { return gone != kNoDeadline; }
  };

  View& view_of(const One& one) { return *views_[static_cast<size_t>(one.index)]; }
  static std::pair<std::string, int> key_of(const WorkerInfo& w) { return {w.name, w.id}; }
  static bool lists(const One& one, const One& other) {
    const auto list = one.agent->workers();
    return std::any_of(list.begin(), list.end(), [&](const WorkerInfo& w) { return w.name == other.name; });
  }
  // It has joined, and nothing is known against it. A rank 0 that has been cut off or stopped may have lost anybody.
  [[nodiscard]] bool is_there(const One& one) const {
    if (network_->parted() && network_->touched().contains(0)) return false;
    return one.started && !one.leaves && !network_->touched().contains(one.index);
  }

  // It comes when that one has gone, by its name, its rank or both.
  void follow(One& one, int other) {
    const One& before = *ones_[static_cast<size_t>(other)];
    view_of(one).follows = other;
    const uint32_t what = simulation_.pick(3);
    if (what != 0) one.name = before.name;
    if (what != 1) one.rank = before.rank;
  }

  // ValueError for one that has gone and is forgotten.
  Callee callee(One& one, int rank) {
    auto peer = one.agent->find(rank);
    const int index = network_->worker_of(peer->incarnation);
    return {std::move(peer), index};
  }
  Callee anybody(One& one) override {
    for (;;) {
      const auto list = one.agent->workers();
      // Itself, when it is alone or has ended.
      const WorkerInfo info =
          list.empty() ? one.agent->self() : list[simulation_.pick(static_cast<uint32_t>(list.size()))];
      try {
        return callee(one, info.id);
      } catch (const ValueError&) {
        // It has gone meanwhile.
      }
    }
  }

  void live(One& one) override {
    wait_for_its_time(one);
    join(one);
    if (one.agent) {
      const uint32_t steps = 2 + simulation_.pick(9);
      const uint32_t leaves_at =
          simulation_.one_in(one.index == 0 ? 12 : 2) ? simulation_.pick(steps) : steps;
      for (uint32_t i = 0; i < steps && !one.leaves; ++i) {
        if (i == leaves_at) {
          leave(one);
        } else {
          // Spread out, so that others come and go meanwhile.
          if (simulation_.one_in(2))
            wait_for_the_newest(one, std::chrono::microseconds(simulation_.pick(10'000)));
          introduce_the_newest(one);
          step(one);
          if (simulation_.one_in(4)) look_at_the_list(one);
        }
      }
    }
    if (!one.agent || one.agent->closed()) view_of(one).gone = simulation_.now();
    simulation_.wake(&view_of(one));
    if (one.agent) settle(one, 0);
    meet(one, settled_);
    answer_late(one);
    let_go(one);
    meet(one, let_go_);
    if (one.agent && !one.leaves && !network_->is_dead(one.index)) {
      see_that_nothing_is_left(one);
      see_that_it_knows_who_is_there(one);
    }
    meet(one, looked_);
    if (one.agent && !one.leaves) end(one);
  }

  void wait_for_the_newest(One& one, Clock::duration time) {
    View& view = view_of(one);
    const TimePoint until = simulation_.now() + time;
    {
      const std::lock_guard lock(view.mutex);
      if (view.newest) return;
    }
    (void)simulation_.wait(&view.newest, until);
  }

  // Makes values on the worker that has come last, and passes their references on at once: whoever gets one is to know that worker,
  // though the news of it may be late.
  void introduce_the_newest(One& one) {
    std::optional<WorkerInfo> newest;
    {
      View& view = view_of(one);
      const std::lock_guard lock(view.mutex);
      newest = std::exchange(view.newest, std::nullopt);
    }
    if (!newest) return;
    try {
      const Callee owner = callee(one, newest->id);
      for (const WorkerInfo& w : one.agent->workers()) {
        if (w.id != newest->id && w.id != one.agent->self().id) pass_on_from(one, owner, callee(one, w.id));
      }
    } catch (const ValueError&) {
      // It has gone.
    }
  }

  void wait_for_its_time(One& one) {
    if (one.index != 0 && simulation_.one_in(2))
      simulation_.sleep(std::chrono::microseconds(simulation_.pick(40'000)));
    const int other = view_of(one).follows;
    if (other < 0) return;
    // One that has died by a fault does not go: then this one is refused, or comes after the news of its end.
    const View& before = *views_[static_cast<size_t>(other)];
    const TimePoint until = simulation_.now() + 3s;
    while (!before.has_gone() && simulation_.now() < until) (void)simulation_.wait(&before, until);
  }

  void join(One& one) {
    View& view = view_of(one);
    view.began = simulation_.now();
    within(
        one, "joining", kStart,
        [&] {
          start(one, [&](rpc::AgentOptions& o) {
            o.world_size = 0;
            o.on_worker_joined = [this, &view](const WorkerInfo& w) {
              const std::lock_guard lock(view.mutex);
              view.told[key_of(w)].push_back(1);
              view.newest = w;
              simulation_.wake(&view.newest);
            };
            o.on_worker_lost = [&view](const WorkerInfo& w, const std::exception_ptr&) {
              const std::lock_guard lock(view.mutex);
              view.told[key_of(w)].push_back(-1);
            };
          });
          view.joined = simulation_.now();
          ++outcome_.joined;
          see_that_they_know_each_other(one);
        },
        [&](const std::string& text) {
          if (text.find("is not unique") != std::string::npos) return had_a_rival(one);
          return !touched().empty();
        });
  }

  // Somebody had its name or its rank when it came, as far as rank 0 could know.
  bool had_a_rival(const One& one) {
    return std::any_of(ones_.begin(), ones_.end(), [&](const auto& other) {
      if (other.get() == &one) return false;
      if (view_of(*other).gone <= view_of(one).began && !network_->touched().contains(other->index))
        return false;
      if (other->name == one.name) return true;
      // Whoever takes any rank, and has not come yet, may have been given that one.
      const int rank = other->agent ? other->agent->self().id : other->rank;
      return one.rank >= 0 && (rank == one.rank || rank < 0);
    });
  }

  void see_that_they_know_each_other(One& one) {
    for (const auto& other : ones_) {
      if (other.get() == &one || !is_there(*other)) continue;
      if (!lists(one, *other) && is_there(*other) && is_there(one))
        wrong(fmt::format("w{} has joined and does not know w{}", one.index, other->index));
      if (!lists(*other, one) && is_there(*other) && is_there(one))
        wrong(fmt::format("w{} has joined, and w{} does not know it", one.index, other->index));
    }
    look_at_the_list(one);
  }

  void look_at_the_list(One& one) {
    std::set<std::string> names;
    std::set<int> ranks;
    for (const WorkerInfo& w : one.agent->workers()) {
      if (!names.insert(w.name).second || !ranks.insert(w.id).second)
        wrong(fmt::format("w{} lists '{}' (rank {}) twice, or another of its name or rank", one.index, w.name,
                          w.id));
    }
  }

  void leave(One& one) {
    const bool in_order = !simulation_.one_in(4);
    simulation_.trace(fmt::format("** w{} leaves{}", one.index, in_order ? " in order" : ""));
    left_.insert(one.index);
    ++outcome_.left;
    {
      const std::lock_guard lock(one.mutex);
      one.leaves = true;
      one.leaves_in_order = in_order;
    }
    answer_late(one);
    if (!in_order) {
      within(one, "leaving", 0s, [&] { one.agent->shutdown(false); });
      return;
    }
    leave_in_order(one, "leaving");
  }

  void leave_in_order(One& one, const char* what) {
    const auto excused = [&](const std::string&) {
      // Rank 0 is the last to leave, and says who is still there.
      return one.index == 0 || !network_->touched().empty();
    };
    if (!within(
            one, what, kEnd, [&] { one.agent->shutdown(true, kEnd); }, excused))
      return;
    if (one.index != 0 || !network_->touched().empty()) return;
    for (const auto& other : ones_) {
      if (other.get() != &one && other->started && !other->leaves)
        wrong(fmt::format("rank 0 has left in order, and w{} is there", other->index));
    }
  }

  // Whoever lives is in its list; who has left or died is not, once its end is known.
  void see_that_it_knows_who_is_there(One& one) {
    const TimePoint bound = simulation_.now() + kLetGo;
    std::string what = "?";
    Clock::duration pause = 100us;
    while (!(what = what_it_does_not_know(one)).empty()) {
      if (simulation_.now() > bound) return wrong(fmt::format("w{} {}", one.index, what));
      simulation_.sleep(pause);
      pause *= 2;
    }
  }

  std::string what_it_does_not_know(One& one) {
    View& view = view_of(one);
    std::set<std::pair<std::string, int>> list;
    for (const WorkerInfo& w : one.agent->workers()) list.insert(key_of(w));
    for (const auto& other : ones_) {
      if (!other->started) continue;
      const auto key = key_of(other->agent->self());
      const bool has_ended = other->leaves || network_->is_dead(other->index);
      const bool is_anothers = std::any_of(ones_.begin(), ones_.end(), [&](const auto& o) {
        return o != other && o->started && key_of(o->agent->self()) == key;
      });
      if (has_ended && !is_anothers && list.contains(key))
        return fmt::format("still lists '{}' (rank {}), who has gone", key.first, key.second);
      // Those who have lost each other go on without. So do those who came when rank 0 had lost one of them.
      if (!has_ended && !list.contains(key) && !network_->parted())
        return fmt::format("does not list '{}' (rank {})", key.first, key.second);
    }
    const std::lock_guard lock(view.mutex);
    for (const auto& key : list) view.told[key];
    for (const auto& [key, events] : view.told) {
      if (key == key_of(one.agent->self())) continue;
      int known = 0;
      for (size_t i = 0; i < events.size(); ++i) {
        if (i > 0 && events[i] == events[i - 1])
          return fmt::format("was told twice in a row that '{}' has {}", key.first,
                             events[i] > 0 ? "joined" : "gone");
        known += events[i];
      }
      const int now = list.contains(key) ? 1 : 0;
      // Of one that was there when this one came only the loss is told. Its own start may have failed since.
      const bool was_there = std::any_of(ones_.begin(), ones_.end(), [&](const auto& other) {
        return other->name == key.first && view_of(*other).began < view.joined;
      });
      if (known != now && !(was_there && known == now - 1))
        return fmt::format("was told of '{}' {} times, and lists it {} times", key.first, known, now);
    }
    return {};
  }

  void end(One& one) {
    {
      const std::lock_guard lock(one.mutex);
      one.leaves = true;
    }
    leave_in_order(one, "shutdown");
  }

  std::vector<std::unique_ptr<View>> views_;
  size_t settled_ = 0, let_go_ = 0, looked_ = 0;
};

}  // namespace

void tell_of_changes(Simulation& simulation, const Plan& plan, Outcome& outcome) {
  ChangingStory(simulation, plan, outcome).run();
}

}  // namespace tine::chaos
