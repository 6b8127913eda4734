// The walk over a graph's blocks: branches, loops, and the registers in which their values meet.
//
// A graph has no phis: the outputs of an `if` and the carried values of a loop take their place. The emitter chooses a
// register for each of these, its target, and moves the values there at the end of each block. What holds:
//   1. occupied_[r]: at this point of the code, r holds a value that is still needed.
//   2. reserved_[r] > 0: r is the target of an `if` or loop around this point. Only a value that is meant for it may be
//      put there (hints_).
//   3. All paths to a label agree on occupied_: each branch starts with that of the `if`, and ends with the targets.

#include "src/compile/emit.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "src/compile/fast_ops.h"
#include "src/compile/node_code.h"

namespace tine::compile {
namespace {

using ir::Block;
using ir::Graph;
using ir::Kind;
using ir::Node;

class Emitter : NodeCode {
 public:
  // `borrows`: the first parameter stays the caller's.
  Emitter(const Graph& graph, std::string name, bool near_jumps, bool borrows)
      : NodeCode(std::move(name), graph), graph_(graph), near_jumps_(near_jumps) {
    if (!borrows) return;
    borrowed_ = graph.inputs().front();
    liveness_.keep(borrowed_);
  }

  std::unique_ptr<code::Function> run() {
    code::Function& f = *function_;
    for (const Def* def : graph_.inputs()) {
      f.params.push_back(def->type);
      f.param_names.push_back(def->name);
      locate(def, new_register(!is_scalar(*def->type)));
    }
    f.result = graph_.returns.empty() ? Type::none() : graph_.returns.front();
    const Block& root = graph_.root();
    block(root, {}, {});
    if (!root.ends_in_exit()) return_first(root.outputs);
    f.registers = static_cast<int>(object_.size());
    for (size_t r = 0; r < object_.size(); ++r) {
      if (!object_[r] || (borrowed_ && r == 0)) continue;
      f.object_registers.push_back(static_cast<uint16_t>(r));
      if (r < f.params.size()) ++f.object_params;
    }
    return std::move(function_);
  }

 private:
  struct LoopFrame {
    std::vector<uint16_t> carried;
    Location trip;
    bool counted = false;    // it has a trip count; otherwise only its condition ends it
    bool turn_used = false;  // the body reads the number of the iteration
    uint16_t turn = 0;
    Label top;
    Label exit;
    [[nodiscard]] bool has_turn() const { return counted || turn_used; }
  };
  // What a jump tests: a value, or a comparison that was not emitted because the jump can do it.
  struct Condition {
    const Def* def = nullptr;
    const FastOp* fast = nullptr;  // null: `def` is in a register
    const Node* node = nullptr;
  };

  // ---- blocks

  // Emits the nodes of a block, not the moves at its end. `targets`: the registers of its last outputs (none for the root).
  // `dying`: values from outside whose last use, on this path, is in this block.
  void block(const Block& b, const std::vector<uint16_t>& targets, const DefList& dying) {
    Deaths deaths = liveness_.deaths_in(b, dying);
    kill(deaths.at_start);
    // An output that this block computes is computed in its target if that is free at that point: this saves the move.
    const size_t first_target = b.outputs.size() - std::min(targets.size(), b.outputs.size());
    for (size_t i = first_target; i < b.outputs.size(); ++i) {
      const Def* def = b.outputs[i];
      if (def->node && def->node->owner == &b) hints_.try_emplace(def, targets[i - first_target]);
    }
    for (size_t i = 0; i < b.nodes.size(); ++i) {
      const Node& node = *b.nodes[i];
      DefList dead = std::move(deaths.after[&node]);
      if (const FastOp* fast = deferred(b, i)) {
        pending_ = {node.output(), fast, &node};
        pending_dying_ = std::move(dead);
        continue;
      }
      emit_node(node, std::move(dead));
      // A result that is not used dies here, because no node is its last use.
      for (const Def* def : node.outputs) {
        if (!deaths.used.contains(def) && where_.contains(def)) kill({def});
      }
    }
    block_end_dying_ = std::move(deaths.at_end);
  }

