#include "src/trace/tracer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "src/value/bind.h"
#include "src/value/op_context.h"
#include "src/value/text.h"
#include "src/value/unify.h"

namespace tine::trace {
namespace {

// Objects may hold each other in a circle.
constexpr int kDeepestObject = 32;

// The identity of a value of the run: the address of its object. Null for values that are constants.
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

bool is_number(const Type& type) noexcept {
  return type.kind == TypeKind::kInt || type.kind == TypeKind::kFloat || type.kind == TypeKind::kBool ||
         type.kind == TypeKind::kNumber;
}

// A 0-d tensor that stands for the number.
Tensor stand_in(const Value& number) {
  return number.is_int()     ? Tensor::scalar(number.as_int())
         : number.is_float() ? Tensor::scalar(number.as_float(), DType::kFloat64)
                             : Tensor::scalar(number.as_bool());
}

// Operators whose numbers follow from the shape of a tensor. Other numbers that come out of a tensor are constants.
bool tells_shape(const Op& op) {
  constexpr std::string_view kNames[] = {"aten::size", "aten::numel", "aten::dim", "aten::stride",
                                         "aten::len"};
  return std::ranges::find(kNames, op.schema.name) != std::end(kNames);
}

bool mentions_tensor(const Type& type) {
  return type.kind == TypeKind::kTensor ||
         std::any_of(type.of.begin(), type.of.end(), [](const TypePtr& t) { return mentions_tensor(*t); });
}

const TypePtr& without_optional(const TypePtr& type) {
  return type->kind == TypeKind::kOptional ? type->of.front() : type;
}

// The type that all of them have; null when there is none.
TypePtr common_type(const std::vector<ir::Def*>& defs) {
  TypePtr common;
  for (const ir::Def* def : defs) {
    common = common ? unify(common, def->type) : def->type;
    if (!common) return nullptr;
  }
  return common;
}

// The declared type of a container's elements: the type that the caller asks for, if that is definite.
TypePtr element_type(const TypePtr& wanted, const std::vector<ir::Def*>& defs) {
  if (wanted && wanted->kind != TypeKind::kVariable) return wanted;
  TypePtr common = common_type(defs);
  return common ? common : Type::any();
}

}  // namespace

Value number_in(const Tensor& t) {
  if (t.dtype() == DType::kBool) return Value(t.item_as_bool());
  return is_floating(t.dtype()) ? Value(t.item_as_double()) : Value(t.item_as_int());
}

Tracer::Tracer(std::string name, const OpTable& ops) : ops_(ops) {
  scopes_.emplace_back();
  scopes_.back().graph = std::make_unique<ir::Graph>(std::move(name));
}
Tracer::~Tracer() = default;

ir::Builder Tracer::builder(size_t scope) const {
  ir::Builder b(*scopes_[scope].graph);
  b.span = place();
  return b;
}

// ---- what is known

// From the innermost graph outwards.
const ir::Def* Tracer::lookup(Id id) const noexcept {
  for (size_t scope = scopes_.size(); scope-- > 0;) {
    if (const auto found = scopes_[scope].defs.find(id); found != scopes_[scope].defs.end())
      return found->second;
  }
  return nullptr;
}

bool Tracer::varies(Id id) const noexcept {
  if (!id) return false;
  if (const ir::Def* const def = lookup(id)) return varying_.contains(def);
  return attributes_.contains(id) || left_.contains(id);
}

bool Tracer::varies(const Value& value) const {
  const auto any = [this](std::span<const Value> items) {
    return std::any_of(items.begin(), items.end(), [this](const Value& v) { return varies(v); });
  };
  if (varies(identity(value))) return true;
  switch (value.tag()) {
    case Tag::kList: return any(value.as_list().items);
    case Tag::kTuple: return any(value.as_tuple().items);
    case Tag::kDict: {
      const auto& items = value.as_dict().items();
      return std::any_of(items.begin(), items.end(), [this](const auto& e) { return varies(e.second); });
    }
    default: return false;
  }
}

bool Tracer::is_number(const Tensor& tensor) const noexcept { return numbers_.contains(tensor.impl()); }

Value Tracer::plain(const Value& value) const {
  switch (value.tag()) {
    case Tag::kTensor: return is_number(value.as_tensor()) ? number_in(value.as_tensor()) : value;
    case Tag::kList: {
      std::vector<Value> items;
      for (const Value& item : value.as_list().items) items.push_back(plain(item));
      return Value(detail::make_ref<List>(std::move(items)));
    }
    case Tag::kTuple: {
      std::vector<Value> items;
      for (const Value& item : value.as_tuple().items) items.push_back(plain(item));
      return Value(detail::make_ref<Tuple>(std::move(items), value.as_tuple().type));
    }
    case Tag::kDict: {
      auto dict = detail::make_ref<Dict>();
      for (const auto& [key, item] : value.as_dict().items()) dict->set(key, plain(item));
      return Value(std::move(dict));
    }
    default: return value;
  }
}

void Tracer::warn_fixed(const Value& value, std::string text) {
  if (varies(value)) warnings_.push_back({place(), std::move(text)});
}

// A result varies with the inputs of the trace if one of its own inputs does.
ir::Def* Tracer::follows(ir::Def* def, std::span<ir::Def* const> inputs, bool anyway) {
  if (anyway || std::any_of(inputs.begin(), inputs.end(),
                            [this](const ir::Def* input) { return varying_.contains(input); })) {
    varying_.insert(def);
  }
  return def;
}

// From here on `def` is the value in the graph, and its elements are the value's elements. Returns the value with 0-d
// tensors in place of its numbers.
Value Tracer::bind(const Value& value, ir::Def* def, size_t scope) {
  if (trace::is_number(value)) {
    // A number that is the same for all inputs stays plain: the program may use it as a constant.
    if (!varying_.contains(def)) return value;
    const Value stands(stand_in(value));
    numbers_.insert(identity(stands));
    return bind(stands, def, scope);
  }
  const Id id = identity(value);
  if (!id) return value;
  const Value whole = bind_parts(value, def, scope);
  alive_.push_back(whole);
  scopes_[scope].defs[identity(whole)] = def;
  return whole;
}

Value Tracer::bind_parts(const Value& value, ir::Def* def, size_t scope) {
  ir::Builder b = builder(scope);
  const auto as = [&](TypeKind kind) {
    // What is declared as Any or Optional is taken apart as the container that this run saw.
    return def->type->kind == kind ? def : follows(b.cast(def, type_of(value)), std::array{def});
  };
  const auto bind_all = [&](std::span<const Value> items, const std::vector<ir::Def*>& parts, ir::Def* of) {
    std::vector<Value> bound;
    for (size_t i = 0; i < items.size(); ++i)
      bound.push_back(bind(items[i], follows(parts[i], std::array{of}), scope));
    return bound;
  };
  // Parts that are constants get no nodes.
  const auto worth = [&](const Value& item) {
    return identity(item) || (trace::is_number(item) && varying_.contains(def));
  };
  if (value.is(Tag::kTuple)) {
    const std::span<const Value> items = value.as_tuple().items;
    if (std::none_of(items.begin(), items.end(), worth)) return value;
    ir::Def* const whole = as(TypeKind::kTuple);
    // A tuple cannot be changed, so the program gets another one. A list or dict is changed in place, because the
    // program may hold that very object already.
    return Value(
        detail::make_ref<Tuple>(bind_all(items, b.unpack_tuple(whole), whole), value.as_tuple().type));
  }
  if (value.is(Tag::kList)) {
    std::vector<Value>& items = value.as_list().items;
    if (std::none_of(items.begin(), items.end(), worth)) return value;
    ir::Def* const whole = as(TypeKind::kList);
    items = bind_all(items, b.unpack_list(whole, static_cast<int>(items.size())), whole);
  } else if (value.is(Tag::kDict)) {
    const auto items = value.as_dict().items();  // a copy: it is written to
    ir::Def* const whole = as(TypeKind::kDict);
    for (const auto& [key, item] : items) {
      if (!worth(item)) continue;
      ir::Def* const part = node("aten::__getitem__.dict", {whole, b.constant(key)}, scope);
      value.as_dict().set(key, bind(item, part, scope));
    }
  }
  return value;
}

void Tracer::find_attributes(const Value& object, std::vector<std::string>* path, int depth) {
  if (depth > kDeepestObject) return;
  const Object& o = object.as_object();
  for (size_t i = 0; i < o.slots.size() && i < o.type->slots.size(); ++i) {
    const Value& slot = o.slots[i];
    path->push_back(o.type->slots[i].name);
    if (slot.is_tensor() && slot.as_tensor().defined()) {
      // A tensor that two attributes share is known by the first.
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
  varying_.insert(self_);
  alive_.push_back(object);
  root.defs[object.as_counted()] = self_;
  std::vector<std::string> path;
  find_attributes(object, &path, 0);
}

void Tracer::add_input(const Value& value, std::string_view name) {
  ir::Def* const def = scopes_.front().graph->add_input(type_of(value), std::string(name));
  varying_.insert(def);
  (void)bind(value, def, 0);
}

// The value that this graph, or one around it, has for the identity: from outside it comes in as an explicit input.
ir::Def* Tracer::known(Id id, size_t scope) {
  Scope& here = scopes_[scope];
  // Three cases: this graph has it; a graph around the fork has it, so it becomes an input of the fork; it is an
  // attribute of `self`, which the outermost graph reads by its path.
  if (const auto found = here.defs.find(id); found != here.defs.end()) return found->second;
  if (scope > 0) {
    ir::Def* const outer = known(id, scope - 1);
    if (!outer) return nullptr;
    here.captured.push_back(outer);
    return here.defs[id] = follows(here.graph->add_input(outer->type, outer->name), std::array{outer});
  }
  const auto attribute = attributes_.find(id);
  if (attribute == attributes_.end()) return nullptr;
  ir::Builder b = builder(scope);
  ir::Def* def = self_;
  for (const std::string& name : attribute->second.path) {
    const auto* const object = dynamic_cast<const ObjectType*>(def->type.get());
    const int index = object ? object->slot_index(name) : -1;
    if (index < 0) return nullptr;
    def = b.get_attr(def, name, object->slots[static_cast<size_t>(index)].type);
    varying_.insert(def);
  }
  return here.defs[id] = def;
}

// ---- values to definitions

ir::Def* Tracer::node(std::string_view name, std::vector<ir::Def*> inputs, size_t scope) {
  const Op* const op = ops_.find(name);
  if (!op) throw Error(fmt::format("trace: the operator table has no {}", name));
  ir::Def* const def = builder(scope).op(*op, inputs);
  if (!def) throw Error(fmt::format("trace: {} does not take these arguments", name));
  return follows(def, inputs);
}

// The value as the type that is asked for: the run converted it without a call, so the graph needs a node for that.
ir::Def* Tracer::coerced(ir::Def* def, const Value& given, const TypePtr& wanted, size_t scope) {
  if (!wanted || wanted->kind == TypeKind::kVariable || is_subtype(def->type, wanted)) return def;
  const TypeKind from = def->type->kind, to = without_optional(wanted)->kind;
  if (from == TypeKind::kTensor) {
    switch (to) {
      case TypeKind::kInt: return node("aten::Int.Tensor", {def}, scope);
      case TypeKind::kFloat: return node("aten::Float.Tensor", {def}, scope);
      case TypeKind::kBool: return node("aten::Bool.Tensor", {def}, scope);
      case TypeKind::kNumber: return node("aten::item", {def}, scope);
      default: return def;
    }
  }
  if (!trace::is_number(*def->type)) return def;
  const std::string_view overload = from == TypeKind::kInt     ? "int"
                                    : from == TypeKind::kFloat ? "float"
                                    : from == TypeKind::kBool  ? "bool"
                                                               : "Scalar";
  switch (to) {
    case TypeKind::kInt:
    case TypeKind::kNumber: return node(fmt::format("aten::Int.{}", overload), {def}, scope);
    case TypeKind::kFloat: return node(fmt::format("aten::Float.{}", overload), {def}, scope);
    case TypeKind::kBool: return node(fmt::format("aten::Bool.{}", overload), {def}, scope);
    case TypeKind::kTensor: {
      ir::Builder b = builder(scope);
      const Value dtype =
          given.is_tensor() ? Value(static_cast<int64_t>(given.as_tensor().dtype())) : Value();
      return node("aten::tensor", {def, b.constant(dtype), b.constant(Value())}, scope);
    }
    default: return def;
  }
}

ir::Def* Tracer::made_of_parts(const Value& value, size_t scope, const TypePtr& wanted) {
  const TypePtr whole = wanted ? without_optional(wanted) : nullptr;
  const auto part = [&](TypeKind kind, size_t i) -> TypePtr {
    return whole && whole->kind == kind && i < whole->of.size() ? whole->of[i] : nullptr;
  };
  std::vector<ir::Def*> parts;
  if (value.is(Tag::kTuple)) {
    const auto& items = value.as_tuple().items;
    for (size_t i = 0; i < items.size(); ++i)
      parts.push_back(def_of(items[i], scope, part(TypeKind::kTuple, i)));
    ir::Def* const tuple = builder(scope).tuple(parts);
    // A function that is called may ask for one of a class.
    if (whole && whole->named_tuple() && is_subtype(tuple->type, Type::tuple(whole->of))) tuple->type = whole;
    return follows(tuple, parts);
  }
  if (value.is(Tag::kList)) {
    const TypePtr element = part(TypeKind::kList, 0);
    for (const Value& item : value.as_list().items) parts.push_back(def_of(item, scope, element));
    return follows(builder(scope).list(parts, element_type(element, parts)), parts);
  }
  std::vector<ir::Def*> keys, values;
  const TypePtr key_type = part(TypeKind::kDict, 0), value_type = part(TypeKind::kDict, 1);
  for (const auto& [key, item] : value.as_dict().items()) {
    keys.push_back(def_of(key, scope, key_type));
    values.push_back(def_of(item, scope, value_type));
    parts.insert(parts.end(), {keys.back(), values.back()});
  }
  return follows(builder(scope).dict(parts, element_type(key_type, keys), element_type(value_type, values)),
                 parts);
}

ir::Def* Tracer::def_of(const Value& value, size_t scope, const TypePtr& wanted, const Value& given) {
  const Id id = identity(value);
  if (ir::Def* const def = id ? known(id, scope) : nullptr) return coerced(def, given, wanted, scope);
  if (left_.contains(id)) {
    throw Error(fmt::format(
        "{} of traced region did not have observable data dependence with trace inputs: it was made inside "
        "a fork and left the fork other than by its result; return it from the forked function and take it "
        "from wait()",
        brief(value)));
  }
  switch (value.tag()) {
    case Tag::kTuple:
    case Tag::kList:
    case Tag::kDict: return made_of_parts(value, scope, wanted);
    case Tag::kTensor: {
      ir::Def* const def = builder(scope).constant(value, Type::tensor());
      alive_.push_back(value);
      return scopes_[scope].defs[id] = def;
    }
    case Tag::kNone:
    case Tag::kBool:
    case Tag::kInt:
    case Tag::kFloat:
    case Tag::kEnum:
    case Tag::kString: return builder(scope).constant(value);
    case Tag::kFuture:
      throw ValueError(
          "trace: a future that was made outside of the traced function is used in it; pass it as an input");
    case Tag::kObject:
      throw Error(
          fmt::format("Tried to trace <{}> but it is not part of the active trace. Modules that are called "
                      "during a trace "
                      "must be registered as submodules of the thing being traced.",
                      value.as_object().type->name));
    default:
      throw ValueError(fmt::format(
          "trace: {} cannot be part of a traced graph; only tensors, numbers, strings, and lists, "
          "tuples and dicts of them can",
          value.repr()));
  }
}

// ---- what is called

Value Tracer::call(std::span<const Op* const> overloads, OpContext& context, std::span<const Value> args,
                   std::span<const Keyword> keywords, const Op** chosen) {
  // The arguments are bound twice: with the numbers themselves, to choose the row and to run it, and with the tensors
  // that stand for them, to record where they come from.
  std::vector<Value> plain_args, given, written;
  std::vector<Keyword> plain_keywords;
  for (const Value& value : args) plain_args.push_back(plain(value));
  for (const auto& [name, value] : keywords) plain_keywords.emplace_back(name, plain(value));
  const Op& op = OpTable::resolve(overloads, plain_args, plain_keywords, Boundary::kPython, &given);
  if (chosen) *chosen = &op;
  const Value result = op.kernel(context, given.data());
  std::string why;
  if (!tine::bind(op.schema, args, keywords, Boundary::kRecorded, &written, &why))
    throw Error(fmt::format("trace: {}: {}", op.schema.full_name(), why));
  return record(op, given, written, result);
}

Value Tracer::record(const Op& op, std::span<const Value> given, std::span<const Value> written,
                     const Value& result) {
  const size_t scope = scopes_.size() - 1;
  const bool follow =
      std::any_of(written.begin(), written.end(), [this](const Value& v) { return varies(v); });
  // A number that was computed from the program's own numbers is one of these: a constant, which needs no node.
  if (trace::is_number(result) && !follow) return result;
  std::vector<ir::Def*> inputs;
  for (size_t i = 0; i < given.size(); ++i) {
    const TypePtr& wanted = op.schema.args[i].type;
    if (given[i].is(Tag::kList) && given[i].as_list().items.empty()) {
      // An empty list is one of what the operator asks for.
      const TypePtr& list = without_optional(wanted);
      const bool open = list->kind != TypeKind::kList || list->of.front()->kind == TypeKind::kVariable;
      inputs.push_back(builder(scope).list({}, open ? Type::any() : list->of.front()));
    } else {
      // What is a constant is the one that the call converted.
      inputs.push_back(def_of(varies(written[i]) ? written[i] : given[i], scope, wanted, given[i]));
    }
  }
  ir::Builder b = builder(scope);
  ir::Def* out = b.op(op, inputs);
  if (!out) {
    // The run may be more lenient than the types can say (a list of mixed values). Then the declared result is used.
    TypeBindings none;
    TypePtr type = substitute(op.schema.result_type(), none);
    out = b.op(op, inputs, type ? type : type_of(result));
  }
  const bool writes = !op.traits.pure && op.traits.aliases_input;
  // Random numbers differ from run to run.
  follows(out, inputs, follow || (!op.traits.pure && !writes));
  if (writes && follow && given[0].is_tensor()) written_to(given[0].as_tensor());
  const bool of_tensors = std::any_of(op.schema.args.begin(), op.schema.args.end(),
                                      [](const Argument& a) { return mentions_tensor(*a.type); });
  if (!trace::is_number(result) || !of_tensors || tells_shape(op)) return bind(result, out, scope);
  warnings_.push_back(
      {place(),
       fmt::format("{} gave {}, a {} that is a constant in the trace: it will be the same for other inputs",
                   op.schema.name, result.repr(), name_of(result.tag()))});
  return result;
}

// Every tensor that shares the memory now varies with the inputs.
void Tracer::written_to(const Tensor& tensor) {
  for (const Value& seen : alive_) {
    if (!seen.is_tensor() || !seen.as_tensor().shares_storage_with(tensor)) continue;
    for (const Scope& scope : scopes_) {
      if (const auto found = scope.defs.find(identity(seen)); found != scope.defs.end())
        varying_.insert(found->second);
    }
  }
}

Value Tracer::record_call(const std::string& qualified_name, const Schema& schema,
                          std::span<const Value> written, const Value& result) {
  const size_t scope = scopes_.size() - 1;
  std::vector<ir::Def*> inputs;
  for (size_t i = 0; i < written.size(); ++i)
    inputs.push_back(def_of(written[i], scope, schema.args[i].type));
  ir::Builder b = builder(scope);
  ir::Def* out = nullptr;
  // A method of an object is called as one.
  if (!written.empty() && written[0].is(Tag::kObject)) {
    const std::string prefix = written[0].as_object().type->name + ".";
    if (qualified_name.starts_with(prefix))
      out = b.call_method(qualified_name.substr(prefix.size()), inputs, schema.result_type());
  }
  if (!out) out = b.call(qualified_name, inputs, schema.result_type());
  return bind(result, follows(out, inputs), scope);
}

void Tracer::same(const Value& other, const Value& of) {
  const Id id = identity(of);
  if (!varies(id) || left_.contains(id)) return;
  alive_.push_back(other);
  const size_t scope = scopes_.size() - 1;
  if (ir::Def* const def = known(id, scope)) scopes_[scope].defs[identity(other)] = def;
}

// ---- forks, the end

void Tracer::begin_fork() {
  scopes_.emplace_back();
  scopes_.back().graph = std::make_unique<ir::Graph>(fmt::format("{}.fork", scopes_.front().graph->name));
}

Tracer::Scope Tracer::close_scope() {
  Scope closed = std::move(scopes_.back());
  scopes_.pop_back();
  for (const auto& [id, def] : closed.defs) {
    // No graph has these values from here on. def_of() refuses them with the reason, so they do not become constants
    // unseen.
    if (varying_.contains(def)) left_.insert(id);
  }
  return closed;
}

void Tracer::end_fork(const Value& result, const Value& future) {
  if (scopes_.size() < 2) throw ValueError("trace: end_fork without begin_fork");
  ir::Def* const out = def_of(result, scopes_.size() - 1);
  Scope sub = close_scope();
  sub.graph->root().outputs = {out};
  sub.graph->returns = {out->type};
  const size_t scope = scopes_.size() - 1;
  const bool varying = varying_.contains(out);
  ir::Def* const def = builder(scope).fork(std::shared_ptr<ir::Graph>(std::move(sub.graph)), sub.captured);
  (void)bind(future, follows(def, sub.captured, varying), scope);
}

void Tracer::abort_fork() noexcept {
  if (scopes_.size() > 1) (void)close_scope();
}

// The same for a part of the function's result: numbers become tensors, as in PyTorch, and what the traced calls did
// not give is refused. `number` counts the tensors.
ir::Def* Tracer::output_of(const Value& value, int* number) {
  const auto refuse = [&] {
    throw Error(fmt::format(
        "output {} ({}) of traced region did not have observable data dependence with trace inputs; this "
        "probably indicates your program cannot be understood by the tracer.",
        *number, plain(value).repr()));
  };
  if (value.is_tensor()) {
    ++*number;
    ir::Def* const def = known(identity(value), 0);
    if (!def || (def->node && def->node->kind == ir::Kind::kConstant)) refuse();
    return coerced(def, {}, Type::tensor(), 0);
  }
  const auto one_type = [](std::string_view what, const std::vector<ir::Def*>& defs) {
    for (const ir::Def* def : defs) {
      if (equal(def->type, defs.front()->type)) continue;
      throw Error(
          fmt::format("Tracer cannot infer type of the output: {} traced functions must have "
                      "consistent type. Found {} and {}",
                      what, defs.front()->type->str(), def->type->str()));
    }
  };
  std::vector<ir::Def*> parts;
  switch (value.tag()) {
    case Tag::kTuple:
      for (const Value& item : value.as_tuple().items) parts.push_back(output_of(item, number));
      return builder(0).tuple(std::move(parts));
    case Tag::kList:
      for (const Value& item : value.as_list().items) parts.push_back(output_of(item, number));
      if (parts.empty())
        throw Error("Tracer cannot infer type of []: lists in the output must have elements");
      one_type("List outputs of", parts);
      return builder(0).list(parts, parts.front()->type);
    case Tag::kDict: {
      std::vector<ir::Def*> all, keys;
      for (const auto& [key, item] : value.as_dict().items()) {
        keys.push_back(builder(0).constant(key));
        parts.push_back(output_of(item, number));
        all.insert(all.end(), {keys.back(), parts.back()});
      }
      if (parts.empty()) throw Error("Tracer cannot infer type of {}: dicts in the output must have entries");
      one_type("Dictionary keys in outputs of", keys);
      one_type("Dictionary outputs of", parts);
      return builder(0).dict(all, keys.front()->type, parts.front()->type);
    }
    default: return def_of(value, 0);
  }
}

std::unique_ptr<ir::Graph> Tracer::finish(const Value& result) {
  if (scopes_.size() != 1) throw ValueError("trace: a fork was begun and not ended");
  int number = 0;
  ir::Def* const out = output_of(result, &number);
  ir::Graph& graph = *scopes_.front().graph;
  graph.root().outputs = {out};
  graph.returns = {out->type};
  return std::move(scopes_.front().graph);
}

}  // namespace tine::trace
