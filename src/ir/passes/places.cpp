#include "src/ir/passes/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

#include "src/ir/passes/rewrite.h"

namespace tine::ir::places {
namespace {

bool is_mutable(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNone:
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber:
    case TypeKind::kStr:
    case TypeKind::kFunction:
    case TypeKind::kEnum:
    case TypeKind::kRRef: return false;
    case TypeKind::kOptional:
    case TypeKind::kUnion:
    case TypeKind::kTuple:
      return std::any_of(type.of.begin(), type.of.end(), [](const TypePtr& t) { return is_mutable(*t); });
    default: return true;
  }
}
bool holds_values(const Type& type) { return type.kind != TypeKind::kTensor && is_mutable(type); }

// These look at the shape, the dtype or the place of a Tensor, not at its elements.
constexpr std::array<std::string_view, 22> kOfShape = {
    "aten::size",       "aten::dim",           "aten::numel",
    "aten::stride",     "aten::is_contiguous", "prim::dtype",
    "prim::device",     "aten::requires_grad", "aten::is_floating_point",
    "aten::zeros_like", "aten::ones_like",     "aten::empty_like",
    "aten::full_like",  "aten::rand_like",     "aten::randn_like",
    "aten::new_zeros",  "aten::new_ones",      "aten::new_full",
    "aten::new_empty",  "aten::element_size",  "aten::storage_offset",
    "aten::is_complex"};
bool is_of_shape(std::string_view name) {
  return std::find(kOfShape.begin(), kOfShape.end(), name) != kOfShape.end();
}

}  // namespace

std::optional<int64_t> number(const Index& index) {
  if (index.constant.empty() || index.constant.find_first_not_of("-0123456789") != std::string::npos)
    return std::nullopt;
  return std::strtoll(index.constant.c_str(), nullptr, 10);
}

void Analysis::run() {
  for (size_t i = 0; i < graph_.inputs().size(); ++i) {
    if (!is_mutable(*graph_.inputs()[i]->type)) continue;
    Loc loc;
    loc.kind = Loc::kInput;
    loc.input = static_cast<int>(i);
    own_[graph_.inputs()[i]].insert(intern(loc));
  }
  // Until nothing is new. Names of parts of parts could grow for ever, so the rounds and their length are bounded.
  for (int round = 0; round < 8; ++round) {
    const size_t before = size_;
    block(graph_.root());
    if (size_ == before) break;
  }
  summarize();
}

// --- Locations

const Loc* Analysis::intern(const Loc& loc) {
  const auto key = std::tuple(loc.kind, loc.base, loc.input, loc.node, loc.field, loc.part);
  const auto found = locs_.find(key);
  if (found != locs_.end()) return found->second;
  return locs_[key] = &all_.emplace_back(loc);
}

const Loc* Analysis::fresh(const Node& node) {
  Loc loc;
  loc.kind = Loc::kFresh;
  loc.node = &node;
  return intern(loc);
}

const Loc* Analysis::contents(const Loc* base) {
  if (base->kind == Loc::kContents) return base;
  Loc loc;
  loc.kind = Loc::kContents;
  loc.base = base;
  return intern(loc);
}

const Loc* Analysis::field(const Loc* base, const std::string& name) {
  Loc loc;
  loc.kind = Loc::kField;
  loc.base = base;
  loc.field = name;
  return intern(loc);
}

const Loc* Analysis::part(const Loc* base, Part which) {
  int depth = 0;
  for (const Loc* at = base; at; at = at->base) ++depth;
  if (depth > 6) return base;
  Loc loc;
  loc.kind = Loc::kPart;
  loc.base = base;
  loc.part = std::move(which);
  return intern(loc);
}

void Analysis::add(const Def* def, const Locs& locs) {
  if (!is_mutable(*def->type)) return;
  Locs& to = own_[def];
  const size_t before = to.size();
  to.insert(locs.begin(), locs.end());
  size_ += to.size() - before;
}

