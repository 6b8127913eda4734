#include "src/trace/tracer.h"

#include <fmt/format.h>

#include <utility>

namespace tine::trace {
namespace {

constexpr int kDeepestObject = 32;

// What tells two values of the run apart; null for those that are constants.
const void* identity(const Value& value) noexcept {
  switch (value.tag()) {
    case Tag::kTensor: return value.as_tensor().impl();
    case Tag::kFuture: return value.as_future_state();
    case Tag::kList:
    case Tag::kDict:
    case Tag::kTuple:
    case Tag::kObject:
    case Tag::kRRef: return value.as_counted();
    default: return nullptr;
  }
}

bool is_number(const Value& value) noexcept { return value.is_int() || value.is_float() || value.is_bool(); }

}  // namespace

Tracer::Tracer(std::string name) {
  scopes_.emplace_back();
  scopes_.back().graph = std::make_unique<ir::Graph>(std::move(name));
}
Tracer::~Tracer() = default;

ir::Builder Tracer::builder(Scope& scope) const {
  ir::Builder b(*scope.graph);
  b.span = place();
  return b;
}

// The value is `def` from here on; also what is inside of it.
void Tracer::bind(const Value& value, ir::Def* def, Scope& scope) {
  const void* const id = identity(value);
  if (!id) return;
  alive_.push_back(value);
  scope.defs[id] = def;
  ir::Builder b = builder(scope);
  if (value.is(Tag::kTuple) && !value.as_tuple().items.empty()) {
    const std::vector<Value>& items = value.as_tuple().items;
    const std::vector<ir::Def*> parts = b.unpack_tuple(def);
    for (size_t i = 0; i < items.size(); ++i) bind(items[i], parts[i], scope);
  } else if (value.is(Tag::kList) && !value.as_list().items.empty() &&
             identity(value.as_list().items.front())) {
    const std::vector<Value>& items = value.as_list().items;
    const std::vector<ir::Def*> parts = b.unpack_list(def, static_cast<int>(items.size()));
    for (size_t i = 0; i < items.size(); ++i) bind(items[i], parts[i], scope);
  }
}

void Tracer::find_attributes(const Value& object, std::vector<std::string>* path, int depth) {
  if (depth > kDeepestObject) return;
  const Object& o = object.as_object();
  for (size_t i = 0; i < o.slots.size() && i < o.type->slots.size(); ++i) {
    const Value& slot = o.slots[i];
    path->push_back(o.type->slots[i].name);
    if (slot.is_tensor() && slot.as_tensor().defined()) {
      attributes_.try_emplace(slot.as_tensor().impl(), Attribute{*path});
    } else if (slot.is(Tag::kObject)) {
      attributes_.try_emplace(slot.as_counted(), Attribute{*path});
      find_attributes(slot, path, depth + 1);
    }
    path->pop_back();
  }
}

void Tracer::add_self(const Value& object) {
  if (!object.is(Tag::kObject)) {
    throw ValueError(fmt::format("trace: self must be a scripted object, got {}", name_of(object.tag())));
  }
  Scope& root = scopes_.front();
  self_ = root.graph->add_input(object.as_object().type, "self");
  alive_.push_back(object);
  root.defs[object.as_counted()] = self_;
  std::vector<std::string> path;
  find_attributes(object, &path, 0);
}

void Tracer::add_input(const Value& value, std::string_view name) {
  Scope& root = scopes_.front();
  bind(value, root.graph->add_input(type_of(value), std::string(name)), root);
}

// The value that this graph, or one around it, has for the identity: from outside it comes in as an explicit input.
ir::Def* Tracer::known(const void* id, size_t scope) {
  Scope& here = scopes_[scope];
  if (const auto found = here.defs.find(id); found != here.defs.end()) return found->second;
  if (scope > 0) {
    ir::Def* const outer = known(id, scope - 1);
    if (!outer) return nullptr;
    here.captured.push_back(outer);
    return here.defs[id] = here.graph->add_input(outer->type, outer->name);
  }
  const auto attribute = attributes_.find(id);
  if (attribute == attributes_.end()) return nullptr;
  ir::Builder b = builder(here);
  ir::Def* def = self_;
  for (const std::string& name : attribute->second.path) {
    const auto* const object = dynamic_cast<const ObjectType*>(def->type.get());
    const int index = object ? object->slot_index(name) : -1;
    if (index < 0) return nullptr;
    def = b.get_attr(def, name, object->slots[static_cast<size_t>(index)].type);
  }
  return here.defs[id] = def;
}

ir::Def* Tracer::def_of(const Value& value, size_t scope) {
  Scope& here = scopes_[scope];
  const void* const id = identity(value);
  if (id) {
    if (ir::Def* def = known(id, scope)) return def;
  }
  ir::Builder b = builder(here);
  switch (value.tag()) {
    case Tag::kTuple: {
      std::vector<ir::Def*> parts;
      for (const Value& item : value.as_tuple().items) parts.push_back(def_of(item, scope));
      return b.tuple(std::move(parts));
    }
    case Tag::kList: {
      const TypePtr type = type_of(value);
      std::vector<ir::Def*> parts;
      for (const Value& item : value.as_list().items) parts.push_back(def_of(item, scope));
      return b.list(std::move(parts), type->of.front());
    }
    case Tag::kDict: {
      const TypePtr type = type_of(value);
      std::vector<ir::Def*> parts;
      for (const auto& [key, item] : value.as_dict().items()) {
        parts.push_back(def_of(key, scope));
        parts.push_back(def_of(item, scope));
      }
      return b.dict(std::move(parts), type->of[0], type->of[1]);
    }
    case Tag::kTensor: {
      ir::Def* const def = b.constant(value, Type::tensor());
      alive_.push_back(value);
      here.defs[id] = def;
      return def;
    }
    case Tag::kNone:
    case Tag::kBool:
    case Tag::kInt:
    case Tag::kFloat:
    case Tag::kString: return b.constant(value);
    case Tag::kFuture:
      throw ValueError(
          "trace: a future that was made outside of the traced function is used in it; pass it as an input");
    default:
      throw ValueError(fmt::format(
          "trace: {} cannot be part of a traced graph; only tensors, numbers, strings, and lists, "
          "tuples and dicts of them can",
          value.repr()));
  }
}

void Tracer::record(const Op& op, const Value* args, const Value& result) {
  const size_t scope = scopes_.size() - 1;
  std::vector<ir::Def*> inputs;
  const size_t n = op.schema.args.size();
  for (size_t i = 0; i < n; ++i) {
    const TypePtr& wanted = op.schema.args[i].type;
    ir::Def* def = nullptr;
    const TypePtr& list = wanted->kind == TypeKind::kOptional ? wanted->of.front() : wanted;
    const bool open = list->kind != TypeKind::kList || list->of.front()->kind == TypeKind::kVariable;
    if (args[i].is(Tag::kList) && (!open || args[i].as_list().items.empty())) {
      // One of what the operator asks for: Tensor?[] also where all are Tensors, and where there are none.
      std::vector<ir::Def*> parts;
      for (const Value& item : args[i].as_list().items) parts.push_back(def_of(item, scope));
      def = builder(scopes_[scope]).list(std::move(parts), open ? Type::any() : list->of.front());
    } else {
      def = def_of(args[i], scope);
    }
    inputs.push_back(def);
  }
  ir::Builder b = builder(scopes_[scope]);
  ir::Def* out = b.op(op, inputs);
  if (!out) {
    // Where the run was more lenient than the types can say (a list of mixed things): the declared result.
    TypeBindings none;
    TypePtr type = substitute(op.schema.result_type(), none);
    out = b.op(op, std::move(inputs), type ? type : type_of(result));
  }
  if (identity(result)) {
    bind(result, out, scopes_[scope]);
  } else if (is_number(result) && !op.schema.args.empty() && args[0].is_tensor()) {
    warnings_.push_back(
        {place(),
         fmt::format("{} gave {}, a {} that is a constant in the trace: it will be the same for other inputs",
                     op.schema.name, result.repr(), name_of(result.tag()))});
  }
}

void Tracer::record_call(const std::string& qualified_name, std::span<const Value> args, const Value& result,
                         const TypePtr& result_type) {
  const size_t scope = scopes_.size() - 1;
  std::vector<ir::Def*> inputs;
  for (const Value& arg : args) inputs.push_back(def_of(arg, scope));
  bind(result, builder(scopes_[scope]).call(qualified_name, std::move(inputs), result_type), scopes_[scope]);
}

void Tracer::begin_fork() {
  scopes_.emplace_back();
  scopes_.back().graph = std::make_unique<ir::Graph>(fmt::format("{}.fork", scopes_.front().graph->name));
}

void Tracer::end_fork(const Value& result, const Value& future) {
  if (scopes_.size() < 2) throw ValueError("trace: end_fork without begin_fork");
  ir::Def* const out = def_of(result, scopes_.size() - 1);
  Scope sub = std::move(scopes_.back());
  scopes_.pop_back();
  sub.graph->root().outputs = {out};
  sub.graph->returns = {out->type};
  Scope& outer = scopes_.back();
  ir::Builder b = builder(outer);
  ir::Def* const def = b.fork(std::shared_ptr<ir::Graph>(std::move(sub.graph)), std::move(sub.captured));
  bind(future, def, outer);
}

void Tracer::abort_fork() noexcept {
  if (scopes_.size() > 1) scopes_.pop_back();
}

std::unique_ptr<ir::Graph> Tracer::finish(const Value& result) {
  if (scopes_.size() != 1) throw ValueError("trace: a fork was begun and not ended");
  ir::Def* const out = def_of(result, 0);
  ir::Graph& graph = *scopes_.front().graph;
  graph.root().outputs = {out};
  graph.returns = {out->type};
  return std::move(scopes_.front().graph);
}

std::string check(const std::function<Value(std::span<const Value>)>& run, std::span<const Value> inputs,
                  const Value& expected, const std::function<bool(const Value&, const Value&)>& equal) {
  const Value again = run(inputs);
  if (equal(expected, again)) return {};
  return fmt::format(
      "the traced graph gives another result than the traced function for the same inputs: {} in place of "
      "{}; "
      "it may draw random numbers, or depend on something that is not an input",
      again.repr(), expected.repr());
}

}  // namespace tine::trace
