#include "src/compile/control.h"

#include <algorithm>
#include <unordered_set>

#include "src/compile/assignments.h"
#include "src/compile/conditions.h"
#include "src/compile/iteration.h"
#include "src/compile/returns.h"
#include "src/compile/statements.h"
#include "src/compile/withs.h"

namespace tine::compile {

using ir::Def;
using ir::Node;

namespace {

// Names that statements assign to, each once, in the order of the text.
class AssignedNames {
 public:
  void add(const syntax::Body& body) {
    for (const syntax::StmtPtr& s : body) add(*s);
  }
  void add_target(const syntax::Expr& e) {
    std::vector<std::string_view> found;
    target_names(e, &found);
    for (const std::string_view name : found) {
      if (seen_.insert(name).second) names.push_back(name);
    }
  }
  std::vector<std::string_view> names;

 private:
  void add(const syntax::Stmt& s) {
    using syntax::StmtKind;
    switch (s.kind) {
      case StmtKind::kAssign:
        for (const auto& target : syntax::as<syntax::Assign>(s).targets) add_target(*target);
        break;
      case StmtKind::kAnnAssign: add_target(*syntax::as<syntax::AnnAssign>(s).target); break;
      case StmtKind::kAugAssign: add_target(*syntax::as<syntax::AugAssign>(s).target); break;
      case StmtKind::kIf:
        add(syntax::as<syntax::If>(s).then);
        add(syntax::as<syntax::If>(s).otherwise);
        break;
      case StmtKind::kDelete:
        for (const auto& target : syntax::as<syntax::Delete>(s).targets) add_target(*target);
        break;
      case StmtKind::kWhile: add(syntax::as<syntax::While>(s).body); break;
      case StmtKind::kWith:
        if (const auto& w = syntax::as<syntax::With>(s); w.target) add_target(*w.target);
        add(syntax::as<syntax::With>(s).body);
        break;
      case StmtKind::kFor:
        add_target(*syntax::as<syntax::For>(s).target);
        add(syntax::as<syntax::For>(s).body);
        break;
      default: break;
    }
  }
  std::unordered_set<std::string_view> seen_;
};

bool uses(const ir::Block& block, const Def* def) {
  const auto holds = [def](const std::vector<Def*>& defs) {
    return std::find(defs.begin(), defs.end(), def) != defs.end();
  };
  if (holds(block.outputs)) return true;
  return std::any_of(block.nodes.begin(), block.nodes.end(), [&](const Node* n) {
    return holds(n->inputs) ||
           std::any_of(n->blocks.begin(), n->blocks.end(), [&](const ir::Block* b) { return uses(*b, def); });
  });
}

// Whether a `break` in these statements leaves the loop around them.
bool breaks_out(const syntax::Body& body) {
  return std::any_of(body.begin(), body.end(), [](const syntax::StmtPtr& s) {
    if (s->kind == syntax::StmtKind::kBreak) return true;
    if (s->kind == syntax::StmtKind::kWith) return breaks_out(syntax::as<syntax::With>(*s).body);
    if (s->kind != syntax::StmtKind::kIf) return false;
    const auto& i = syntax::as<syntax::If>(*s);
    return breaks_out(i.then) || breaks_out(i.otherwise);
  });
}

}  // namespace

// ---- if

const Variable* Control::Branch::assigned(std::string_view name) const {
  const Variable* v = scope.find(name);
  return v && v->assigned ? v : nullptr;
}

bool Control::if_(const syntax::If& s) {
  const Condition c = conditions_.of(*s.condition);
  if (c.known.has_value()) return statements_.body(*c.known ? s.then : s.otherwise);
  builder_.here(s.span);
  Node* node = builder_.if_(c.value);
  Branch branches[2];
  for (size_t i = 0; i < 2; ++i) {
    Branch& branch = branches[i];
    branch.block = node->blocks[i];
    branch.told = i == 0 ? &c.when_true : &c.when_false;
    const FunctionBuilder::In in(builder_, *branch.block);
    Scopes::Inner inner(scopes_);
    scopes_.refine(*branch.told);
    branch.exits = statements_.body(i == 0 ? s.then : s.otherwise);
    branch.scope = inner.take();
  }
  builder_.here(s.span);
  if (branches[0].exits && branches[1].exits) return true;
  if (branches[0].exits || branches[1].exits) {
    take_only(*node, branches[branches[0].exits ? 1 : 0]);
  } else {
    merge(*node, branches, s.span);
  }
  return false;
}

// One branch leaves, so control comes out of the other alone. After the `if` its variables are valid, and so is what the
// condition tells about variables that the branch did not assign to.
void Control::take_only(Node& node, const Branch& alive) {
  std::vector<Refinement> told;
  for (const Refinement& r : *alive.told) {
    if (!alive.assigned(r.name)) told.push_back(r);  // otherwise it tells about the variable's old value
  }
  scopes_.refine(told);
  for (const std::string_view name : alive.scope.order) {
    const Variable* v = alive.assigned(name);
    if (!v) {
      // What its own statements told: `elif` is an `if` in the branch.
      if (const Variable* own = alive.scope.find(name); own && own->def)
        scopes_.refine({{name, own->def->type}});
      continue;
    }
    Variable out = *v;
    if (v->def) {
      alive.block->outputs.push_back(v->def);
      out.def = builder_.graph().add_output(node, v->def->type, std::string(name));
    }
    scopes_.set(name, std::move(out));
  }
}

void Control::merge(Node& node, const Branch (&branches)[2], Span span) {
  std::vector<std::string_view> names;
  for (const std::string_view name : branches[0].scope.order) {
    if (branches[0].assigned(name)) names.push_back(name);
  }
  for (const std::string_view name : branches[1].scope.order) {
    if (branches[1].assigned(name) && !branches[0].assigned(name)) names.push_back(name);
  }
  for (const std::string_view name : names) scopes_.set(name, merged(name, node, branches, span));
}

// The variable after the `if`, for a name that at least one branch assigns to. If the two sides have no value in common,
// the entry has no value and only says why: this is an error only if the script uses the variable, as in Python.
Variable Control::merged(std::string_view name, Node& node, const Branch (&branches)[2], Span span) {
  const Variable* outer = scopes_.find(name);
  const Variable* sides[2];
  for (size_t i = 0; i < 2; ++i) {
    const Variable* own = branches[i].scope.find(name);
    sides[i] = own ? own : outer;
  }
  Variable out;
  out.assigned = true;
  if (sides[0] && sides[1] && sides[0]->declared && sides[1]->declared &&
      equal(sides[0]->declared, sides[1]->declared)) {
    out.declared = sides[0]->declared;
  } else if (outer) {
    out.declared = outer->declared;
  }
  const auto missing = [](const Variable* v) { return !v || !v->def; };
  if (missing(sides[0]) || missing(sides[1])) {
    const Variable* other = missing(sides[0]) ? sides[0] : sides[1];
    out.why = other && !other->why.empty()
                  ? other->why
                  : fmt::format(
                        "`{}` may be undefined here: it is assigned in only one branch of the `if` at "
                        "{}; give it a value before",
                        name, builder_.at(span).str());
    return out;
  }
  Def* defs[2] = {sides[0]->def, sides[1]->def};
  TypePtr type = join_types(defs[0]->type, defs[1]->type);
  if (!type && out.declared && is_subtype(defs[0]->type, out.declared) &&
      is_subtype(defs[1]->type, out.declared))
    type = out.declared;
  // `[]` is a List[Tensor] until it is known better. One that its branch made, and that no node has used yet, takes the type
  // of the list in the other branch.
  for (size_t i = 0; i < 2 && !type; ++i) {
    Def* d = defs[i];
    const ir::Block& block = *branches[i].block;
    const bool empty = d->node && d->node->kind == ir::Kind::kListConstruct && d->node->inputs.empty();
    if (empty && d->node->owner == &block && defs[1 - i]->type->kind == TypeKind::kList && !out.declared &&
        !uses(block, d)) {
      type = d->type = defs[1 - i]->type;
    }
  }
  if (!type) {
    out.why =
        fmt::format("`{}` is {} after one branch of the `if` at {} and {} after the other; give it one type",
                    name, defs[0]->type->str(), builder_.at(span).str(), defs[1]->type->str());
    return out;
  }
  for (size_t i = 0; i < 2; ++i) branches[i].block->outputs.push_back(defs[i]);
  out.def = builder_.graph().add_output(node, std::move(type), std::string(name));
  return out;
}

// ---- loops

// The carried values at this point: the end of an iteration, or a `break` or `continue`. If one has a wider type than the
// loop was begun with, the loop must be compiled again.
std::vector<Def*> Control::carried_now(Loop& loop, Span span) {
  std::vector<Def*> defs;
  for (size_t i = 0; i < loop.carried.size(); ++i) {
    const std::string_view name = loop.carried[i];
    const Variable* v = scopes_.find(name);
    if (!v->def) builder_.fail(span, fmt::format("{} (the loop's next iteration needs it)", v->why));
    Def* def = v->def;
    if (!is_subtype(def->type, loop.types[i])) {
      TypePtr wider = join_types(loop.types[i], def->type);
      // `x: Union[int, str] = 0` is an int until the loop makes it something else.
      if (!wider && v->declared && is_subtype(loop.types[i], v->declared) &&
          is_subtype(def->type, v->declared))
        wider = v->declared;
      if (!wider) {
        builder_.fail(
            span, fmt::format("`{}` is {} before an iteration of the loop and {} after it; give it one type",
                              name, loop.types[i]->str(), def->type->str()));
      }
      loop.types[i] = wider;
      (*loop.widened)[name] = wider;
      loop.widens = true;
    }
    defs.push_back(def);
  }
  return defs;
}

// The carried values: variables that the body assigns to and that have a value before the loop, with the types that earlier
// walks over the loop found.
Control::Loop Control::carried_into(const LoopPlan& plan, std::vector<Def*>* initial) {
  Loop loop;
  loop.withs = withs_.open();
  loop.widened = &widened_[plan.statement];
  loop.next_condition = plan.next_condition;
  for (const std::string_view name : plan.assigned) {
    const Variable* v = scopes_.find(name);
    if (!v || !v->def) continue;
    TypePtr type = v->def->type;
    if (const auto wide = loop.widened->find(name); wide != loop.widened->end()) {
      if (TypePtr both = join_types(type, wide->second)) type = std::move(both);
    }
    loop.carried.push_back(name);
    loop.types.push_back(std::move(type));
    initial->push_back(v->def);
  }
  return loop;
}

void Control::turn(const LoopPlan& plan, Loop& loop, ir::Block& block) {
  const FunctionBuilder::In in(builder_, block);
  const Scopes::Inner inner(scopes_);
  for (size_t i = 0; i < loop.carried.size(); ++i) {
    const std::string_view name = loop.carried[i];
    scopes_.set(name, Variable{block.params[i + 1], scopes_.find(name)->declared, {}, true});
  }
  loops_.push_back(&loop);
  if (plan.condition) scopes_.refine(conditions_.told_by(*plan.condition));
  if (plan.begin_turn) plan.begin_turn(block.params[0]);
  if (!statements_.body(*plan.body)) {
    const Span span = plan.statement->span;
    builder_.here(span);
    Def* next = plan.next_condition();
    block.outputs = carried_now(loop, span);
    block.outputs.insert(block.outputs.begin(), next);
  }
  loops_.pop_back();
}

// The type of a carried value must fit the value at the start of the loop and the values that iterations hand on, whose
// types are known only once the body is compiled. So the body is compiled with the types before the loop; if an iteration
// hands on a wider type, the node is removed and the body compiled again with that one. This ends, because each walk widens
// at least one variable and a type can be widened only a few times (T, Optional[T]).
void Control::loop(const LoopPlan& plan) {
  const Span span = plan.statement->span;
  const ir::Builder before = builder_.position();
  const TypePtr returns_before = returns_.inferred();
  for (;;) {
    std::vector<Def*> initial;
    Loop loop = carried_into(plan, &initial);
    builder_.here(span);
    Node* node = builder_.loop(plan.trips, plan.first_condition, initial);
    ir::Block& block = *node->blocks[0];
    for (size_t i = 0; i < initial.size(); ++i) {
      block.params[i + 1]->type = loop.types[i];
      node->outputs[i]->type = loop.types[i];
      node->outputs[i]->name = block.params[i + 1]->name = std::string(loop.carried[i]);
    }
    turn(plan, loop, block);
    if (loop.widens) {
      builder_.graph().remove(node);
      returns_.forget_since(returns_before);
      continue;
    }
    builder_.go_to(before);
    for (size_t i = 0; i < loop.carried.size(); ++i) {
      const std::string_view name = loop.carried[i];
      scopes_.set(name, Variable{node->outputs[i], scopes_.find(name)->declared, {}, true});
    }
    // The body may never run, so a variable that only the body assigns to has no value after the loop.
    for (const std::string_view name : plan.assigned) {
      if (const Variable* v = scopes_.find(name); v && v->def) continue;
      scopes_.set(
          name, Variable{nullptr, nullptr,
                         fmt::format("`{}` may be undefined here: it is assigned only inside the loop at {}; "
                                     "give it a value before",
                                     name, builder_.at(span).str()),
                         true});
    }
    return;
  }
}

bool Control::while_(const syntax::While& s) {
  const Condition first = conditions_.of(*s.condition);
  if (first.known.has_value() && !*first.known) return false;
  const bool forever = first.known.has_value();
  builder_.here(s.span);
  AssignedNames names;
  names.add(s.body);
  LoopPlan plan;
  plan.statement = &s;
  plan.body = &s.body;
  plan.assigned = std::move(names.names);
  plan.first_condition = forever ? builder_.boolean(true) : first.value;
  plan.trips = builder_.integer(ir::kNoTripLimit);
  plan.condition = s.condition.get();
  // `while True` never tests again. A condition that the types decided (`while x is None`) must test again, because the body
  // may change the types.
  const bool literal =
      s.condition->kind == syntax::ExprKind::kTrue || s.condition->kind == syntax::ExprKind::kInt;
  const bool endless = literal && forever;
  plan.next_condition = [&] {
    return endless ? builder_.boolean(true) : conditions_.value(conditions_.of(*s.condition));
  };
  loop(plan);
  if (!endless || breaks_out(s.body)) return false;
  // Control never comes here, but the verifier requires a block to end in outputs or in an exit.
  builder_.raise("RuntimeError", builder_.text("the end of an endless loop was reached"));
  return true;
}

bool Control::for_(const syntax::For& s) {
  const Iterable over = iteration_.over(*s.iterable);
  builder_.here(s.span);
  if (over.unrolled) return unrolled(s, over);
  AssignedNames names;
  names.add_target(*s.target);
  names.add(s.body);
  LoopPlan plan;
  plan.statement = &s;
  plan.body = &s.body;
  plan.assigned = std::move(names.names);
  plan.trips = over.length;
  plan.first_condition = builder_.boolean(true);
  plan.next_condition = [this] { return builder_.boolean(true); };
  plan.begin_turn = [&](Def* turn) { iteration_.bind_target(*s.target, over, turn); };
  loop(plan);
  return false;
}

// Each element has a type of its own, so the body is compiled once for each.
bool Control::unrolled(const syntax::For& s, const Iterable& over) {
  Loop loop;
  loop.unrolled = true;
  bool exited = false;
  loops_.push_back(&loop);
  for (size_t i = 0; i < *over.unrolled && !exited; ++i) {
    builder_.here(s.span);
    iteration_.bind_target(*s.target, over, builder_.integer(static_cast<int64_t>(i)));
    exited = statements_.body(s.body);
  }
  loops_.pop_back();
  return exited;
}

void Control::leave_turn(bool is_break, Span span) {
  const std::string_view word = is_break ? "break" : "continue";
  if (loops_.empty()) builder_.fail(span, fmt::format("`{}` outside a loop", word));
  Loop& loop = *loops_.back();
  if (loop.unrolled)
    builder_.fail(
        span,
        fmt::format("`{}` is not supported in a loop over modules or over a tuple of several types, which is "
                    "compiled once for each element; use `if` and `else`",
                    word));
  builder_.here(span);
  withs_.leave(loop.withs, span);
  builder_.here(span);
  if (is_break) {
    builder_.break_(carried_now(loop, span));
  } else {
    Def* next = loop.next_condition();
    builder_.here(span);
    builder_.continue_(next, carried_now(loop, span));
  }
}

}  // namespace tine::compile
