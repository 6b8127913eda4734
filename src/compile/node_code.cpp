#include "src/compile/node_code.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "src/compile/emit.h"

namespace tine::compile {
namespace {

using ir::Graph;
using ir::Kind;
using ir::Node;

// Whether a constant holds something that a script can change. Each execution then needs a copy of its own.
bool holds_list(const Value& value) {
  if (value.is(Tag::kList) || value.is(Tag::kDict)) return true;
  if (!value.is(Tag::kTuple)) return false;
  return std::any_of(value.as_tuple().items.begin(), value.as_tuple().items.end(), holds_list);
}

// Whether the machine must check the result against its declared type: for rows that can return anything, and for rows that
// bring a value from another worker, whose program may differ.
bool must_check(const Op& op, const Def& out) {
  if (out.type->kind == TypeKind::kAny) return false;
  return op.schema.result_type()->kind == TypeKind::kAny || op.schema.name.starts_with("rpc::");
}

// Whether the object says when the script runs which method it is.
bool through_interface(const Node& node) {
  const auto* const type = dynamic_cast<const ObjectType*>(node.inputs.front()->type.get());
  return type && type->is_interface();
}

// The call, if the forked graph is only a call with the graph's inputs as its arguments. The fork then starts the callee
// itself, without a frame for the graph.
const Node* only_call(const Graph& graph) {
  const ir::Block& body = graph.root();
  if (body.nodes.size() != 1 || body.outputs.size() != 1) return nullptr;
  const Node& node = *body.nodes[0];
  const bool is_call =
      node.kind == Kind::kCallFunction || (node.kind == Kind::kCallMethod && !through_interface(node));
  return is_call && body.outputs[0]->node == &node && node.inputs == body.params ? &node : nullptr;
}

std::string method_name(const Node& node) { return node.inputs.front()->type->name + "." + node.name; }

}  // namespace

bool is_class(const Type& type) {
  const auto* const object = dynamic_cast<const ObjectType*>(&type);
  return object && object->is_class();
}

void NodeCode::plain_node(const Node& node, const DefList& dying) {
  switch (node.kind) {
    case Kind::kConstant: return constant_node(node);
    case Kind::kOp: return op(node, dying);
    case Kind::kFork: return fork(node, dying);
    case Kind::kCallFunction: return call(Opcode::CALL, node, call_site(node.name, node), dying);
    case Kind::kCallMethod:
      if (through_interface(node)) return call(Opcode::CALL_METHOD, node, call_site(node.name, node), dying);
      if (is_class(*node.inputs.front()->type)) return call_on(node, dying);
      return call(Opcode::CALL, node, call_site(method_name(node), node), dying);
    case Kind::kGetAttr: return get_attr(node, dying);
    case Kind::kSetAttr: return set_attr(node, dying);
    case Kind::kCreateObject:
      return (void)put({Opcode::OBJECT, define(node.output()), type_index(node.output()->type)});
    case Kind::kEnter: return enter(node, dying);
    case Kind::kExit: put({Opcode::LEAVE}); return end_node(dying);
    case Kind::kTupleConstruct: return tuple(node, dying);
    case Kind::kListConstruct: return call(Opcode::LIST, node, 0, dying);
    case Kind::kDictConstruct: return call(Opcode::DICT, node, 0, dying);
    case Kind::kListUnpack:
    case Kind::kTupleUnpack:
    case Kind::kTupleIndex: return unpack(node, dying);
    case Kind::kIsInstance: return is_instance(node, dying);
    case Kind::kUncheckedCast: return cast(node, dying);
    default: break;
  }
}

void NodeCode::constant_node(const Node& node) {
  const Def* def = node.output();
  if (holds_list(node.constant)) {
    put({Opcode::LOAD_FRESH, define(def), constant(node.constant)});
  } else {
    where_[def] = {true, constant(node.constant)};
  }
}

void NodeCode::end_node(const DefList& dying) {
  kill(dying);
  end_temporaries();
}

// ---- operators

void NodeCode::op(const Node& node, const DefList& dying) {
  if (const FastOp* fast = find_fast_op(node.op->schema.full_name())) return fast_op(node, *fast, dying);
  const auto row = std::find(function_->ops.begin(), function_->ops.end(), node.op);
  const auto index = static_cast<uint16_t>(row - function_->ops.begin());
  if (row == function_->ops.end()) function_->ops.push_back(node.op);
  const std::vector<uint16_t> words = operands(node.inputs, dying);
  // The instruction releases the operands that die before it writes the result, so the result may go into one of their
  // registers.
  for (const Def* def : dying) forget(def);
  const Def* out = node.output();
  const auto n = static_cast<uint16_t>(words.size());
  if (liveness_.uses(out) == 0) {
    put({Opcode::CALL_OP_DROP, 0, index, n});
    put_words(words);
  } else if (must_check(*node.op, *out)) {
    // Until the check the value may be of any type, so it needs a register for any value, even if a scalar is expected.
    const uint16_t any = allocate(true);
    put({Opcode::CALL_OP, any, index, n});
    put_words(words);
    put({Opcode::CHECK_TYPE, any, type_index(out->type)});
    if (is_scalar(*out->type)) {
      put({Opcode::MOVE, define(out), any});
      free_register(any);
    } else {
      locate(out, any);
    }
  } else {
    const uint16_t to = define(out);
    put({is_object(to) ? Opcode::CALL_OP : Opcode::CALL_OP_SCALAR, to, index, n});
    put_words(words);
  }
}

void NodeCode::fast_op(const Node& node, const FastOp& fast, const DefList& dying) {
  const Def* out = node.output();
  switch (fast.shape) {
    case FastShape::kBinary:
    case FastShape::kCompare: {
      const uint16_t left = in_register(node.inputs[0]);
      const Location right = where(node.inputs[1]);
      const uint16_t b = right.constant ? right.index : in_register(node.inputs[1]);
      // Operands are read before the result is written, so it may go where one of them was.
      end_node(dying);
      put({right.constant ? fast.with_constant : fast.plain, define(out), left, b});
      return;
    }
    case FastShape::kUnary: {
      const uint16_t from = in_register(node.inputs[0]);
      // Of an object (its length) the instruction still needs it.
      if (!is_object(from)) end_node(dying);
      put({fast.plain, define(out), from});
      if (is_object(from)) end_node(dying);
      return;
    }
    case FastShape::kItem: {
      const uint16_t list = in_register(node.inputs[0]);
      const uint16_t index = in_register(node.inputs[1]);
      const uint16_t to = define(out);
      put({is_object(to) ? Opcode::LIST_ITEM : Opcode::LIST_ITEM_SCALAR, to, list, index});
      return end_node(dying);
    }
    case FastShape::kWait: return wait(node, dying);
  }
}

void NodeCode::wait(const Node& node, const DefList& dying) {
  const uint16_t future = in_register(node.inputs[0]);
  const bool gone = contains(dying, node.inputs[0]);
  for (const Def* def : dying) forget(def);
  const uint16_t to = define(node.output());
  const uint16_t type = type_index(node.output()->type);
  if (type > 0x7fff) too_many("waits");  // the lowest bit says whether the future is gone
  put({is_object(to) ? Opcode::WAIT : Opcode::WAIT_SCALAR, to, future,
       static_cast<uint16_t>(type << 1 | (gone ? 1 : 0))});
  end_temporaries();
}

// ---- calls

uint16_t NodeCode::call_site(std::string name, const Node& node) {
  code::CallSite site;
  site.name = std::move(name);
  for (const Def* def : node.inputs) site.args.push_back(def->type);
  site.result = node.output()->type;
  return add_site(std::move(site));
}

uint16_t NodeCode::add_site(code::CallSite site) {
  if (function_->calls.size() >= 0xffff) too_many("calls");
  function_->calls.push_back(std::move(site));
  return static_cast<uint16_t>(function_->calls.size() - 1);
}

// Of TUPLE, NAMED_TUPLE, LIST and DICT, too: a list of operands, and one result.
void NodeCode::call(Opcode opcode, const Node& node, uint16_t site, const DefList& dying) {
  const std::vector<uint16_t> words = operands(node.inputs, dying);
  for (const Def* def : dying) forget(def);
  const uint16_t to = define(node.output());
  if (!is_object(to)) {
    if (opcode == Opcode::CALL) opcode = Opcode::CALL_SCALAR;
    if (opcode == Opcode::CALL_METHOD) opcode = Opcode::CALL_METHOD_SCALAR;
  }
  put({opcode, to, site, static_cast<uint16_t>(words.size())});
  put_words(words);
}

// The callee borrows the object, so that the call counts no reference: the register must keep it until the call returns.
void NodeCode::call_on(const Node& node, const DefList& dying) {
  const Def* self = node.inputs.front();
  DefList others;
  for (const Def* def : dying) {
    if (def != self) others.push_back(def);
  }
  const std::vector<uint16_t> words = operands(node.inputs, others);
  for (const Def* def : others) forget(def);
  const uint16_t to = define(node.output());
  put({is_object(to) ? Opcode::CALL_ON : Opcode::CALL_ON_SCALAR, to, call_site(method_name(node), node),
       static_cast<uint16_t>(words.size())});
  put_words(words);
  if (others.size() != dying.size()) kill({self});
}

void NodeCode::tuple(const Node& node, const DefList& dying) {
  const TypePtr& type = node.output()->type;
  const NamedTupleType* const named = type->named_tuple();
  if (named && !named->name.empty()) return call(Opcode::NAMED_TUPLE, node, type_index(type), dying);
  call(Opcode::TUPLE, node, 0, dying);
}

void NodeCode::fork(const Node& node, const DefList& dying) {
  code::CallSite site;
  // A fork of a function runs that one; anything else becomes a function of its own.
  if (const Node* inner = only_call(*node.subgraph)) {
    site.name = inner->kind == Kind::kCallFunction ? inner->name : method_name(*inner);
    site.result = inner->output()->type;
  } else {
    std::string name = fmt::format("{}.fork_{}", function_->name, function_->children.size());
    function_->children.push_back(emit_fork(*node.subgraph, name));
    site.name = std::move(name);
    site.result = function_->children.back()->result;
    site.target.store(function_->children.back().get(), std::memory_order_relaxed);
  }
  for (const Def* def : node.inputs) site.args.push_back(def->type);
  call(Opcode::FORK, node, add_site(std::move(site)), dying);
}

// ---- attributes, tuples, types

uint16_t NodeCode::slot_site(const Node& node) {
  auto type = std::static_pointer_cast<const ObjectType>(node.inputs[0]->type);
  const int index = type->slot_index(node.name);
  if (function_->slots.size() >= 0xffff) too_many("attribute accesses");
  function_->slots.push_back({std::move(type), node.name, index});
  return static_cast<uint16_t>(function_->slots.size() - 1);
}

// An `__exit__` that an error calls gets None three times, as one that is called at the end.
void NodeCode::enter(const Node& node, const DefList& dying) {
  code::CallSite site;
  site.name = node.inputs[0]->type->name + ".__exit__";
  site.args = {node.inputs[0]->type, Type::none(), Type::none(), Type::none()};
  site.result = Type::any();
  const uint16_t object = in_register(node.inputs[0]);
  put({Opcode::ENTER, object, add_site(std::move(site))});
  end_node(dying);
}

void NodeCode::get_attr(const Node& node, const DefList& dying) {
  const uint16_t object = in_register(node.inputs[0]);
  const uint16_t site = slot_site(node);
  const bool gone = contains(dying, node.inputs[0]);
  // The object is killed after define(), so that the result does not get its register: assigning the result would release the
  // object while its slot is read.
  const uint16_t to = define(node.output());
  // Objects of classes are made without values for their slots; those of modules are made whole.
  const bool may_be_unset =
      function_->slots[site].type->is_class() && !is_subtype(Type::none(), node.output()->type);
  const bool scalar = is_scalar(*node.output()->type);
  put({may_be_unset ? (scalar ? Opcode::GET_FIELD_SCALAR : Opcode::GET_FIELD)
                    : (scalar ? Opcode::GET_SLOT_SCALAR : Opcode::GET_SLOT),
       to, object, site});
  if (gone) kill(dying);
  end_temporaries();
}

void NodeCode::set_attr(const Node& node, const DefList& dying) {
  const uint16_t object = in_register(node.inputs[0]);
  const Location value = where(node.inputs[1]);
  put({Opcode::SET_SLOT, object, slot_site(node), 1});
  put_words({static_cast<uint16_t>(value.index | (value.constant ? code::kConstOperand : 0))});
  end_node(dying);
}

// Elements of a tuple, or of a list whose length is checked first.
void NodeCode::unpack(const Node& node, const DefList& dying) {
  const uint16_t from = in_register(node.inputs[0]);
  if (node.kind == Kind::kListUnpack)
    put({Opcode::UNPACK_LIST, from, static_cast<uint16_t>(node.outputs.size())});
  if (node.kind == Kind::kTupleIndex) {
    put_index(node.output(), from, static_cast<uint16_t>(node.index));
  } else {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (liveness_.uses(node.outputs[i]) > 0) put_index(node.outputs[i], from, static_cast<uint16_t>(i));
    }
  }
  end_node(dying);
}