void Analysis::put(const Locs& into, const Locs& what) {
  for (const Loc* loc : into) {
    Locs& to = holds_[loc];
    const size_t before = to.size();
    to.insert(what.begin(), what.end());
    size_ += to.size() - before;
  }
}

Locs Analysis::inside(const Loc* loc) {
  Locs out;
  if (const auto found = holds_.find(loc); found != holds_.end()) out = found->second;
  if (loc->kind == Loc::kPart) {
    const Locs whole = inside(loc->base);
    out.insert(whole.begin(), whole.end());
  } else if (loc->root()->kind == Loc::kInput) {
    out.insert(contents(loc));
  }
  return out;
}

Locs Analysis::inside(const Locs& locs) {
  Locs out;
  for (const Loc* loc : locs) out.merge(inside(loc));
  return out;
}

Locs Analysis::reach(const Locs& from) {
  Locs out = from, last = from;
  for (int depth = 0; depth < 4 && !last.empty(); ++depth) {
    Locs next;
    for (const Loc* loc : inside(last)) {
      if (out.insert(loc).second) next.insert(loc);
    }
    last = std::move(next);
  }
  return out;
}

Index Analysis::index_of(const Def* def) {
  if (def->node && def->node->kind == Kind::kConstant) {
    const Value& value = def->node->constant;
    return {value.is_none() ? std::string() : value.repr(), nullptr};
  }
  return {{}, def};
}

Locs Analysis::parts(const Locs& of, const Part& which) {
  Locs out;
  for (const Loc* loc : of) out.insert(part(loc, which));
  return out;
}

// --- What the values may be

void Analysis::block(const Block& b) {
  for (const Node* n : b.nodes) {
    node(*n);
    for (const Block* inner : n->blocks) block(*inner);
    if (n->kind == Kind::kIf) {
      for (const Block* inner : n->blocks) join(inner->outputs, n->outputs);
    }
    if (n->kind == Kind::kLoop) {
      const Block& body = *n->blocks[0];
      for (size_t i = 0; i < n->outputs.size(); ++i) {
        add(body.params[i + 1], own(n->inputs[i + 2]));
        if (!body.outputs.empty()) add(body.params[i + 1], own(body.outputs[i + 1]));
        add(n->outputs[i], own(body.params[i + 1]));
      }
      leave(*n, body);
    }
  }
}

void Analysis::join(const std::vector<Def*>& from, const std::vector<Def*>& to) {
  for (size_t i = 0; i < to.size() && i < from.size(); ++i) add(to[i], own(from[i]));
}

void Analysis::leave(const Node& loop, const Block& body) {
  for (const Node* n : body.nodes) {
    if (n->kind == Kind::kBreak) join(n->inputs, loop.outputs);
    if (n->kind == Kind::kContinue) {
      for (size_t i = 1; i < n->inputs.size(); ++i) add(loop.blocks[0]->params[i], own(n->inputs[i]));
    }
    if (n->kind != Kind::kLoop) {
      for (const Block* inner : n->blocks) leave(loop, *inner);
    }
  }
}

void Analysis::node(const Node& n) {
  switch (n.kind) {
    case Kind::kOp: return op(n);
    case Kind::kTupleConstruct:
    case Kind::kListConstruct:
    case Kind::kDictConstruct: {
      const Locs here = {fresh(n)};
      add(n.output(), here);
      for (const Def* def : n.inputs) put(here, own(def));
      return;
    }
    case Kind::kTupleIndex: return add(n.output(), element(n, static_cast<size_t>(n.index)));
    case Kind::kTupleUnpack:
    case Kind::kListUnpack:
      for (size_t i = 0; i < n.outputs.size(); ++i) add(n.outputs[i], element(n, i));
      return;
    case Kind::kUncheckedCast: return add(n.output(), own(n.inputs[0]));
    case Kind::kGetAttr:
      for (const Loc* object : own(n.inputs[0])) add(n.output(), inside(field(object, n.name)));
      return;
    case Kind::kSetAttr:
      for (const Loc* object : own(n.inputs[0])) put({field(object, n.name)}, own(n.inputs[1]));
      return;
    case Kind::kFork: {
      const Locs here = {fresh(n)};
      add(n.output(), here);
      const Summary& task = world_.summary(*n.subgraph);
      put(here, mapped(task.result, n));
      put(here, mapped(task.inside, n));
      return;
    }
    case Kind::kCallFunction:
    case Kind::kCallMethod: {
      const Locs here = {fresh(n)};
      if (const Summary* callee = world_.summary(n.callee())) {
        add(n.output(), mapped(callee->result, n));
        put(here, mapped(callee->inside, n));
      }
      return add(n.output(), here);
    }
    default: return;
  }
}

