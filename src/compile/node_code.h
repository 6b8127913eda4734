// NodeCode: the instructions of single nodes: operators, calls, forks, attributes, tuples, casts. What blocks and jumps
// need is the Emitter's.
#pragma once

#include <string>
#include <vector>

#include "src/compile/fast_ops.h"
#include "src/compile/liveness.h"
#include "src/compile/register_code.h"

namespace tine::compile {

// Whether objects of the type are those of a class of scripts.
[[nodiscard]] bool is_class(const Type& type);

class NodeCode : protected RegisterCode {
 protected:
  NodeCode(std::string name, const ir::Graph& graph) : RegisterCode(std::move(name)), liveness_(graph) {}

  // `dying` are the values that the node is the last to use. Not for nodes with blocks, nor for those that leave one.
  void plain_node(const ir::Node& node, const DefList& dying);
  void put_return(const Def* def);

  Liveness liveness_;
  const Def* borrowed_ = nullptr;  // a parameter whose register belongs to the caller

 private:
  void constant_node(const ir::Node& node);
  void op(const ir::Node& node, const DefList& dying);
  void fast_op(const ir::Node& node, const FastOp& fast, const DefList& dying);
  void wait(const ir::Node& node, const DefList& dying);
  void call(Opcode opcode, const ir::Node& node, uint16_t site, const DefList& dying);
  void call_on(const ir::Node& node, const DefList& dying);
  void tuple(const ir::Node& node, const DefList& dying);
  void fork(const ir::Node& node, const DefList& dying);
  void get_attr(const ir::Node& node, const DefList& dying);
  void enter(const ir::Node& node, const DefList& dying);
  void set_attr(const ir::Node& node, const DefList& dying);
  void unpack(const ir::Node& node, const DefList& dying);
  void put_index(const Def* to, uint16_t from, uint16_t index);
  void is_instance(const ir::Node& node, const DefList& dying);
  void cast(const ir::Node& node, const DefList& dying);
  // The node is emitted: what died at it is released, after the temporaries that it needed.
  void end_node(const DefList& dying);

  uint16_t call_site(std::string name, const ir::Node& node);
  uint16_t add_site(code::CallSite site);
  uint16_t slot_site(const ir::Node& node);
  uint16_t type_index(const TypePtr& type);
};

}  // namespace tine::compile
