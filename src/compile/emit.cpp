// The walk over a graph's blocks and nodes: where each value dies, and which instructions a node becomes.

#include "src/compile/emit.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "src/compile/emit_registers.h"
#include "src/compile/fast_ops.h"

namespace tine::compile {
namespace {

using ir::Block;
using ir::Graph;
using ir::Kind;
using ir::Node;

bool holds_list(const Value& value) {
  if (value.is(Tag::kList) || value.is(Tag::kDict)) return true;
  if (!value.is(Tag::kTuple)) return false;
  return std::any_of(value.as_tuple().items.begin(), value.as_tuple().items.end(), holds_list);
}

class Emitter : RegisterCode {
 public:
  Emitter(const Graph& graph, std::string name, bool near_jumps)
      : RegisterCode(std::move(name)), graph_(graph), near_jumps_(near_jumps) {}

  std::unique_ptr<code::Function> run() {
    code::Function& f = *function_;
    for (const Def* def : graph_.inputs()) {
      f.params.push_back(def->type);
      f.param_names.push_back(def->name);
      locate(def, new_register(!is_scalar(*def->type)));
    }
    f.result = graph_.returns.empty() ? Type::none() : graph_.returns.front();
    count_uses(graph_.root());
    block(graph_.root(), {}, {});
    const Block& root = graph_.root();
    if (!root.ends_in_exit()) {
      if (root.outputs.empty()) {
        put({Opcode::RETURN_K, constant(Value())});
      } else {
        put_return(root.outputs.front());
      }
    }
    f.registers = static_cast<int>(object_.size());
    for (size_t r = 0; r < object_.size(); ++r) {
      if (!object_[r]) continue;
      f.object_registers.push_back(static_cast<uint16_t>(r));
      if (r < f.params.size()) ++f.object_params;
    }
    return std::move(function_);
  }

 private:
  struct LoopFrame {
    std::vector<uint16_t> carried;
    Location trip;
    bool counted = false;
    bool turn_used = false;
    uint16_t turn = 0;
    Label top;
    Label exit;
  };
  // A compare that waits for the jump behind it.
  struct Condition {
    const Def* def = nullptr;
    const FastOp* fast = nullptr;  // null: `def` is in a register
    const Node* node = nullptr;
  };

  // ---- analysis

  void count_uses(const Block& b) {
    for (const Node* node : b.nodes) {
      for (const Def* def : node->inputs) ++uses_[def];
      for (const Block* inner : node->blocks) count_uses(*inner);
    }
    for (const Def* def : b.outputs) ++uses_[def];
  }
  int uses(const Def* def) const {
    const auto found = uses_.find(def);
    return found == uses_.end() ? 0 : found->second;
  }

  const DefSet& used_in(const Block& b) {
    auto [it, fresh] = used_.try_emplace(&b);
    if (!fresh) return it->second;
    DefSet set;
    for (const Node* node : b.nodes) {
      set.insert(node->inputs.begin(), node->inputs.end());
      for (const Block* inner : node->blocks) {
        const DefSet& nested = used_in(*inner);
        set.insert(nested.begin(), nested.end());
      }
    }
    set.insert(b.outputs.begin(), b.outputs.end());
    return used_[&b] = std::move(set);
  }

  // ---- blocks