void NodeCode::put_index(const Def* to, uint16_t from, uint16_t index) {
  const uint16_t r = define(to);
  put({is_scalar(*to->type) ? Opcode::TUPLE_INDEX_SCALAR : Opcode::TUPLE_INDEX, r, from, index});
}

uint16_t NodeCode::type_index(const TypePtr& type) {
  std::vector<TypePtr>& types = function_->types;
  for (size_t i = 0; i < types.size(); ++i) {
    if (equal(types[i], type)) return static_cast<uint16_t>(i);
  }
  if (types.size() >= 0xffff) too_many("types");
  types.push_back(type);
  return static_cast<uint16_t>(types.size() - 1);
}

void NodeCode::is_instance(const Node& node, const DefList& dying) {
  const uint16_t from = in_register(node.inputs[0]);
  const uint16_t to = define(node.output());
  if (node.type->kind == TypeKind::kNone) {
    put({Opcode::IS_NONE, to, from});
  } else {
    put({Opcode::IS_INSTANCE, to, from, type_index(node.type)});
  }
  end_node(dying);
}

void NodeCode::cast(const Node& node, const DefList& dying) {
  const Def* in = node.inputs[0];
  const Def* out = node.output();
  Location at = where(in);
  if (at.constant) at = {false, in_register(in)};
  if (in->type->kind == TypeKind::kOptional && equal(in->type->of.front(), out->type)) {
    put({Opcode::CHECK_PRESENT, at.index});
  } else if (!is_subtype(in->type, out->type)) {
    put({Opcode::CHECK_TYPE, at.index, type_index(out->type)});
  }
  // The value does not change. If it dies here under its old type, it stays in its register under the new one.
  const bool temporary = !temporaries_.empty();
  if (!temporary && contains(dying, in) && is_object(at.index) == !is_scalar(*out->type) &&
      !hints_.contains(out)) {
    where_[out] = at;
    return;
  }
  put_move({define(out), at, false});
  end_node(dying);
}

void NodeCode::put_return(const Def* def) {
  Location at = where(def);
  if (borrowed_ && !at.constant && at.index == where(borrowed_).index) {
    // RETURN moves the value out of its register.
    const uint16_t own = allocate(true);
    put({Opcode::COPY, own, at.index});
    free_register(own);
    at.index = own;
  }
  const Opcode op = at.constant           ? Opcode::RETURN_K
                    : is_object(at.index) ? Opcode::RETURN
                                          : Opcode::RETURN_SCALAR;
  put({op, at.index});
}

}  // namespace tine::compile
