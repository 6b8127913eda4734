#include "src/ir/pytorch.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <unordered_map>

#include "src/ir/passes/rewrite.h"
#include "src/ir/verify.h"
#include "src/value/unify.h"

namespace tine::ir {
namespace {

// What PyTorch calls otherwise.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kNames = {{
    {"aten::ScalarImplicit", "aten::item"},
    {"prim::shape", "aten::size"},
}};

// Ints that say, at the end of PyTorch's arguments, what is the case here anyway: all of a string, rows one after another.
struct Surplus {
  std::string_view name;
  std::array<int64_t, 2> ints;
  size_t count;
};
constexpr std::array<Surplus, 4> kSurplus = {{{"aten::startswith", {0, -1}, 2},
                                              {"aten::endswith", {0, -1}, 2},
                                              {"aten::contiguous", {0, 0}, 1},
                                              {"aten::round", {0, 0}, 1}}};

bool is_none(const Def* def) { return def->type->kind == TypeKind::kNone; }

class Writer {
 public:
  Writer(Builder& at, const OpTable& ops, const ForeignNode& node) : at_(at), ops_(ops), node_(node) {}

  std::vector<Def*> run() {
    const std::vector<Def*>& in = node_.inputs;
    const std::string_view name = node_.name;
    if (name == "prim::Uninitialized" && node_.outputs.size() == 1)
      return {at_.constant(unread_value(node_.outputs[0]), node_.outputs[0])};
    if (name == "prim::RaiseException" && !in.empty()) {
      at_.raise(error_class(in), message(in[0]));
      return {};
    }
    if (name == "prim::TupleIndex" && in.size() == 2) {
      const Value* const index = constant_of(in[1]);
      if (!index || !index->is_int()) fail("the index of a tuple must be a constant");
      int64_t at = index->to_int();
      const auto size = static_cast<int64_t>(in[0]->type->of.size());
      if (at < 0) at += size;
      if (in[0]->type->kind != TypeKind::kTuple || at < 0 || at >= size)
        fail("the index is not in the tuple");
      return {at_.tuple_index(in[0], static_cast<int>(at))};
    }
    if (name == "prim::TupleSlice" && in.size() == 1) {
      std::vector<Def*> parts;
      for (int64_t i = number("beg"); i < number("end"); ++i) {
        if (i < 0 || i >= static_cast<int64_t>(in[0]->type->of.size())) fail("the slice is not in the tuple");
        parts.push_back(at_.tuple_index(in[0], static_cast<int>(i)));
      }
      return {at_.tuple(std::move(parts))};
    }
    if (name == "prim::isinstance" && in.size() == 1 && !node_.types.empty()) return {one_of(in[0])};
    if ((name == "aten::__is__" || name == "aten::__isnot__") && in.size() == 2 &&
        (is_none(in[0]) || is_none(in[1]))) {
      Def* const is = at_.is_instance(is_none(in[0]) ? in[1] : in[0], Type::none());
      return {name == "aten::__is__" ? is : must("aten::__not__", {is})};
    }
    if ((name == "prim::unchecked_unwrap_optional" || name == "aten::_unwrap_optional") && in.size() == 1 &&
        node_.outputs.size() == 1)
      return {at_.cast(in[0], node_.outputs[0])};
    return operator_(name);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw SyntaxError(fmt::format("{}: {}", node_.name, why));
  }

  int64_t number(std::string_view attribute) const {
    for (const auto& [name, value] : node_.numbers) {
      if (name == attribute && value.is_int()) return value.to_int();
    }
    fail(fmt::format("expected the attribute '{}', an int", attribute));
  }

  Def* must(std::string_view name, std::vector<Def*> inputs) {
    const Op* const op = overload_for(ops_, name, inputs, nullptr);
    if (!op) fail(fmt::format("there is no operator {} for it", name));
    return at_.op(*op, std::move(inputs));
  }

  // "builtins.ValueError" is a constant; where there is none, or a class of the program, it is an error of the run.
  static std::string error_class(const std::vector<Def*>& in) {
    const Value* const text = in.size() > 1 ? constant_of(in[1]) : nullptr;
    if (text && text->is_string()) {
      const std::string& name = text->as_string();
      std::string last = name.substr(name.rfind('.') + 1);
      ErrorKind kind{};
      if (kind_named(last, &kind)) return last;
    }
    return "RuntimeError";
  }
  Def* message(Def* def) { return def->type->kind == TypeKind::kStr ? def : must("aten::str", {def}); }

  Def* one_of(Def* value) {
    Def* all = nullptr;
    for (const TypePtr& type : node_.types) {
      Def* const is = at_.is_instance(value, type);
      all = all ? must("aten::__or__", {all, is}) : is;
    }
    return all;
  }