  // `targets`: the registers that the block's outputs go to (empty for the root). `dying`: values from outside
  // whose last use, on this path, is in this block. Returns the condition when `condition_out` asks for outputs[0] apart.
  void block(const Block& b, const std::vector<uint16_t>& targets, std::vector<const Def*> dying) {
    std::unordered_map<const Node*, std::vector<const Def*>> dies_at;
    std::vector<const Def*> at_end;
    std::unordered_map<const Def*, const Node*> last;  // null: the outputs
    for (const Node* node : b.nodes) {
      for (const Def* def : node->inputs) last[def] = node;
      for (const Block* inner : node->blocks) {
        for (const Def* def : used_in(*inner)) last[def] = node;
      }
    }
    for (const Def* def : b.outputs) last[def] = nullptr;

    std::vector<const Def*> candidates(b.params.begin(), b.params.end());
    candidates.insert(candidates.end(), dying.begin(), dying.end());
    std::vector<const Def*> unused;
    for (const Def* def : candidates) {
      const auto found = last.find(def);
      if (found == last.end()) {
        unused.push_back(def);
      } else {
        (found->second ? dies_at[found->second] : at_end).push_back(def);
      }
    }
    kill(unused);
    for (const Node* node : b.nodes) {
      for (const Def* def : node->outputs) {
        const auto found = last.find(def);
        if (found == last.end()) continue;  // handled where it is defined
        (found->second ? dies_at[found->second] : at_end).push_back(def);
      }
    }
    const size_t first_target = b.outputs.size() - std::min(targets.size(), b.outputs.size());
    for (size_t i = first_target; i < b.outputs.size(); ++i) {
      const Def* def = b.outputs[i];
      if (def->node && def->node->owner == &b) hints_.try_emplace(def, targets[i - first_target]);
    }

    for (size_t i = 0; i < b.nodes.size(); ++i) {
      const Node& node = *b.nodes[i];
      std::vector<const Def*> dead = std::move(dies_at[&node]);
      if (const FastOp* fast = deferred(b, i)) {
        pending_ = {node.output(), fast, &node};
        pending_dying_ = std::move(dead);
        continue;
      }
      emit_node(node, std::move(dead));
      // Results that nobody uses.
      for (const Def* def : node.outputs) {
        if (!last.contains(def) && where_.contains(def)) kill({def});
      }
    }
    block_end_dying_ = std::move(at_end);
  }

  // A compare is left to the jump behind it when nothing else uses it and it stands right before.
  const FastOp* deferred(const Block& b, size_t i) {
    const Node& node = *b.nodes[i];
    if (!near_jumps_ || node.kind != Kind::kOp || node.outputs.size() != 1 || uses(node.output()) != 1)
      return nullptr;
    const FastOp* fast = find_fast_op(node.op->schema.full_name());
    if (!fast || fast->shape != FastShape::kCompare) return nullptr;
    if (i + 1 < b.nodes.size()) {
      const Node& next = *b.nodes[i + 1];
      return next.kind == Kind::kIf && next.inputs.front() == node.output() ? fast : nullptr;
    }
    return b.owner && b.owner->kind == Kind::kLoop && !b.outputs.empty() && b.outputs.front() == node.output()
               ? fast
               : nullptr;
  }

  // Takes the compare that was deferred for this condition, if there is one.
  Condition take_condition(const Def* def, std::vector<const Def*>* dying) {
    if (pending_.def != def) return {def, nullptr, nullptr};
    std::erase(*dying, def);  // it has no register
    dying->insert(dying->end(), pending_dying_.begin(), pending_dying_.end());
    pending_dying_.clear();
    return std::exchange(pending_, {});
  }

  void jump_on(const Condition& condition, bool when, Label& label) {
    if (!condition.fast) {
      const Location at = where(condition.def);
      if (at.constant) {
        if (function_->constants[at.index].as_bool() == when) jump({Opcode::JUMP}, label, false);
        return;
      }
      jump({when ? Opcode::JUMP_IF : Opcode::JUMP_UNLESS, at.index}, label, false);
      return;
    }
    const FastOp& fast = *condition.fast;
    const Def* left = condition.node->inputs[0];
    const Def* right = condition.node->inputs[1];
    const Opcode with_constant = when ? fast.jump_constant : fast.jump_not_constant;
    if (where(right).constant && with_constant != kNoOpcode) {
      const uint16_t a = in_register(left);
      jump({with_constant, a, where(right).index}, label, true);
    } else {
      uint16_t a = in_register(left);
      uint16_t b = in_register(right);
      if (fast.swap) std::swap(a, b);
      jump({when ? fast.jump : fast.jump_not, a, b}, label, true);
    }
    end_temporaries();
  }

