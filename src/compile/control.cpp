#include <algorithm>

#include "src/compile/function_compiler.h"

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
      case StmtKind::kWhile: add(syntax::as<syntax::While>(s).body); break;
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

}  // namespace

bool FunctionCompiler::if_statement(const syntax::If& s) {
  Condition c = condition(*s.condition);
  if (c.known.has_value()) return body(*c.known ? s.then : s.otherwise);
  here(s.span);
  Node* node = builder_.if_(c.value);
  Scope scopes[2];
  bool exited[2];
  const std::vector<Refinement>* refinements[2] = {&c.when_true, &c.when_false};
  for (int i = 0; i < 2; ++i) {
    const In in(*this, *node->blocks[static_cast<size_t>(i)]);
    Inner inner(*this);
    refine(*refinements[i]);
    exited[i] = body(i == 0 ? s.then : s.otherwise);
    scopes[i] = inner.take();
  }
  here(s.span);
  return merge(node, exited, scopes, refinements, s.span);
}

bool FunctionCompiler::merge(Node* node, bool exited[2], Scope scopes[2],
                             const std::vector<Refinement>* refinements[2], Span span) {
  if (exited[0] && exited[1]) return true;
  const auto assigned_in = [&](int i, std::string_view name) -> const Variable* {
    const auto found = scopes[i].variables.find(name);
    return found != scopes[i].variables.end() && found->second.assigned ? &found->second : nullptr;
  };
  if (exited[0] || exited[1]) {
    // Control comes out of one branch alone: its variables hold from here on, and what its condition told.
    const int alive = exited[0] ? 1 : 0;
    std::vector<Refinement> told;
    for (const Refinement& r : *refinements[alive]) {
      if (!assigned_in(alive, r.name)) told.push_back(r);
    }
    refine(told);
    for (const std::string_view name : scopes[alive].order) {
      const Variable* v = assigned_in(alive, name);
      if (!v) continue;
      Variable out = *v;
      if (v->def) {
        node->blocks[static_cast<size_t>(alive)]->outputs.push_back(v->def);
        out.def = graph_->add_output(*node, v->def->type, std::string(name));
      }
      set(name, std::move(out));
    }
    return false;
  }
  std::vector<std::string_view> names;
  for (const std::string_view name : scopes[0].order) {
    if (assigned_in(0, name)) names.push_back(name);
  }
  for (const std::string_view name : scopes[1].order) {
    if (assigned_in(1, name) && !assigned_in(0, name)) names.push_back(name);
  }
  for (const std::string_view name : names) {
    const Variable* outer = find(name);
    const Variable* sides[2];
    for (int i = 0; i < 2; ++i) {
      const auto found = scopes[i].variables.find(name);
      sides[i] = found != scopes[i].variables.end() ? &found->second : outer;
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
      out.why = other && !other->why.empty() ? other->why
                                             : fmt::format(
                                                   "`{}` may be undefined here: it is assigned in only one "
                                                   "branch of the `if` at {}; give it a value before",
                                                   name, at(span).str());
      set(name, std::move(out));
      continue;
    }
    Def* defs[2] = {sides[0]->def, sides[1]->def};
    TypePtr type = join_types(defs[0]->type, defs[1]->type);
    if (!type && out.declared && is_subtype(defs[0]->type, out.declared) &&
        is_subtype(defs[1]->type, out.declared))
      type = out.declared;
    // An empty list that nobody has filled takes the type of the other branch's.
    for (size_t i = 0; i < 2 && !type; ++i) {
      Def* d = defs[i];
      const bool empty = d->node && d->node->kind == ir::Kind::kListConstruct && d->node->inputs.empty();
      const ir::Block& block = *node->blocks[i];
      if (empty && d->node->owner == &block && defs[1 - i]->type->kind == TypeKind::kList && !out.declared &&
          !uses(block, d)) {
        type = d->type = defs[1 - i]->type;
      }
    }
    if (!type) {
      out.why = fmt::format(
          "`{}` is {} after one branch of the `if` at {} and {} after the other; give it one type", name,
          defs[0]->type->str(), at(span).str(), defs[1]->type->str());
      set(name, std::move(out));
      continue;
    }
    for (size_t i = 0; i < 2; ++i) node->blocks[i]->outputs.push_back(defs[i]);
    out.def = graph_->add_output(*node, std::move(type), std::string(name));
    set(name, std::move(out));
  }
  return false;
}