  std::vector<Def*> operator_(std::string_view name) {
    for (const auto& [theirs, ours] : kNames) {
      if (name == theirs) name = ours;
    }
    // Here the scalar rows of some names are in the other of these two namespaces.
    const std::string other = name.starts_with("aten::")   ? fmt::format("prim::{}", name.substr(6))
                              : name.starts_with("prim::") ? fmt::format("aten::{}", name.substr(6))
                                                           : std::string();
    for (const std::string_view called : {name, std::string_view(other)}) {
      for (const bool declared : {true, false}) {
        for (const Op* op : ops_.overloads(called)) {
          std::vector<Def*> inputs;
          if (!matches(*op, &inputs)) continue;
          TypePtr result = result_of(*op, inputs);
          const bool single = node_.outputs.size() == 1;
          if (declared && single && result->kind != TypeKind::kAny && !equal(result, node_.outputs[0]))
            continue;
          if (single && result->kind == TypeKind::kAny) result = node_.outputs[0];
          return results(at_.op(*op, written(*op, inputs), result));
        }
      }
    }
    std::string types;
    for (const Def* def : node_.inputs) types += (types.empty() ? "" : ", ") + def->type->str();
    if (ops_.overloads(name).empty() && ops_.overloads(other).empty())
      fail("tine has no operator of this name");
    fail(fmt::format("no overload takes ({})", types));
  }

  // The inputs as the row takes them. What is still to be written is null there: a default, or the list of the rest.
  bool matches(const Op& op, std::vector<Def*>* inputs) {
    const std::vector<Argument>& args = op.schema.args;
    *inputs = node_.inputs;
    stand_ins_.clear();
    packs_ = false;
    if (result_of(op, *inputs)) return true;
    // PyTorch may have arguments more, which say what is the case here anyway.
    while (inputs->size() > args.size() && is_off(inputs->back())) inputs->pop_back();
    for (const Surplus& surplus : kSurplus) {
      if (surplus.name != node_.name || inputs->size() != args.size() + surplus.count) continue;
      bool same = true;
      for (size_t i = 0; i < surplus.count; ++i) {
        const Value* const value = constant_of((*inputs)[args.size() + i]);
        same = same && value && value->is_int() && value->to_int() == surplus.ints[i];
      }
      if (same) inputs->resize(args.size());
    }
    if (inputs->size() < args.size()) {
      for (size_t i = inputs->size(); i < args.size(); ++i) {
        if (!args[i].default_value) return packed(op, inputs);
        inputs->push_back(stand_in(type_of(*args[i].default_value)));
      }
    }
    return result_of(op, *inputs) || packed(op, inputs);
  }
  bool packed(const Op& op, std::vector<Def*>* inputs) {
    const std::vector<Argument>& args = op.schema.args;
    if (args.empty() || args.back().type->kind != TypeKind::kList ||
        args.back().type->of[0]->kind != TypeKind::kAny || node_.inputs.size() + 1 < args.size())
      return false;
    inputs->assign(node_.inputs.begin(), node_.inputs.begin() + static_cast<std::ptrdiff_t>(args.size()) - 1);
    stand_ins_.clear();
    inputs->push_back(stand_in(args.back().type));
    packs_ = true;
    return result_of(op, *inputs) != nullptr;
  }
  Def* stand_in(TypePtr type) {
    auto& made = stand_ins_.emplace_back(std::make_unique<Def>());
    made->type = std::move(type);
    return made.get();
  }
  static bool is_off(const Def* def) {
    const Value* const value = constant_of(def);
    return value && (value->is_none() || (value->is_bool() && !value->as_bool()));
  }

  std::vector<Def*> written(const Op& op, std::vector<Def*> inputs) {
    if (packs_) {
      const size_t own = op.schema.args.size() - 1;
      std::vector<Def*> rest(node_.inputs.begin() + static_cast<std::ptrdiff_t>(own), node_.inputs.end());
      inputs[own] = at_.list(std::move(rest), Type::any());
      return inputs;
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool made = std::any_of(stand_ins_.begin(), stand_ins_.end(),
                                    [&](const auto& one) { return one.get() == inputs[i]; });
      if (made) inputs[i] = at_.constant(*op.schema.args[i].default_value, inputs[i]->type);
    }
    return inputs;
  }

  std::vector<Def*> results(Def* result) {
    if (node_.outputs.size() == 1) return {result};
    if (node_.outputs.empty()) return {};
    if (result->type->kind != TypeKind::kTuple || result->type->of.size() != node_.outputs.size())
      fail(fmt::format("it has one result here, a {}", result->type->str()));
    return at_.unpack_tuple(result);
  }

  Builder& at_;
  const OpTable& ops_;
  const ForeignNode& node_;
  std::vector<std::unique_ptr<Def>> stand_ins_;
  bool packs_ = false;
};

using Slots = std::map<std::string, std::map<std::string, TypePtr>>;

// Two classes of one name are compared with all that is in them.
constexpr int kDeepestClass = 64;
constexpr uint32_t kLargestClass = uint32_t{1} << 20;

class Classes {
 public:
  explicit Classes(const Slots& slots) : slots_(slots) {}