  bool is_true(const Def* def) const {
    const auto found = where_.find(def);
    return found != where_.end() && found->second.constant &&
           function_->constants[found->second.index].is_bool() &&
           function_->constants[found->second.index].as_bool();
  }

  // ---- nodes

  void emit_node(const Node& node, std::vector<const Def*> dying) {
    if (node.span.line > 0) span_ = &node.span;
    switch (node.kind) {
      case Kind::kOp: return op(node, dying);
      case Kind::kConstant: {
        const Def* def = node.output();
        if (holds_list(node.constant)) {
          put({Opcode::LOAD_FRESH, define(def), constant(node.constant)});
        } else {
          where_[def] = {true, constant(node.constant)};
        }
        return;
      }
      case Kind::kIf: return if_(node, std::move(dying));
      case Kind::kLoop: return loop(node, std::move(dying));
      case Kind::kReturn:
        if (node.inputs.empty()) {
          put({Opcode::RETURN_K, constant(Value())});
        } else {
          put_return(node.inputs.front());
        }
        return;
      case Kind::kBreak:
        moves(node.inputs, 0, loops_.back()->carried, dying);
        jump({Opcode::JUMP}, loops_.back()->exit, false);
        return;
      case Kind::kContinue: {
        Condition condition{node.inputs.front()};
        finish_turn(*loops_.back(), condition, node.inputs, dying);
        jump({Opcode::JUMP}, loops_.back()->exit, false);
        return;
      }
      case Kind::kRaise: {
        ErrorKind kind = ErrorKind::kRuntime;
        kind_named(node.name, &kind);
        const Location at = where(node.inputs.front());
        put({at.constant ? Opcode::RAISE_K : Opcode::RAISE, at.index, static_cast<uint16_t>(kind)});
        return;
      }
      case Kind::kFork: return fork(node, dying);
      case Kind::kCallFunction: return call(Opcode::CALL, node, call_site(node.name, node), dying);
      case Kind::kCallMethod:
        return call(Opcode::CALL, node, call_site(node.inputs.front()->type->name + "." + node.name, node),
                    dying);
      case Kind::kGetAttr: {
        const uint16_t object = in_register(node.inputs[0]);
        const uint16_t site = slot_site(node);
        const bool gone = contains(dying, node.inputs[0]);
        // The object must outlive the read of its slot.
        const uint16_t to = define(node.output());
        put({is_scalar(*node.output()->type) ? Opcode::GET_SLOT_SCALAR : Opcode::GET_SLOT, to, object, site});
        if (gone) kill(dying);
        end_temporaries();
        return;
      }
      case Kind::kSetAttr: {
        const uint16_t object = in_register(node.inputs[0]);
        const Location value = where(node.inputs[1]);
        put({Opcode::SET_SLOT, object, slot_site(node)});
        put_words({static_cast<uint16_t>(value.index | (value.constant ? code::kConstOperand : 0))});
        kill(dying);
        end_temporaries();
        return;
      }
      case Kind::kTupleConstruct: return construct(Opcode::TUPLE, node, dying);
      case Kind::kListConstruct: return construct(Opcode::LIST, node, dying);
      case Kind::kDictConstruct: return construct(Opcode::DICT, node, dying);
      case Kind::kListUnpack:
        put({Opcode::UNPACK_LIST, in_register(node.inputs[0]), static_cast<uint16_t>(node.outputs.size())});
        [[fallthrough]];
      case Kind::kTupleUnpack: {
        const uint16_t from = in_register(node.inputs[0]);
        for (size_t i = 0; i < node.outputs.size(); ++i) {
          if (uses(node.outputs[i]) > 0) put_index(node.outputs[i], from, static_cast<uint16_t>(i));
        }
        kill(dying);
        end_temporaries();
        return;
      }
      case Kind::kTupleIndex: {
        const uint16_t from = in_register(node.inputs[0]);
        put_index(node.output(), from, static_cast<uint16_t>(node.index));
        kill(dying);
        end_temporaries();
        return;
      }
      case Kind::kIsInstance: {
        const uint16_t from = in_register(node.inputs[0]);
        const uint16_t to = define(node.output());
        if (node.type->kind == TypeKind::kNone) {
          put({Opcode::IS_NONE, to, from});
        } else {
          put({Opcode::IS_INSTANCE, to, from, type_index(node.type)});
        }
        kill(dying);
        end_temporaries();
        return;
      }
      case Kind::kUncheckedCast: return cast(node, dying);
    }
  }