Locs Analysis::element(const Node& n, size_t index) {
  const Node* const made = n.inputs[0]->node;
  if (made &&
      (made->kind == Kind::kTupleConstruct ||
       (made->kind == Kind::kListConstruct && !changed_.contains(fresh(*made)))) &&
      index < made->inputs.size())
    return own(made->inputs[index]);
  return parts(inside(own(n.inputs[0])), {kElement, false, {fmt::format("{}", index), nullptr}, {}});
}

void Analysis::op(const Node& n) {
  const std::vector<Argument>& args = n.op->schema.args;
  const std::string_view name = n.op->schema.name;
  // What is put into a container that is changed.
  for (size_t i = 0; i < args.size(); ++i) {
    if (!args[i].written || !holds_values(*n.inputs[i]->type)) continue;
    changed_.insert(own(n.inputs[i]).begin(), own(n.inputs[i]).end());
    for (size_t k = 0; k < args.size(); ++k) {
      if (k == i || !is_mutable(*n.inputs[k]->type)) continue;
      put(own(n.inputs[i]),
          args[k].type->kind == TypeKind::kVariable ? own(n.inputs[k]) : inside(own(n.inputs[k])));
    }
  }
  const Def* const out = n.output();
  if (!is_mutable(*out->type)) return;
  const Locs here = {fresh(n)};
  bool aliases = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const Def* const in = n.inputs[i];
    if (!is_mutable(*in->type)) continue;
    const auto& notes = n.op->schema.return_notes;
    const bool alias =
        !args[i].alias.empty() && std::any_of(notes.begin(), notes.end(),
                                              [&](const ReturnNote& r) { return r.alias == args[i].alias; });
    if (alias) {
      aliases = true;
      const Locs seen = view(n, i);
      if (holds_values(*out->type) && in->type->kind == TypeKind::kTensor) {  // unbind, split
        put(here, seen);
        add(out, here);
      } else {
        add(out, seen);
      }
    } else if (holds_values(*in->type)) {
      const TypePtr& type = n.op->schema.result_type();
      // Of the elements' type: an element. Anything else may hold them.
      if (type->kind == TypeKind::kVariable || type->kind == TypeKind::kAny) {
        Part which;
        if (name == "aten::__getitem__" && n.inputs.size() > 1) which.from = index_of(n.inputs[1]);
        const Node* const made = in->node;
        const auto at = number(which.from);
        if (made && made->kind == Kind::kListConstruct && at && *at >= 0 &&
            static_cast<size_t>(*at) < made->inputs.size() && !changed_.contains(fresh(*made))) {
          add(out, own(made->inputs[static_cast<size_t>(*at)]));
        } else {
          add(out, parts(inside(own(in)), which));
        }
        aliases = true;
      } else if (holds_values(*out->type)) {
        put(here, inside(own(in)));
      }
    }
  }
  if (!aliases || holds_values(*out->type)) add(out, here);
}

