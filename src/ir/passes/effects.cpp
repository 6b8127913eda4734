#include "src/ir/passes/effects.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "src/ir/passes/places.h"
#include "src/ir/walk.h"

namespace tine::ir {
namespace {

using namespace places;

// Whether the value is another one in each turn of a loop.
using Inside = std::function<bool(const Def*)>;

bool same(const Index& a, const Index& b, const Inside& changes) {
  if (!a.known() || a != b) return false;
  return !a.def || !changes(a.def);
}

// Whether two parts of one thing may overlap. What cannot be told does not.
bool overlap(const Part& a, const Part& b, const Inside& changes) {
  if (a.dim != b.dim) return true;
  if (!a.range && !b.range) return same(a.from, b.from, changes);
  const auto bounds = [](const Part& p) -> std::optional<std::pair<int64_t, int64_t>> {
    const auto from = number(p.from);
    if (!from || *from < 0) return std::nullopt;
    if (!p.range) return std::pair(*from, *from);
    const auto to = number(p.to);
    if (!to || *to < 0) return std::nullopt;
    return std::pair(*from, *to - 1);
  };
  const auto x = bounds(a), y = bounds(b);  // the first and the last
  if (x && y) return std::max(x->first, y->first) <= std::min(x->second, y->second);
  return a.range && b.range && same(a.from, b.from, changes) && same(a.to, b.to, changes);
}

// The tasks that run at each node, and what they and the node do to one place.
class Search {
 public:
  explicit Search(Analysis& of) : of_(of) {}

  std::vector<Race> run(const Graph& graph) {
    Running running;
    walk(graph.root(), &running);
    return std::move(races_);
  }

 private:
  struct Task {
    const Node* fork;
    std::vector<Access> accesses;
    std::vector<const Node*> turns;  // the loops in an earlier turn of which it was forked
  };
  using Running = std::vector<Task>;

  void walk(const Block& b, Running* running) {
    for (const Node* n : b.nodes) {
      if (n->kind == Kind::kIf) {
        Running then = *running, otherwise = *running;
        walk(*n->blocks[0], &then);
        walk(*n->blocks[1], &otherwise);
        if (n->blocks[0]->ends_in_exit()) then.clear();
        if (n->blocks[1]->ends_in_exit()) otherwise.clear();
        for (Task& task : otherwise) {
          const bool there = std::any_of(then.begin(), then.end(), [&](const Task& t) {
            return t.fork == task.fork && t.turns == task.turns;
          });
          if (!there) then.push_back(std::move(task));
        }
        *running = std::move(then);
        continue;
      }
      if (n->kind == Kind::kLoop) {
        const Running before = *running;
        walk(*n->blocks[0], running);
        // Again, beside the tasks of the turn before.
        for (Task& task : *running) {
          const bool older = std::any_of(before.begin(), before.end(), [&](const Task& t) {
            return t.fork == task.fork && t.turns == task.turns;
          });
          if (!older) task.turns.push_back(n);
        }
        // Tasks of one turn of a loop inside it and accesses of another have been compared in the first of its own turns.
        if (repeating_) continue;
        Running again = *running;
        repeating_ = true;
        walk(*n->blocks[0], &again);
        repeating_ = false;
        continue;
      }
      const bool waits = (n->kind == Kind::kOp && n->op->traits.suspends) || n->kind == Kind::kCallFunction ||
                         n->kind == Kind::kCallMethod;
      if (waits && !running->empty()) ended(*n, running);
      if (running->empty() && n->kind != Kind::kFork) continue;
      std::vector<Access> now = of_.accesses(*n);
      for (const Task& task : *running) compare(task, *n, now);
      if (n->kind == Kind::kFork) running->push_back({n, std::move(now), {}});
    }
  }

  // The tasks whose Futures may be waited for.
  void ended(const Node& n, Running* running) {
    Locs waited;
    for (const Def* def : n.inputs) waited.merge(of_.reach(of_.own(def)));
    std::erase_if(*running, [&](const Task& task) {
      return std::any_of(waited.begin(), waited.end(), [&](const Loc* loc) {
        const Loc* const root = loc->root();
        return root->kind == Loc::kFresh && root->node == task.fork;
      });
    });
  }

  static bool is_in(const Node* node, const Node* loop) {
    for (const Block* at = node ? node->owner : nullptr; at && at->owner; at = at->owner->owner) {
      if (at->owner == loop) return true;
    }
    return false;
  }