  void put_return(const Def* def) {
    const Location at = where(def);
    const Opcode op = at.constant         ? Opcode::RETURN_K
                      : object_[at.index] ? Opcode::RETURN
                                          : Opcode::RETURN_SCALAR;
    put({op, at.index});
  }

  void put_index(const Def* to, uint16_t from, uint16_t index) {
    const uint16_t r = define(to);
    put({is_scalar(*to->type) ? Opcode::TUPLE_INDEX_SCALAR : Opcode::TUPLE_INDEX, r, from, index});
  }

  void op(const Node& node, const std::vector<const Def*>& dying) {
    if (const FastOp* fast = find_fast_op(node.op->schema.full_name())) return fast_op(node, *fast, dying);
    const auto row = std::find(function_->ops.begin(), function_->ops.end(), node.op);
    const auto index = static_cast<uint16_t>(row - function_->ops.begin());
    if (row == function_->ops.end()) function_->ops.push_back(node.op);
    DefSet moved_out;
    const std::vector<uint16_t> words = operands(node.inputs, dying, &moved_out);
    for (const Def* def : dying) forget(def);
    const Def* out = node.output();
    const auto n = static_cast<uint16_t>(words.size());
    if (uses(out) == 0) {
      put({Opcode::CALL_OP_DROP, 0, index, n});
      put_words(words);
    } else if (must_check(*node.op, *out)) {
      // It is a scalar, or what else was asked for, only when that has been checked.
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
      put({object_[to] ? Opcode::CALL_OP : Opcode::CALL_OP_SCALAR, to, index, n});
      put_words(words);
    }
  }

  // Rows that can return anything, and those that fetch a value from another worker, whatever their types say.
  static bool must_check(const Op& op, const Def& out) {
    if (out.type->kind == TypeKind::kAny) return false;
    return op.schema.result_type()->kind == TypeKind::kAny || op.schema.name.starts_with("rpc::");
  }

  void fast_op(const Node& node, const FastOp& fast, const std::vector<const Def*>& dying) {
    const Def* out = node.output();
    switch (fast.shape) {
      case FastShape::kBinary:
      case FastShape::kCompare: {
        const uint16_t left = in_register(node.inputs[0]);
        const Location right = where(node.inputs[1]);
        const uint16_t b = right.constant ? right.index : in_register(node.inputs[1]);
        kill(dying);
        end_temporaries();
        put({right.constant ? fast.with_constant : fast.plain, define(out), left, b});
        return;
      }
      case FastShape::kUnary: {
        const uint16_t from = in_register(node.inputs[0]);
        if (object_[from]) {
          put({fast.plain, define(out), from});
          kill(dying);
          end_temporaries();
        } else {
          kill(dying);
          end_temporaries();
          put({fast.plain, define(out), from});
        }
        return;
      }
      case FastShape::kItem: {
        const uint16_t list = in_register(node.inputs[0]);
        const uint16_t index = in_register(node.inputs[1]);
        const uint16_t to = define(out);
        put({object_[to] ? Opcode::LIST_ITEM : Opcode::LIST_ITEM_SCALAR, to, list, index});
        kill(dying);
        end_temporaries();
        return;
      }
      case FastShape::kWait: {
        const uint16_t future = in_register(node.inputs[0]);
        const bool gone = contains(dying, node.inputs[0]);
        for (const Def* def : dying) forget(def);
        const uint16_t to = define(out);
        const uint16_t type = type_index(out->type);
        if (type > 0x7fff) too_many("waits");
        put({object_[to] ? Opcode::WAIT : Opcode::WAIT_SCALAR, to, future,
             static_cast<uint16_t>(type << 1 | (gone ? 1 : 0))});
        end_temporaries();
        return;
      }
    }
  }

