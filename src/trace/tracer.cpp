#include "src/trace/tracer.h"

#include <fmt/format.h>

namespace tine::trace {

using ir::Builder;
using ir::Def;
using ir::Graph;

// `defs`: what each tensor or future is in this frame. `outer`: what the fork takes from around it, in the order
// of its inputs.
struct Tracer::Frame {
  explicit Frame(std::string name) : graph(std::make_shared<Graph>(std::move(name))), builder(*graph) {}
  std::shared_ptr<Graph> graph;
  Builder builder;
  std::unordered_map<const void*, Def*> defs;
  std::vector<Def*> outer;
};

namespace {

bool has_identity(const Value& value) noexcept { return value.is_tensor() || value.is_future(); }

const void* identity(const Value& value) noexcept { return value.as_counted(); }

// Without Optional and Any: what a constant of the value is.
TypePtr constant_type(const Value& value, const TypePtr& wanted) {
  if (wanted && !value.is_none()) {
    if (wanted->kind == TypeKind::kOptional) return constant_type(value, wanted->of[0]);
    if (wanted->kind == TypeKind::kList && value.is(Tag::kList)) return wanted;
  }
  return type_of(value);
}

}  // namespace

Tracer::Tracer(std::string name) { frames_.push_back(std::make_unique<Frame>(std::move(name))); }
Tracer::~Tracer() = default;

bool Tracer::carries(const Value& value) {
  const auto any = [](const std::vector<Value>& items) {
    for (const Value& item : items) {
      if (carries(item)) return true;
    }
    return false;
  };
  if (value.is(Tag::kList)) return any(value.as_list().items);
  if (value.is(Tag::kTuple)) return any(value.as_tuple().items);
  return has_identity(value);
}

void Tracer::add_input(const Value& value, std::string name) {
  Frame& frame = *frames_.front();
  bind(value, frame.graph->add_input(type_of(value), std::move(name)));
}

void Tracer::add_self(const std::shared_ptr<const ObjectType>& type, std::string name) {
  self_ = frames_.front()->graph->add_input(type, std::move(name));
}

void Tracer::add_attribute(const Tensor& tensor, std::vector<std::string> path) {
  const Value value(tensor);
  attributes_.emplace(identity(value), std::move(path));
  seen_.push_back(value);
}

void Tracer::set_place(SourceSpan place) { frames_.back()->builder.span = std::move(place); }

// Tensors and futures inside are known by themselves from then on.
void Tracer::bind(const Value& value, Def* def) {
  Frame& frame = *frames_.back();
  if (has_identity(value)) {
    frame.defs[identity(value)] = def;
    seen_.push_back(value);
  } else if (carries(value)) {
    const bool list = value.is(Tag::kList);
    const std::vector<Value>& items = list ? value.as_list().items : value.as_tuple().items;
    const std::vector<Def*> parts = list ? frame.builder.unpack_list(def, static_cast<int>(items.size()))
                                         : frame.builder.unpack_tuple(def);
    for (size_t i = 0; i < items.size(); ++i) bind(items[i], parts[i]);
  }
}

// The attributes are read where the first frame needs them; forks take them from there.
Def* Tracer::attribute(const Value& value) {
  const auto at = attributes_.find(identity(value));
  if (at == attributes_.end() || !self_) return nullptr;
  Frame& first = *frames_.front();
  Def* def = self_;
  for (const std::string& name : at->second) {
    const auto& type = static_cast<const ObjectType&>(*def->type);
    def = first.builder.get_attr(def, name, type.slots[static_cast<size_t>(type.slot_index(name))].type);
  }
  first.defs[identity(value)] = def;
  return def;
}

Def* Tracer::known(const Value& value, size_t frame) {
  Frame& f = *frames_[frame];
  if (const auto at = f.defs.find(identity(value)); at != f.defs.end()) return at->second;
  if (frame == 0) return value.is_tensor() ? attribute(value) : nullptr;
  Def* const outer = known(value, frame - 1);
  if (!outer) return nullptr;
  Def* const input = f.graph->add_input(outer->type, outer->name);
  f.outer.push_back(outer);
  f.defs.emplace(identity(value), input);
  return input;
}

// True when the value is computed from something of the trace, so that it may not become a constant.
bool Tracer::follows(const Value& value) {
  if (value.is_future()) return true;
  if (value.is_tensor()) {
    for (const auto& frame : frames_) {
      if (frame->defs.contains(identity(value))) return true;
    }
    return self_ && attributes_.contains(identity(value));
  }
  const auto any = [this](const std::vector<Value>& items) {
    for (const Value& item : items) {
      if (follows(item)) return true;
    }
    return false;
  };
  if (value.is(Tag::kList)) return any(value.as_list().items);
  return value.is(Tag::kTuple) && any(value.as_tuple().items);
}

Def* Tracer::def_of(const Value& value, const TypePtr& wanted) {
  Builder& builder = frames_.back()->builder;
  if (!follows(value)) {
    if (value.is(Tag::kForeign) || value.is(Tag::kRRef) || value.is(Tag::kObject) || value.is(Tag::kDict)) {
      throw TypeError(
          fmt::format("trace: a graph cannot hold {} as a constant; pass it in as an input", value.repr()));
    }
    return builder.constant(value, constant_type(value, wanted));
  }
  if (has_identity(value)) {
    if (Def* const def = known(value, frames_.size() - 1)) return def;
    throw ValueError(
        "trace: a Future that was made outside of the traced function cannot be waited for in it");
  }
  const TypePtr inner = wanted && wanted->kind == TypeKind::kOptional ? wanted->of[0] : wanted;
  const bool list = value.is(Tag::kList);
  const std::vector<Value>& items = list ? value.as_list().items : value.as_tuple().items;
  std::vector<Def*> parts;
  for (size_t i = 0; i < items.size(); ++i) {
    TypePtr part;
    if (inner && list && inner->kind == TypeKind::kList) part = inner->of[0];
    if (inner && !list && inner->kind == TypeKind::kTuple && i < inner->of.size()) part = inner->of[i];
    parts.push_back(def_of(items[i], part));
  }
  if (!list) return builder.tuple(std::move(parts));
  TypePtr element = inner && inner->kind == TypeKind::kList ? inner->of[0] : nullptr;
  if (!element || element->kind == TypeKind::kVariable) element = parts.front()->type;
  return builder.list(std::move(parts), std::move(element));
}

void Tracer::record(const Op& op, const Value* args, const Value& result) {
  // Numbers become constants where they are used, so how they came about does not matter.
  if (op.traits.pure && !carries(result)) return;
  Builder& builder = frames_.back()->builder;
  std::vector<Def*> inputs;
  for (size_t i = 0; i < op.schema.args.size(); ++i)
    inputs.push_back(def_of(args[i], op.schema.args[i].type));
  Def* out = builder.op(op, inputs);
  if (!out) out = builder.op(op, std::move(inputs), type_of(result));
  bind(result, out);
}

void Tracer::record_call(const std::string& qualified_name, std::span<const Value> args,
                         std::span<const TypePtr> types, const Value& result, const TypePtr& result_type) {
  std::vector<Def*> inputs;
  for (size_t i = 0; i < args.size(); ++i) inputs.push_back(def_of(args[i], types[i]));
  bind(result, frames_.back()->builder.call(qualified_name, std::move(inputs), result_type));
}

void Tracer::begin_fork(std::string name) { frames_.push_back(std::make_unique<Frame>(std::move(name))); }

void Tracer::end_fork(const Value& result, const Value& future) {
  if (frames_.size() < 2) throw ValueError("trace: the end of a fork that was not begun");
  Def* const out = def_of(result, nullptr);
  const std::unique_ptr<Frame> fork = std::move(frames_.back());
  frames_.pop_back();
  fork->graph->root().outputs = {out};
  fork->graph->returns = {out->type};
  Frame& around = *frames_.back();
  around.defs[identity(future)] = around.builder.fork(fork->graph, fork->outer);
  seen_.push_back(future);
}

void Tracer::drop_fork() {
  if (frames_.size() > 1) frames_.pop_back();
}

std::shared_ptr<Graph> Tracer::finish(const Value& output) {
  if (frames_.size() != 1) throw ValueError("trace: it ended within a fork");
  Frame& frame = *frames_.front();
  Def* const out = def_of(output, nullptr);
  frame.graph->root().outputs = {out};
  frame.graph->returns = {out->type};
  return frame.graph;
}

}  // namespace tine::trace