Locs Analysis::view(const Node& n, size_t of) {
  const std::string_view name = n.op->schema.name;
  const Locs& whole = own(n.inputs[of]);
  if (of != 0) return whole;
  Part which;
  const auto at = [&](size_t i) { return index_of(n.inputs[i]); };
  if (name == "aten::select" && n.inputs.size() == 3) {
    const auto dim = number(at(1));
    if (!dim) return whole;
    which = {*dim, false, at(2), {}};
    return parts(whole, which);
  }
  if ((name == "aten::slice" || name == "aten::narrow") && n.inputs.size() >= 4) {
    const auto dim = number(at(1));
    if (!dim) return whole;
    which = {*dim, true, at(2), at(3)};
    if (which.from.constant.empty() && !which.from.def) which.from.constant = "0";
    if (name == "aten::narrow") {
      const auto from = number(which.from), length = number(which.to);
      int64_t to = 0;
      const bool known = from && length && !__builtin_add_overflow(*from, *length, &to);
      which.to = known ? Index{fmt::format("{}", to), nullptr} : Index{{}, n.inputs[3]};
    } else if (!which.to.known()) {
      if (which.from.constant == "0") return whole;
      which.to.constant = "9223372036854775807";
    }
    return parts(whole, which);
  }
  const Node* const list = n.inputs.size() > 1 ? n.inputs[1]->node : nullptr;
  if ((name == "aten::__getitem__" || name == "aten::_set_item") && list &&
      list->kind == Kind::kListConstruct) {
    // The first index or range of the subscript (docs/spec/ir.md).
    const std::vector<Def*>& indices = list->inputs;
    int64_t dim = 0;
    for (size_t i = 0; i < indices.size(); ++dim) {
      if (indices[i]->type->kind == TypeKind::kInt)
        return parts(whole, {dim, false, index_of(indices[i]), {}});
      const Value* const text = constant_of(indices[i]);
      if (!text || !text->is_string() || text->as_string() != ":" || i + 3 >= indices.size()) break;
      which = {dim, true, index_of(indices[i + 1]), index_of(indices[i + 2])};
      if (which.from.known() || which.to.known()) {
        if (!which.from.known()) which.from.constant = "0";
        if (!which.to.known()) which.to.constant = "9223372036854775807";
        return parts(whole, which);
      }
      i += 4;
    }
  }
  return whole;
}

// --- Calls: the callee's locations as they are here

Locs Analysis::mapped(const Locs& locs, const Node& call) {
  Locs out;
  for (const Loc* loc : locs) out.merge(mapped(loc, call));
  return out;
}

Locs Analysis::mapped(const Loc* loc, const Node& call) {
  switch (loc->kind) {
    case Loc::kInput:
      return static_cast<size_t>(loc->input) < call.inputs.size()
                 ? own(call.inputs[static_cast<size_t>(loc->input)])
                 : Locs();
    case Loc::kFresh: return {};
    default: break;
  }
  const Locs bases = mapped(loc->base, call);
  Locs out;
  for (const Loc* base : bases) {
    if (loc->kind == Loc::kContents) {
      for (const Loc* inner : reach({base})) {
        if (inner != base || base->kind == Loc::kContents) out.insert(inner);
      }
    } else if (loc->kind == Loc::kField) {
      out.insert(field(base, loc->field));
    } else {
      Part which = loc->part;
      which.from = mapped(which.from, call);
      which.to = mapped(which.to, call);
      out.insert(part(base, which));
    }
  }
  return out;
}

Index Analysis::mapped(const Index& index, const Node& call) {
  if (!index.def) return index;
  if (!index.def->node && index.def->block && !index.def->block->owner) {
    const auto& params = index.def->block->params;
    const auto at = static_cast<size_t>(std::find(params.begin(), params.end(), index.def) - params.begin());
    if (at < call.inputs.size()) return index_of(call.inputs[at]);
  }
  return {};
}

void Analysis::mapped(const Summary& callee, const Node& call, std::vector<Access>* out) {
  for (const Access& access : callee.accesses) {
    for (const Loc* loc : mapped(access.loc, call)) out->push_back({loc, access.write, access.place});
  }
}