  uint16_t call_site(std::string name, const Node& node) {
    code::CallSite site;
    site.name = std::move(name);
    for (const Def* def : node.inputs) site.args.push_back(def->type);
    site.result = node.output()->type;
    return add_site(std::move(site));
  }
  uint16_t add_site(code::CallSite site) {
    if (function_->calls.size() >= 0xffff) too_many("calls");
    function_->calls.push_back(std::move(site));
    return static_cast<uint16_t>(function_->calls.size() - 1);
  }

  void call(Opcode opcode, const Node& node, uint16_t site, const std::vector<const Def*>& dying) {
    DefSet moved_out;
    const std::vector<uint16_t> words = operands(node.inputs, dying, &moved_out);
    for (const Def* def : dying) forget(def);
    const uint16_t to = define(node.output());
    if (opcode == Opcode::CALL && !object_[to]) opcode = Opcode::CALL_SCALAR;
    put({opcode, to, site, static_cast<uint16_t>(words.size())});
    put_words(words);
  }

  void construct(Opcode opcode, const Node& node, const std::vector<const Def*>& dying) {
    call(opcode, node, 0, dying);
  }

  void fork(const Node& node, const std::vector<const Def*>& dying) {
    const Graph& sub = *node.subgraph;
    const Block& body = sub.root();
    code::CallSite site;
    if (body.nodes.size() == 1 && body.outputs.size() == 1 && body.outputs[0]->node == body.nodes[0] &&
        (body.nodes[0]->kind == Kind::kCallFunction || body.nodes[0]->kind == Kind::kCallMethod) &&
        body.nodes[0]->inputs == body.params) {
      const Node& inner = *body.nodes[0];
      site.name = inner.kind == Kind::kCallFunction ? inner.name
                                                    : inner.inputs.front()->type->name + "." + inner.name;
      site.result = inner.output()->type;
    } else {
      std::string name = fmt::format("{}.fork_{}", function_->name, function_->children.size());
      function_->children.push_back(emit(sub, name));
      site.name = std::move(name);
      site.result = function_->children.back()->result;
      site.target.store(function_->children.back().get(), std::memory_order_relaxed);
    }
    for (const Def* def : node.inputs) site.args.push_back(def->type);
    call(Opcode::FORK, node, add_site(std::move(site)), dying);
  }

  void cast(const Node& node, const std::vector<const Def*>& dying) {
    const Def* in = node.inputs[0];
    const Def* out = node.output();
    Location at = where(in);
    if (at.constant) at = {false, in_register(in)};
    if (in->type->kind == TypeKind::kOptional && equal(in->type->of.front(), out->type)) {
      put({Opcode::CHECK_PRESENT, at.index});
    } else if (!is_subtype(in->type, out->type)) {
      put({Opcode::CHECK_TYPE, at.index, type_index(out->type)});
    }
    const bool temporary = !temporaries_.empty();
    if (!temporary && contains(dying, in) && object_[at.index] == !is_scalar(*out->type) &&
        !hints_.contains(out)) {
      where_[out] = at;
      return;
    }
    const uint16_t to = define(out);
    put_move({to, at, false});
    kill(dying);
    end_temporaries();
  }

