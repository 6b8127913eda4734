// What a function reads and writes of what it is given, and forks that race: a task that was not waited for writes what its
// forker, or another task, reads or writes meanwhile, or the other way round.
//
// A place in memory is a Tensor, a list, a dict or an attribute, reached from an input: its elements, its attributes, the
// views of it. What may be the same is taken for the same, whatever the order of the assignments (Andersen's analysis,
// 1994), so a race that is there is found through views, containers, attributes, calls and nested forks. Three things are taken
// for different although they may be the same, because programs that fork are full of them: `x[i]` and `x[j]` where the
// compiler does not know both indices, what a loop makes anew in each turn, and two inputs. A wait for one of several tasks
// ends all of them. So not every race is found, and what is reported is nearly always one.
//
// In a function that forks nothing no race is looked for.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/ir/graph.h"

namespace tine::ir {

// The graph of the function or method of that qualified name; null when there is none.
using GraphNamed = std::function<const Graph*(std::string_view qualified_name)>;

struct Race {
  SourceSpan fork;    // of the task
  SourceSpan write;   // the access that writes; the other's if both do
  SourceSpan other;   // what it races with
  bool task_writes;   // the task that was forked, not its forker or the other task
  bool other_writes;  // both do
  bool other_task;    // it races with another task
  [[nodiscard]] std::string message() const;
};

// Of this graph, not of what it calls; in the order of the text.
[[nodiscard]] std::vector<Race> find_races(const Graph& graph, const GraphNamed& graph_named);

// "writes input 0, reads input 1[...]", ...: the summary of a function, sorted, for people and for tests.
[[nodiscard]] std::vector<std::string> summary_of(const Graph& graph, const GraphNamed& graph_named);

}  // namespace tine::ir