  TypePtr known(const TypePtr& type) { return type ? known_(type) : type; }

 private:
  TypePtr whole(const std::string& name) {
    const auto [found, fresh] = done_.emplace(name, nullptr);
    if (!fresh) {
      if (!found->second) throw SyntaxError(fmt::format("the class {} contains itself", name));
      return found->second;
    }
    if (++depth_ > kDeepestClass)
      throw SyntaxError(
          fmt::format("classes are nested more than {} deep, at the class {}", kDeepestClass, name));
    std::vector<ObjectType::Slot> slots;
    if (const auto own = slots_.find(name); own != slots_.end()) {
      for (const auto& [slot, type] : own->second) slots.push_back({slot, known(type)});
    }
    --depth_;
    auto type = std::make_shared<const ObjectType>(name, std::move(slots));
    if (type->size > kLargestClass) throw SyntaxError(fmt::format("the class {} is too large", name));
    return done_[name] = std::move(type);
  }

  const Slots& slots_;
  std::map<std::string, TypePtr> done_;
  int depth_ = 0;
  TypeMap known_{
      [this](const TypePtr& type) { return type->kind == TypeKind::kObject ? whole(type->name) : type; }};
};

}  // namespace

std::vector<Def*> write_foreign(Builder& at, const OpTable& ops, const ForeignNode& node) {
  return Writer(at, ops, node).run();
}

bool is_tensor_of(std::string_view type, DType* dtype) {
  constexpr std::array<std::pair<std::string_view, DType>, 11> kScalarTypes = {{
      {"Float", DType::kFloat32},
      {"Double", DType::kFloat64},
      {"Long", DType::kInt64},
      {"Int", DType::kInt64},
      {"Bool", DType::kBool},
      {"Byte", DType::kUInt8},
      {"Half", DType::kFloat32},
      {"BFloat16", DType::kFloat32},
      {"Short", DType::kInt64},
      {"Char", DType::kInt64},
      {"Tensor", DType::kFloat32},
  }};
  const size_t open = type.find('(');
  if (open == std::string_view::npos || type.back() != ')') return false;
  for (const auto& [name, meant] : kScalarTypes) {
    if (type.substr(0, open) != name) continue;
    *dtype = meant;
    return true;
  }
  return false;
}

Value unread_value(const TypePtr& type) {
  switch (type->kind) {
    case TypeKind::kAny:
    case TypeKind::kNone:
    case TypeKind::kOptional: return Value();
    case TypeKind::kBool: return Value(false);
    case TypeKind::kInt:
    case TypeKind::kNumber: return Value(int64_t{0});
    case TypeKind::kFloat: return Value(0.0);
    case TypeKind::kStr: return Value(std::string());
    case TypeKind::kTensor: return Value(Tensor::empty(Shape{0}, DType::kFloat32));
    case TypeKind::kList: return Value(detail::make_ref<List>(std::vector<Value>()));
    case TypeKind::kDict: return Value(detail::make_ref<Dict>());
    case TypeKind::kTuple: {
      std::vector<Value> items;
      for (const TypePtr& of : type->of) items.push_back(unread_value(of));
      return tuple_of(std::move(items), *type);
    }
    case TypeKind::kUnion: return unread_value(type->of.front());
    case TypeKind::kEnum:
      if (!type->name.empty()) return enum_member(std::static_pointer_cast<const EnumType>(type), 0);
      [[fallthrough]];
    default: throw SyntaxError(fmt::format("prim::Uninitialized: a {} must have a value here", type->str()));
  }
}

void infer_classes(Graph& graph) {
  Slots slots;
  bool any = false;
  each_graph(graph, [&](Graph& g) {
    for (const Def* def : g.inputs()) any = any || def->type->kind == TypeKind::kObject;
    each_node(g.root(), [&](Node& node) {
      const bool reads = node.kind == Kind::kGetAttr && node.inputs.size() == 1 && node.outputs.size() == 1;
      const bool assigns = node.kind == Kind::kSetAttr && node.inputs.size() == 2;
      for (const Def* def : node.outputs) any = any || def->type->kind == TypeKind::kObject;
      if ((reads || assigns) && node.inputs[0]->type->kind == TypeKind::kObject)
        slots[node.inputs[0]->type->name].emplace(node.name,
                                                  reads ? node.output()->type : node.inputs[1]->type);
    });
  });
  if (!any) return;
  Classes classes(slots);
  each_graph(graph, [&](Graph& g) {
    for (TypePtr& type : g.returns) type = classes.known(type);
    for (Def* def : g.root().params) def->type = classes.known(def->type);
    each_node(g.root(), [&](Node& node) {
      node.type = classes.known(node.type);
      for (Def* def : node.outputs) def->type = classes.known(def->type);
      for (Block* inner : node.blocks) {
        for (Def* def : inner->params) def->type = classes.known(def->type);
      }
    });
  });
}

}  // namespace tine::ir