  uint16_t slot_site(const Node& node) {
    auto type = std::static_pointer_cast<const ObjectType>(node.inputs[0]->type);
    const int index = type->slot_index(node.name);
    if (function_->slots.size() >= 0xffff) too_many("attribute accesses");
    function_->slots.push_back({std::move(type), node.name, index});
    return static_cast<uint16_t>(function_->slots.size() - 1);
  }
  uint16_t type_index(const TypePtr& type) {
    std::vector<TypePtr>& types = function_->types;
    for (size_t i = 0; i < types.size(); ++i) {
      if (equal(types[i], type)) return static_cast<uint16_t>(i);
    }
    if (types.size() >= 0xffff) too_many("types");
    types.push_back(type);
    return static_cast<uint16_t>(types.size() - 1);
  }

  void if_(const Node& node, std::vector<const Def*> dying) {
    std::vector<const Def*> after_test;  // operands of a fused compare that die with it
    const Condition condition = take_condition(node.inputs[0], &after_test);
    // What a branch uses again dies there.
    std::vector<const Def*> in_branches;
    for (const Def* def : dying) {
      if (used_in(*node.blocks[0]).contains(def) || used_in(*node.blocks[1]).contains(def))
        in_branches.push_back(def);
    }
    std::erase_if(dying, [&](const Def* def) { return contains(in_branches, def); });
    dying.insert(dying.end(), after_test.begin(), after_test.end());

    Label otherwise;
    Label done;
    jump_on(condition, false, otherwise);
    // Scalars need no instruction; an object cannot be an operand of a compare or a condition.
    for (const Def* def : dying) forget(def);

    // Where the results go: where a phi around this `if` wants them, when what is there dies in the branches.
    std::vector<uint16_t> targets;
    for (const Def* out : node.outputs) {
      const bool object = !is_scalar(*out->type);
      uint16_t r = 0;
      bool found = false;
      if (const auto hint = hints_.find(out); hint != hints_.end() && object_[hint->second] == object) {
        r = hint->second;
        found = !occupied_[r] || std::any_of(in_branches.begin(), in_branches.end(), [&](const Def* def) {
          return !where(def).constant && where(def).index == r;
        });
        found = found && std::find(targets.begin(), targets.end(), r) == targets.end();
      }
      if (!found) {
        r = allocate(object);
        free_register(r);
      }
      ++reserved_[r];
      targets.push_back(r);
    }
    const std::vector<bool> at_entry = occupied_;
    auto branch = [&](const Block& b) {
      std::vector<bool> entry = at_entry;
      entry.resize(occupied_.size(), false);
      occupied_ = std::move(entry);
      block(b, targets, in_branches);
      if (!b.ends_in_exit()) moves(b.outputs, 0, targets, block_end_dying_);
    };
    branch(*node.blocks[0]);
    const Block& second = *node.blocks[1];
    const bool jump_over = !node.blocks[0]->ends_in_exit();
    // An else branch that needs no code needs no jump over it either; that is known only afterwards.
    const size_t jump_at = function_->code.size();
    if (jump_over) jump({Opcode::JUMP}, done, false);
    bind(otherwise);
    const size_t before = function_->code.size();
    branch(second);
    if (jump_over && function_->code.size() == before && before == jump_at + 1) {
      drop_jump(jump_at, &done, &otherwise);
    }
    bind(done);

    std::vector<bool> after = at_entry;
    after.resize(occupied_.size(), false);
    occupied_ = std::move(after);
    for (const Def* def : in_branches) forget(def);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      --reserved_[targets[i]];
      occupied_[targets[i]] = true;
      locate(node.outputs[i], targets[i]);
    }
  }

  // Takes back a jump to the next instruction, the last one emitted.
  void drop_jump(size_t at, Label* done, Label* otherwise) {
    function_->code.pop_back();
    done->uses.clear();
    bind(*otherwise);
    while (!function_->lines.empty() && function_->lines.back().pc >= at + 1) function_->lines.pop_back();
  }