  void emit_node(const Node& node, DefList dying) {
    if (node.span.line > 0) span_ = &node.span;
    switch (node.kind) {
      case Kind::kIf: return if_(node, std::move(dying));
      case Kind::kLoop: return loop(node, std::move(dying));
      case Kind::kReturn: return return_first(node.inputs);
      case Kind::kBreak:
        moves(node.inputs, 0, loops_.back()->carried, dying);
        jump({Opcode::JUMP}, loops_.back()->exit, false);
        return;
      case Kind::kContinue:
        finish_turn(*loops_.back(), {node.inputs.front()}, node.inputs, dying);
        jump({Opcode::JUMP}, loops_.back()->exit, false);
        return;
      case Kind::kRaise: {
        ErrorKind kind = ErrorKind::kRuntime;
        kind_named(node.name, &kind);
        const Location at = where(node.inputs.front());
        put({at.constant ? Opcode::RAISE_K : Opcode::RAISE, at.index, static_cast<uint16_t>(kind)});
        return;
      }
      default: return plain_node(node, dying);
    }
  }

  void return_first(const std::vector<Def*>& values) {
    if (values.empty()) {
      put({Opcode::RETURN_K, constant(Value())});
    } else {
      put_return(values.front());
    }
  }

  // ---- conditions

  // The comparison that node `i` is, if the jump after it can do it: nothing else uses its result, and it is the last node
  // before the `if` or before the end of the loop's body. Nothing in between changes a register that it reads, except for
  // the moves at the end of a body, for which save_condition() cares.
  const FastOp* deferred(const Block& b, size_t i) {
    const Node& node = *b.nodes[i];
    if (!near_jumps_ || node.kind != Kind::kOp || node.outputs.size() != 1 ||
        liveness_.uses(node.output()) != 1)
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

  // The condition, with its comparison if that was deferred. Operands that the comparison was the last to use are added to
  // `dying`: they die at the jump.
  Condition take_condition(const Def* def, DefList* dying) {
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

  // ---- if

  void if_(const Node& node, DefList dying) {
    DefList after_test;
    const Condition condition = take_condition(node.inputs[0], &after_test);
    // `dying` are the values that the `if` is the last to use. Those that a branch uses die in the branches; the others die
    // at the test.
    DefList in_branches;
    for (const Def* def : dying) {
      if (liveness_.used_in(*node.blocks[0]).contains(def) ||
          liveness_.used_in(*node.blocks[1]).contains(def))
        in_branches.push_back(def);
    }
    std::erase_if(dying, [&](const Def* def) { return contains(in_branches, def); });
    dying.insert(dying.end(), after_test.begin(), after_test.end());

    Label otherwise;
    Label done;
    jump_on(condition, false, otherwise);
    // No RELEASE is needed: conditions and operands of comparisons are scalars.
    for (const Def* def : dying) forget(def);

    const std::vector<uint16_t> targets = result_registers(node, in_branches);
    const std::vector<bool> at_entry = occupied();
    const auto branch = [&](const Block& b) {
      restore_occupied(at_entry);
      block(b, targets, in_branches);
      if (!b.ends_in_exit()) moves(b.outputs, 0, targets, block_end_dying_);
    };
    branch(*node.blocks[0]);
    const bool jump_over = !node.blocks[0]->ends_in_exit();
    // Whether the else branch needs any code is known only after it was emitted. If it does not, the jump over it is taken
    // back.
    const size_t jump_at = function_->code.size();
    if (jump_over) jump({Opcode::JUMP}, done, false);
    bind(otherwise);
    const size_t before = function_->code.size();
    branch(*node.blocks[1]);
    if (jump_over && function_->code.size() == before && before == jump_at + 1)
      drop_jump(jump_at, &done, &otherwise);
    bind(done);

    restore_occupied(at_entry);
    for (const Def* def : in_branches) forget(def);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      --reserved_[targets[i]];
      occupied_[targets[i]] = true;
      locate(node.outputs[i], targets[i]);
    }
  }

  // The targets of an `if`. A result that goes into a target around this `if` gets that one, unless it holds a value that is
  // needed after the branches. The targets are reserved, so that no branch uses one for another value. They become
  // occupied where the branches meet.
  std::vector<uint16_t> result_registers(const Node& node, const DefList& in_branches) {
    std::vector<uint16_t> targets;
    for (const Def* out : node.outputs) {
      const bool object = !is_scalar(*out->type);
      const auto hint = hints_.find(out);
      const auto wanted = [&](uint16_t r) {
        if (is_object(r) != object || std::find(targets.begin(), targets.end(), r) != targets.end())
          return false;
        return !occupied_[r] || std::any_of(in_branches.begin(), in_branches.end(), [&](const Def* def) {
          return !where(def).constant && where(def).index == r;
        });
      };
      uint16_t r;
      if (hint != hints_.end() && wanted(hint->second)) {
        r = hint->second;
      } else {
        r = allocate(object);
        free_register(r);
      }
      ++reserved_[r];
      targets.push_back(r);
    }
    return targets;
  }

  // Removes a jump to the next instruction, which is the last one emitted.
  void drop_jump(size_t at, Label* done, Label* otherwise) {
    function_->code.pop_back();
    done->uses.clear();
    bind(*otherwise);
    while (!function_->lines.empty() && function_->lines.back().pc >= at + 1) function_->lines.pop_back();
  }

  // ---- loops

  void loop(const Node& node, DefList dying) {
    const Block& body = *node.blocks[0];
    loops_.push_back(std::make_unique<LoopFrame>());
    LoopFrame& l = *loops_.back();
    carry_in(node, l, &dying);
    begin_turns(node, l);
    if (!is_true(node.inputs[1])) jump_on({node.inputs[1]}, false, l.exit);

    bind(l.top);
    const std::vector<bool> at_entry = occupied();
    block(body, l.carried, {});
    if (!body.ends_in_exit()) {
      DefList dead = block_end_dying_;
      const Condition condition = take_condition(body.outputs[0], &dead);
      finish_turn(l, condition, body.outputs, dead);
    }
    bind(l.exit);
    restore_occupied(at_entry);
    for (size_t i = 0; i < l.carried.size(); ++i) {
      --reserved_[l.carried[i]];
      locate(node.outputs[i], l.carried[i]);
    }
    if (l.has_turn()) {
      --reserved_[l.turn];
      free_register(l.turn);
    }
    kill(dying);
    loops_.pop_back();
  }

  // Chooses the targets of the carried values and moves the initial values there. A value that dies at the loop and that the
  // body does not use stays in its register, which becomes the target, and is dropped from `dying`.
  void carry_in(const Node& node, LoopFrame& l, DefList* dying) {
    const Block& body = *node.blocks[0];
    std::vector<Def*> initial;
    std::vector<uint16_t> initial_to;
    DefList in_place;
    for (size_t i = 2; i < node.inputs.size(); ++i) {
      const Def* def = node.inputs[i];
      const bool object = !is_scalar(*body.params[i - 1]->type);
      const Location at = where(def);
      const bool once = std::count(node.inputs.begin(), node.inputs.end(), def) == 1;
      if (!at.constant && once && !is_turn(at.index) && contains(*dying, def) &&
          !liveness_.used_in(body).contains(def) && is_object(at.index) == object) {
        l.carried.push_back(at.index);
        in_place.push_back(def);
        continue;
      }
      // The target that is wanted around this loop, if it is free.
      const auto hint = hints_.find(node.outputs[i - 2]);
      uint16_t r = 0;
      if (hint != hints_.end() && is_object(hint->second) == object && !occupied_[hint->second]) {
        r = hint->second;
        occupied_[r] = true;
      } else {
        r = allocate(object);
      }
      l.carried.push_back(r);
      initial.push_back(node.inputs[i]);
      initial_to.push_back(r);
    }
    std::erase_if(*dying, [&](const Def* def) { return contains(in_place, def); });
    moves(initial, 0, initial_to, {});
    for (const uint16_t r : l.carried) ++reserved_[r];
    for (size_t i = 0; i < l.carried.size(); ++i) locate(body.params[i + 1], l.carried[i]);
  }

  // Whether a loop around counts its iterations in this register. It still needs the register after the last use of the
  // number in the body.
  bool is_turn(uint16_t r) const {
    return std::any_of(loops_.begin(), loops_.end(),
                       [&](const auto& around) { return around->has_turn() && around->turn == r; });
  }

  // Sets the number of the iteration to 0, and jumps past the loop if the trip count is 0.
  void begin_turns(const Node& node, LoopFrame& l) {
    const Def* turn = node.blocks[0]->params[0];
    l.trip = where(node.inputs[0]);
    l.counted = !(l.trip.constant && function_->constants[l.trip.index].as_int() == ir::kNoTripLimit);
    l.turn_used = liveness_.uses(turn) > 0;
    if (l.has_turn()) {
      l.turn = allocate(false);
      put({Opcode::LOAD_SCALAR, l.turn, constant(Value(int64_t{0}))});
      ++reserved_[l.turn];
      locate(turn, l.turn);
    } else {
      // The number is never read, so it needs no register.
      where_[turn] = {true, constant(Value(int64_t{0}))};
    }
    if (!l.counted) return;
    if (l.trip.constant) {
      if (function_->constants[l.trip.index].as_int() <= 0) jump({Opcode::JUMP}, l.exit, false);
    } else if (near_jumps_) {
      jump({Opcode::JUMP_GE_INT, l.turn, l.trip.index}, l.exit, true);
    } else {
      test_far(Opcode::GE_INT, l.turn, l.trip.index, l.exit);
    }
  }

  void test_far(Opcode compare, uint16_t a, uint16_t b, Label& label) {
    const uint16_t t = allocate(false);
    put({compare, t, a, b});
    jump({Opcode::JUMP_IF, t}, label, false);
    free_register(t);
  }

  // The end of an iteration: moves the carried values to their targets, then tests and jumps back. `outputs`: the condition,
  // then the carried values.
  void finish_turn(LoopFrame& l, Condition condition, const std::vector<Def*>& outputs,
                   const DefList& dying) {
    // A `continue` that saves the condition in another register must not change where the rest of the body finds it.
    const auto before = where_.find(condition.def);
    const std::optional<Location> restore =
        before == where_.end() ? std::nullopt : std::optional(before->second);
    const std::optional<uint16_t> saved = save_condition(l, &condition, outputs);
    moves(outputs, 1, l.carried, dying);
    if (l.counted) {
      if (condition.fast || !is_true(condition.def)) jump_on(condition, false, l.exit);
      if (near_jumps_) {
        jump({l.trip.constant ? Opcode::LOOP_K : Opcode::LOOP, l.turn, l.trip.index}, l.top, true);
      } else {
        next_turn(l);
        test_far(l.trip.constant ? Opcode::LT_INT_K : Opcode::LT_INT, l.turn, l.trip.index, l.top);
      }
    } else {
      if (l.turn_used) next_turn(l);
      jump_on(condition, true, l.top);
    }
    if (saved) free_register(*saved);
    if (restore) where_[condition.def] = *restore;
  }

  void next_turn(const LoopFrame& l) {
    put({Opcode::ADD_INT_K, l.turn, l.turn, constant(Value(int64_t{1}))});
  }

  // The moves at the end of an iteration come before the test, so they may overwrite a register that the condition reads.
  // If they would, the condition is computed before them, into the register that this returns.
  std::optional<uint16_t> save_condition(const LoopFrame& l, Condition* condition,
                                         const std::vector<Def*>& outputs) {
    const auto clobbered = [&](const Def* def) {
      const Location at = where(def);
      if (at.constant) return false;
      for (size_t i = 1; i < outputs.size(); ++i) {
        const Location from = where(outputs[i]);
        if (l.carried[i - 1] == at.index && (from.constant || from.index != at.index)) return true;
      }
      return false;
    };
    if (!condition->fast) {
      if (!clobbered(condition->def)) return std::nullopt;
      const uint16_t saved = allocate(false);
      put({Opcode::MOVE, saved, where(condition->def).index});
      locate(condition->def, saved);
      return saved;
    }
    const Def* left = condition->node->inputs[0];
    const Def* right = condition->node->inputs[1];
    if (!clobbered(left) && !clobbered(right)) return std::nullopt;
    const uint16_t saved = allocate(false);
    const FastOp& fast = *condition->fast;
    const uint16_t a = in_register(left);
    const bool with_constant = where(right).constant;
    const uint16_t b = with_constant ? where(right).index : in_register(right);
    put({with_constant ? fast.with_constant : fast.plain, saved, a, b});
    end_temporaries();
    condition->fast = nullptr;
    locate(condition->def, saved);
    return saved;
  }

  const Graph& graph_;
  const bool near_jumps_;

  std::vector<std::unique_ptr<LoopFrame>> loops_;
  Condition pending_;
  DefList pending_dying_;
  DefList block_end_dying_;
};

std::unique_ptr<code::Function> emitted(const Graph& graph, const std::string& name, bool borrows) {
  try {
    return Emitter(graph, name, true, borrows).run();
  } catch (const TooFar&) {
    return Emitter(graph, name, false, borrows).run();
  }
}

// Whether a call finds it by its object's class: CALL_ON asks for "Class.method".
bool is_method(const Graph& graph, const std::string& name) {
  if (graph.inputs().empty()) return false;
  const Type& self = *graph.inputs().front()->type;
  return is_class(self) && name.rfind('.') == self.name.size() && name.starts_with(self.name);
}

}  // namespace

std::unique_ptr<code::Function> emit(const Graph& graph, std::string name) {
  if (name.empty()) name = graph.name;
  std::unique_ptr<code::Function> function = emitted(graph, name, false);
  if (is_method(graph, name)) function->borrowing = emitted(graph, name, true);
  return function;
}

std::unique_ptr<code::Function> emit_fork(const Graph& graph, const std::string& name) {
  return emitted(graph, name, false);
}

}  // namespace tine::compile