// --- Accesses

std::vector<Access> Analysis::accesses(const Node& n) {
  std::vector<Access> out;
  const auto all = [&](const Locs& locs, bool write) {
    for (const Loc* loc : locs) out.push_back({loc, write, n.span});
  };
  switch (n.kind) {
    case Kind::kOp: {
      if (is_of_shape(n.op->schema.name) || n.op->traits.suspends) break;
      const std::vector<Argument>& args = n.op->schema.args;
      for (size_t i = 0; i < args.size(); ++i) {
        const Type& type = *n.inputs[i]->type;
        if (!is_mutable(type)) continue;
        if (args[i].written) {
          all(view(n, i), true);
        } else if (n.op->traits.aliases_input && !args[i].alias.empty()) {
          continue;  // a view is made of it, which reads nothing
        } else if (type.kind == TypeKind::kFuture || args[i].type->kind == TypeKind::kVariable) {
          continue;
        } else {
          all(own(n.inputs[i]), false);
          // Of a list of Tensors also what is in these; an operator for any list leaves its elements alone.
          const Type& wanted = *args[i].type;
          const bool of_any = wanted.kind == TypeKind::kList && wanted.of[0]->kind == TypeKind::kVariable;
          if (holds_values(type) && wanted.kind != TypeKind::kDict && !of_any)
            all(inside(own(n.inputs[i])), false);
        }
      }
      break;
    }
    case Kind::kListUnpack: all(own(n.inputs[0]), false); break;
    case Kind::kGetAttr:
    case Kind::kSetAttr:
      for (const Loc* object : own(n.inputs[0]))
        out.push_back({field(object, n.name), n.kind == Kind::kSetAttr, n.span});
      break;
    case Kind::kFork: mapped(world_.summary(*n.subgraph), n, &out); break;
    case Kind::kCallFunction:
    case Kind::kCallMethod:
      if (const Summary* callee = world_.summary(n.callee())) mapped(*callee, n, &out);
      break;
    default: break;
  }
  return out;
}

void Analysis::summarize() {
  std::set<std::tuple<const Loc*, bool, int>> seen;
  const auto visit = [&](const auto& self, const Block& b) -> void {
    for (const Node* n : b.nodes) {
      for (Access& access : accesses(*n)) {
        if (access.loc->root()->kind == Loc::kInput &&
            seen.emplace(access.loc, access.write, access.place.line).second)
          summary.accesses.push_back(std::move(access));
      }
      if (n->kind == Kind::kReturn) results(n->inputs);
      for (const Block* inner : n->blocks) self(self, *inner);
    }
  };
  visit(visit, graph_.root());
  results(graph_.root().outputs);
}

void Analysis::results(const std::vector<Def*>& defs) {
  for (const Def* def : defs) {
    for (const Loc* loc : own(def)) {
      if (loc->root()->kind == Loc::kInput) {
        summary.result.insert(loc);
      } else {
        for (const Loc* inner : reach({loc})) {
          if (inner->root()->kind == Loc::kInput) summary.inside.insert(inner);
        }
      }
    }
  }
}

World::~World() = default;

const Summary& World::summary(const Graph& graph) {
  const auto [found, first] = done_.emplace(&graph, nullptr);
  // A function that calls itself: what it does so far, nothing.
  if (!first) return found->second->summary;
  Analysis& made = *(done_[&graph] = std::make_unique<Analysis>(graph, *this));
  made.run();
  return made.summary;
}

std::string text_of(const Loc* loc) {
  switch (loc->kind) {
    case Loc::kInput: return fmt::format("input {}", loc->input);
    case Loc::kFresh: return "a new value";
    case Loc::kContents: return text_of(loc->base) + " contents";
    case Loc::kField: return text_of(loc->base) + "." + loc->field;
    case Loc::kPart: return text_of(loc->base) + "[...]";
  }
  return {};
}

}  // namespace tine::ir::places