  void loop(const Node& node, std::vector<const Def*> dying) {
    const Block& body = *node.blocks[0];
    auto frame = std::make_unique<LoopFrame>();
    const Def* trip = node.inputs[0];
    const Def* first_condition = node.inputs[1];
    frame->trip = where(trip);
    frame->counted =
        !(frame->trip.constant && function_->constants[frame->trip.index].as_int() == ir::kNoTripLimit);
    frame->turn_used = uses(body.params[0]) > 0;

    // The carried values: in place when the initial value dies here, else moved into registers of their own.
    std::vector<Def*> initial;
    std::vector<uint16_t> initial_to;
    std::vector<const Def*> in_place;
    for (size_t i = 2; i < node.inputs.size(); ++i) {
      const Def* def = node.inputs[i];
      const bool object = !is_scalar(*body.params[i - 1]->type);
      const Location at = where(def);
      const bool once = std::count(node.inputs.begin(), node.inputs.end(), def) == 1;
      // The turn of a loop around stays where it is after its last use: the loop counts with it.
      const bool turn = std::any_of(loops_.begin(), loops_.end(), [&](const auto& around) {
        return (around->counted || around->turn_used) && !at.constant && around->turn == at.index;
      });
      if (!at.constant && once && !turn && contains(dying, def) && !used_in(body).contains(def) &&
          object_[at.index] == object) {
        frame->carried.push_back(at.index);
        in_place.push_back(def);
        continue;
      }
      // Where a phi around this loop wants the result, if that is free.
      const Def* out = node.outputs[i - 2];
      const auto hint = hints_.find(out);
      uint16_t r = 0;
      if (hint != hints_.end() && object_[hint->second] == object && !occupied_[hint->second]) {
        r = hint->second;
        occupied_[r] = true;
      } else {
        r = allocate(object);
      }
      frame->carried.push_back(r);
      initial.push_back(node.inputs[i]);
      initial_to.push_back(r);
    }
    std::erase_if(dying, [&](const Def* def) { return contains(in_place, def); });
    moves(initial, 0, initial_to, {});
    for (const uint16_t r : frame->carried) ++reserved_[r];
    for (size_t i = 0; i < frame->carried.size(); ++i) locate(body.params[i + 1], frame->carried[i]);

    const bool has_turn = frame->counted || frame->turn_used;
    if (has_turn) {
      frame->turn = allocate(false);
      put({Opcode::LOAD_SCALAR, frame->turn, constant(Value(int64_t{0}))});
      ++reserved_[frame->turn];
      locate(body.params[0], frame->turn);
    } else {
      // Never read: any scalar register would do, none is needed.
      where_[body.params[0]] = {true, constant(Value(int64_t{0}))};
    }
    if (frame->counted) {
      if (frame->trip.constant) {
        if (function_->constants[frame->trip.index].as_int() <= 0) jump({Opcode::JUMP}, frame->exit, false);
      } else if (near_jumps_) {
        jump({Opcode::JUMP_GE_INT, frame->turn, frame->trip.index}, frame->exit, true);
      } else {
        test_far(Opcode::GE_INT, frame->turn, frame->trip.index, frame->exit);
      }
    }
    if (!is_true(first_condition)) jump_on({first_condition}, false, frame->exit);

    bind(frame->top);
    loops_.push_back(std::move(frame));
    LoopFrame& l = *loops_.back();
    const std::vector<bool> at_entry = occupied_;
    block(body, l.carried, {});
    if (!body.ends_in_exit()) {
      const std::vector<const Def*> at_end = block_end_dying_;
      std::vector<const Def*> dead = at_end;
      Condition condition = take_condition(body.outputs[0], &dead);
      finish_turn(l, condition, body.outputs, dead);
    }
    bind(l.exit);
    std::vector<bool> after = at_entry;
    after.resize(occupied_.size(), false);
    occupied_ = std::move(after);
    for (size_t i = 0; i < l.carried.size(); ++i) {
      --reserved_[l.carried[i]];
      locate(node.outputs[i], l.carried[i]);
    }
    if (has_turn) {
      --reserved_[l.turn];
      free_register(l.turn);
    }
    kill(dying);
    loops_.pop_back();
  }