std::vector<Def*> FunctionCompiler::carried_now(Loop& loop, Span span) {
  std::vector<Def*> defs;
  for (size_t i = 0; i < loop.carried.size(); ++i) {
    const std::string_view name = loop.carried[i];
    const Variable* v = find(name);
    if (!v->def) fail(span, fmt::format("{} (it is needed in the loop's next turn)", v->why));
    Def* def = v->def;
    if (!is_subtype(def->type, loop.types[i])) {
      const TypePtr wider = join_types(loop.types[i], def->type);
      if (!wider) {
        fail(span, fmt::format("`{}` is {} before the loop's turn and {} after it; give it one type", name,
                               loop.types[i]->str(), def->type->str()));
      }
      loop.types[i] = wider;
      (*loop.widened)[name] = wider;
      loop.widens = true;
    }
    defs.push_back(def);
  }
  return defs;
}

// What holds where the condition does, by the types that the variables have here; its nodes go into no block.
std::vector<FunctionCompiler::Refinement> FunctionCompiler::told_by(const syntax::Expr& e) {
  const In in(*this, *graph_->add_block(*graph_->create(ir::Kind::kIf, {})));
  const Inner inner(*this);
  return condition(e).when_true;
}

void FunctionCompiler::loop(const LoopPlan& plan) {
  const Span span = plan.statement->span;
  const ir::Builder before = builder_;
  const TypePtr result_before = result_;
  auto& widened = widened_[plan.statement];
  for (;;) {
    Loop loop;
    loop.widened = &widened;
    loop.next_condition = plan.next_condition;
    std::vector<Def*> initial;
    for (const std::string_view name : plan.assigned) {
      const Variable* v = find(name);
      if (!v || !v->def) continue;
      TypePtr type = v->def->type;
      if (const auto wide = widened.find(name); wide != widened.end()) {
        if (TypePtr both = join_types(type, wide->second)) type = std::move(both);
      }
      loop.carried.push_back(name);
      loop.types.push_back(std::move(type));
      initial.push_back(v->def);
    }
    here(span);
    Node* node = builder_.loop(plan.trips, plan.first_condition, initial);
    ir::Block& block = *node->blocks[0];
    for (size_t i = 0; i < initial.size(); ++i) {
      block.params[i + 1]->type = loop.types[i];
      node->outputs[i]->type = loop.types[i];
      node->outputs[i]->name = block.params[i + 1]->name = std::string(loop.carried[i]);
    }
    {
      const In in(*this, block);
      const Inner inner(*this);
      for (size_t i = 0; i < initial.size(); ++i) {
        set(loop.carried[i], Variable{block.params[i + 1], find(loop.carried[i])->declared, {}, true});
      }
      loops_.push_back(&loop);
      if (plan.condition) refine(told_by(*plan.condition));
      if (plan.begin_turn) plan.begin_turn(block.params[0]);
      if (!body(*plan.body)) {
        here(span);
        Def* next = plan.next_condition();
        std::vector<Def*> outputs = carried_now(loop, span);
        outputs.insert(outputs.begin(), next);
        block.outputs = std::move(outputs);
      }
      loops_.pop_back();
    }
    if (loop.widens) {
      graph_->remove(node);
      result_ = result_before;
      continue;
    }
    builder_ = before;
    for (size_t i = 0; i < loop.carried.size(); ++i) {
      set(loop.carried[i], Variable{node->outputs[i], find(loop.carried[i])->declared, {}, true});
    }
    for (const std::string_view name : plan.assigned) {
      if (const Variable* v = find(name); v && v->def) continue;
      set(name, Variable{nullptr, nullptr,
                         fmt::format("`{}` may be undefined here: it is assigned only inside the loop at {}; "
                                     "give it a value before",
                                     name, at(span).str()),
                         true});
    }
    return;
  }
}

