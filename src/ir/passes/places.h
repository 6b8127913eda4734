// Places in memory that a function reaches, what its values may be of them, and what it reads and writes there (effects.h says
// what is taken for the same).
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "src/ir/graph.h"
#include "src/ir/passes/effects.h"

namespace tine::ir::places {

// A number or a key in a subscript: what it is, the value it comes from, or neither.
struct Index {
  std::string constant;
  const Def* def = nullptr;
  bool operator==(const Index&) const = default;
  auto operator<=>(const Index&) const = default;
  [[nodiscard]] bool known() const noexcept { return def || !constant.empty(); }
};

// A part of a Tensor along one dimension, or an element of a container (dimension kElement).
constexpr int64_t kElement = -1000;
struct Part {
  int64_t dim = kElement;
  bool range = false;
  Index from, to;
  auto operator<=>(const Part&) const = default;
};

struct Loc {
  enum Kind : uint8_t { kInput, kFresh, kContents, kField, kPart } kind = kInput;
  const Loc* base = nullptr;
  int input = 0;
  const Node* node = nullptr;  // of kFresh
  std::string field = {};
  Part part = {};

  [[nodiscard]] const Loc* root() const noexcept {
    const Loc* at = this;
    while (at->base) at = at->base;
    return at;
  }
};
using Locs = std::set<const Loc*>;

struct Access {
  const Loc* loc;
  bool write;
  SourceSpan place;
};

// What a function does to what it is given, and what comes out of it.
struct Summary {
  std::vector<Access> accesses;
  Locs result, inside;  // what the result may be, and what it may hold
};

class Analysis;

// All functions that were looked at, and the locations of each.
class World {
 public:
  explicit World(const GraphNamed& graph_named) : graph_named_(graph_named) {}
  ~World();
  const Summary& summary(const Graph& graph);
  const Summary* summary(const std::string& name) {
    const Graph* const graph = graph_named_(name);
    return graph ? &summary(*graph) : nullptr;
  }

 private:
  const GraphNamed& graph_named_;
  std::unordered_map<const Graph*, std::unique_ptr<Analysis>> done_;
};

// What one function may do to the places that it reaches.
class Analysis {
 public:
  Analysis(const Graph& graph, World& world) : graph_(graph), world_(world) {}

  void run();
  Summary summary;

  // What the value may be.
  const Locs& own(const Def* def) { return own_[def]; }
  // All that can be reached, at most some steps deep.
  Locs reach(const Locs& from);
  // What the node reads and writes.
  std::vector<Access> accesses(const Node& n);

 private:
  const Loc* intern(const Loc& loc);
  const Loc* fresh(const Node& node);
  // What is in something that came from outside. It is also what is in that.
  const Loc* contents(const Loc* base);
  const Loc* field(const Loc* base, const std::string& name);
  const Loc* part(const Loc* base, Part which);
  void add(const Def* def, const Locs& locs);
  void put(const Locs& into, const Locs& what);
  Locs inside(const Loc* loc);
  Locs inside(const Locs& locs);
  Index index_of(const Def* def);
  Locs parts(const Locs& of, const Part& which);

  void block(const Block& b);
  void join(const std::vector<Def*>& from, const std::vector<Def*>& to);
  // `break` and `continue` of the loop.
  void leave(const Node& loop, const Block& body);
  void node(const Node& n);
  Locs element(const Node& n, size_t index);
  void op(const Node& n);
  // The part of its argument that a view, or a write by a subscript, is of.
  Locs view(const Node& n, size_t of);

  Locs mapped(const Locs& locs, const Node& call);
  Locs mapped(const Loc* loc, const Node& call);
  // An index that the callee was given; others are nobody else's.
  Index mapped(const Index& index, const Node& call);
  void mapped(const Summary& callee, const Node& call, std::vector<Access>* out);

  void summarize();
  void results(const std::vector<Def*>& defs);

  const Graph& graph_;
  World& world_;
  std::deque<Loc> all_;
  std::map<std::tuple<Loc::Kind, const Loc*, int, const Node*, std::string, Part>, const Loc*> locs_;
  std::unordered_map<const Def*, Locs> own_;
  std::map<const Loc*, Locs> holds_;
  Locs changed_;  // containers that somebody changes
  size_t size_ = 0;
};

// For people: "input 0[...]".
[[nodiscard]] std::string text_of(const Loc* loc);
[[nodiscard]] std::optional<int64_t> number(const Index& index);

}  // namespace tine::ir::places