  void test_far(Opcode compare, uint16_t a, uint16_t b, Label& label) {
    const uint16_t t = allocate(false);
    put({compare, t, a, b});
    jump({Opcode::JUMP_IF, t}, label, false);
    free_register(t);
  }

  // The end of a turn: carried values to their registers, then the jump back. `outputs`: condition, carried values.
  void finish_turn(LoopFrame& l, Condition condition, const std::vector<Def*>& outputs,
                   const std::vector<const Def*>& dying) {
    // The moves must not overwrite what the condition reads.
    auto clobbered = [&](const Def* def) {
      const Location at = where(def);
      if (at.constant) return false;
      for (size_t i = 1; i < outputs.size(); ++i) {
        const Location from = where(outputs[i]);
        if (l.carried[i - 1] == at.index && (from.constant || from.index != at.index)) return true;
      }
      return false;
    };
    uint16_t saved = 0;
    bool is_saved = false;
    const auto before = where_.find(condition.def);
    const std::optional<Location> restore =
        before == where_.end() ? std::nullopt : std::optional(before->second);
    auto save = [&] {
      saved = allocate(false);
      is_saved = true;
    };
    if (condition.fast) {
      if (clobbered(condition.node->inputs[0]) || clobbered(condition.node->inputs[1])) {
        save();
        const uint16_t a = in_register(condition.node->inputs[0]);
        const Location right = where(condition.node->inputs[1]);
        const uint16_t b = right.constant ? right.index : in_register(condition.node->inputs[1]);
        put({right.constant ? condition.fast->with_constant : condition.fast->plain, saved, a, b});
        end_temporaries();
        condition.fast = nullptr;
        locate(condition.def, saved);
      }
    } else if (clobbered(condition.def)) {
      save();
      put({Opcode::MOVE, saved, where(condition.def).index});
      locate(condition.def, saved);
    }
    moves(outputs, 1, l.carried, dying);
    if (l.counted) {
      if (condition.fast || !is_true(condition.def)) jump_on(condition, false, l.exit);
      if (near_jumps_) {
        jump({l.trip.constant ? Opcode::LOOP_K : Opcode::LOOP, l.turn, l.trip.index}, l.top, true);
      } else {
        const uint16_t t = allocate(false);
        put({Opcode::ADD_INT_K, l.turn, l.turn, constant(Value(int64_t{1}))});
        put({l.trip.constant ? Opcode::LT_INT_K : Opcode::LT_INT, t, l.turn, l.trip.index});
        jump({Opcode::JUMP_IF, t}, l.top, false);
        free_register(t);
      }
    } else {
      if (l.turn_used) put({Opcode::ADD_INT_K, l.turn, l.turn, constant(Value(int64_t{1}))});
      jump_on(condition, true, l.top);
    }
    if (is_saved) free_register(saved);
    if (restore) where_[condition.def] = *restore;
  }

  const Graph& graph_;
  const bool near_jumps_;

  std::unordered_map<const Def*, int> uses_;
  std::unordered_map<const Block*, DefSet> used_;
  std::vector<std::unique_ptr<LoopFrame>> loops_;
  Condition pending_;
  std::vector<const Def*> pending_dying_;
  std::vector<const Def*> block_end_dying_;
};

}  // namespace

std::unique_ptr<code::Function> emit(const Graph& graph, std::string name) {
  if (name.empty()) name = graph.name;
  try {
    return Emitter(graph, name, true).run();
  } catch (const TooFar&) {
    return Emitter(graph, name, false).run();
  }
}

}  // namespace tine::compile