bool FunctionCompiler::while_statement(const syntax::While& s) {
  Condition first = condition(*s.condition);
  if (first.known.has_value() && !*first.known) return false;
  const bool forever = first.known.has_value();
  here(s.span);
  AssignedNames names;
  names.add(s.body);
  LoopPlan plan;
  plan.statement = &s;
  plan.body = &s.body;
  plan.assigned = std::move(names.names);
  // Decided by a type that the loop's body may change: then it is no constant.
  const bool literal =
      s.condition->kind == syntax::ExprKind::kTrue || s.condition->kind == syntax::ExprKind::kInt;
  plan.first_condition = forever ? boolean(true) : first.value;
  plan.trips = integer(ir::kNoTripLimit);
  plan.condition = s.condition.get();
  plan.next_condition = [&]() -> Def* { return condition_value(condition(*s.condition)); };
  bool breaks = true;
  if (literal && forever) {
    plan.next_condition = [&]() -> Def* { return boolean(true); };
    const std::function<bool(const syntax::Body&)> leaves = [&](const syntax::Body& b) {
      return std::any_of(b.begin(), b.end(), [&](const syntax::StmtPtr& inner) {
        if (inner->kind == syntax::StmtKind::kBreak) return true;
        if (inner->kind != syntax::StmtKind::kIf) return false;
        const auto& i = syntax::as<syntax::If>(*inner);
        return leaves(i.then) || leaves(i.otherwise);
      });
    };
    breaks = leaves(s.body);
  }
  loop(plan);
  if (breaks) return false;
  // Control never comes here; the block needs an exit that says so.
  builder_.raise("RuntimeError", builder_.constant(Value("the end of an endless loop was reached")));
  return true;
}

bool FunctionCompiler::for_statement(const syntax::For& s) {
  const Iterable over = iterable(*s.iterable);
  here(s.span);
  if (over.modules) return unrolled(s, over);
  AssignedNames names;
  names.add_target(*s.target);
  names.add(s.body);
  LoopPlan plan;
  plan.statement = &s;
  plan.body = &s.body;
  plan.assigned = std::move(names.names);
  plan.trips = over.length;
  plan.first_condition = boolean(true);
  plan.next_condition = [this] { return boolean(true); };
  plan.begin_turn = [&](Def* turn) { bind_target(*s.target, over, turn); };
  loop(plan);
  return false;
}

// Each module has a type of its own, so each turn is compiled by itself.
bool FunctionCompiler::unrolled(const syntax::For& s, const Iterable& over) {
  Loop loop;
  loop.unrolled = true;
  bool exited = false;
  loops_.push_back(&loop);
  for (size_t i = 0; i < *over.modules && !exited; ++i) {
    here(s.span);
    bind_target(*s.target, over, integer(static_cast<int64_t>(i)));
    exited = body(s.body);
  }
  loops_.pop_back();
  return exited;
}

bool FunctionCompiler::loop_exit(bool is_break, Span span) {
  if (loops_.empty()) fail(span, fmt::format("`{}` stands outside a loop", is_break ? "break" : "continue"));
  Loop& loop = *loops_.back();
  if (loop.unrolled)
    fail(span, fmt::format("`{}` is not supported in a loop over modules; use `if` and `else`",
                           is_break ? "break" : "continue"));
  here(span);
  if (is_break) {
    builder_.break_(carried_now(loop, span));
  } else {
    Def* next = loop.next_condition();
    here(span);
    builder_.continue_(next, carried_now(loop, span));
  }
  return true;
}

}  // namespace tine::compile