  bool meet(const Loc* a, const Loc* b, const Task& task) {
    const auto in_turn = [&](const Node* node) {
      return std::any_of(task.turns.begin(), task.turns.end(),
                         [&](const Node* loop) { return is_in(node, loop); });
    };
    const Inside changes = [&](const Def* def) {
      if (def->node) return in_turn(def->node);
      return def->block && def->block->owner &&
             std::any_of(task.turns.begin(), task.turns.end(), [&](const Node* loop) {
               return def->block->owner == loop || is_in(def->block->owner, loop);
             });
    };
    std::vector<const Loc*> x, y;
    for (const Loc* at = a; at; at = at->base) x.push_back(at);
    for (const Loc* at = b; at; at = at->base) y.push_back(at);
    std::reverse(x.begin(), x.end());
    std::reverse(y.begin(), y.end());
    if (x[0] != y[0] || (x[0]->kind == Loc::kFresh && in_turn(x[0]->node))) return false;
    for (size_t i = 1;; ++i) {
      // A part of something and the whole of it, but an attribute and what has it are two things.
      if (i == x.size() && i == y.size()) return true;
      if (i == x.size()) return y[i]->kind == Loc::kPart;
      if (i == y.size()) return x[i]->kind == Loc::kPart;
      if (x[i]->kind == Loc::kPart && y[i]->kind == Loc::kPart) {
        if (!overlap(x[i]->part, y[i]->part, changes)) return false;
      } else if (x[i]->kind == Loc::kPart || y[i]->kind == Loc::kPart) {
        // Contents of the whole, and of a part.
        return true;
      } else if (x[i] != y[i] && !(x[i]->kind == y[i]->kind && x[i]->field == y[i]->field)) {
        return false;
      }
    }
  }

  void compare(const Task& task, const Node& n, const std::vector<Access>& now) {
    for (const Access& theirs : task.accesses) {
      for (const Access& ours : now) {
        if ((!theirs.write && !ours.write) || !meet(theirs.loc, ours.loc, task)) continue;
        Race race;
        race.fork = task.fork->span;
        race.task_writes = theirs.write;
        race.other_writes = theirs.write && ours.write;
        race.other_task = n.kind == Kind::kFork;
        race.write = theirs.write ? theirs.place : ours.place;
        race.other = theirs.write ? ours.place : theirs.place;
        const std::string text = race.message();
        if (races_.size() < 20 && told_.insert(text).second) races_.push_back(std::move(race));
        return;  // one of a task and a node is enough
      }
    }
  }

  Analysis& of_;
  bool repeating_ = false;  // inside the second turn of a loop, where the loops in it are walked once
  std::vector<Race> races_;
  std::set<std::string> told_;
};

bool forks(const Graph& graph) {
  return any_node(graph.root(), [](const Node& node) { return node.kind == Kind::kFork; });
}

}  // namespace

std::string Race::message() const {
  const auto at = [](const SourceSpan& place) {
    return place.known() ? place.str() : std::string("an unknown place");
  };
  const std::string_view task = "the task that is forked here";
  const std::string_view other = other_task ? "another task" : task_writes ? "its forker" : "the forker";
  const std::string_view advice = "wait for it first, or give it a copy (`x.clone()`)";
  if (task_writes) {
    return fmt::format("a race: {} writes at {} to what {} {} at {} before the task is waited for; {}", task,
                       at(write), other, other_writes ? "writes to" : "reads", at(this->other), advice);
  }
  return fmt::format("a race: {} writes at {} to what {} reads at {} and is not waited for before; {}", other,
                     at(write), task, at(this->other), advice);
}

std::vector<Race> find_races(const Graph& graph, const GraphNamed& graph_named) {
  if (!forks(graph)) return {};
  World world(graph_named);
  Analysis own(graph, world);
  own.run();
  return Search(own).run(graph);
}

std::vector<std::string> summary_of(const Graph& graph, const GraphNamed& graph_named) {
  World world(graph_named);
  std::set<std::string> out;
  for (const Access& access : world.summary(graph).accesses)
    out.insert(fmt::format("{} {}", access.write ? "writes" : "reads", text_of(access.loc)));
  return {out.begin(), out.end()};
}

}  // namespace tine::ir
