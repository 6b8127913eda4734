// Tracer: records the operators that one thread calls into a graph; forks become subgraphs.
//
// State      Open frames: the traced function's, and one for each fork that is being run now.
// Threads    One thread: the one whose operators it is told of.
// Ordering   Nodes are in the order of the calls.
// Ownership  Keeps every tensor and future that it has seen until it goes, so that none takes another's address.
//            The graph belongs to the caller when finish() has returned it.
// Errors     ValueError for a future made outside of the trace, or a fork left open; TypeError for a value that a
//            graph cannot hold.
// Cost       A hash and a node for each operator.
// Source     torch.jit.trace; closure conversion for what a fork takes from around it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/ir/graph.h"
#include "src/value/op_context.h"

namespace tine::trace {

class TINE_API Tracer final : public Recorder {
 public:
  explicit Tracer(std::string name);
  ~Tracer();

  // Before anything is recorded: the graph's inputs, in order. Tensors inside of tuples and lists are followed.
  void add_input(const Value& value, std::string name);
  // `self` of a traced module: `tensor` is found at its attributes `path`.
  void add_self(const std::shared_ptr<const ObjectType>& type, std::string name);
  void add_attribute(const Tensor& tensor, std::vector<std::string> path);
  // Of the nodes to come.
  void set_place(SourceSpan place);

  void record(const Op& op, const Value* args, const Value& result) override;
  void record_call(const std::string& qualified_name, std::span<const Value> args,
                   std::span<const TypePtr> types, const Value& result, const TypePtr& result_type);
  // Between the two what is recorded goes to the fork's subgraph. `future` stands for the result from then on.
  void begin_fork(std::string name);
  void end_fork(const Value& result, const Value& future);
  // The forked function raised: nothing of the fork is kept.
  void drop_fork();

  [[nodiscard]] std::shared_ptr<ir::Graph> finish(const Value& output);

 private:
  struct Frame;
  [[nodiscard]] ir::Def* known(const Value& value, size_t frame);
  [[nodiscard]] ir::Def* attribute(const Value& value);
  [[nodiscard]] ir::Def* def_of(const Value& value, const TypePtr& wanted);
  [[nodiscard]] bool follows(const Value& value);
  void bind(const Value& value, ir::Def* def);
  [[nodiscard]] static bool carries(const Value& value);

  std::vector<std::unique_ptr<Frame>> frames_;
  std::unordered_map<const void*, std::vector<std::string>> attributes_;
  ir::Def* self_ = nullptr;
  std::vector<Value> seen_;
};

}  // namespace tine::trace
