#include "src/compile/iteration.h"

#include <algorithm>

#include "src/compile/assignments.h"
#include "src/compile/classes.h"
#include "src/compile/expressions.h"
#include "src/compile/meanings.h"
#include "src/compile/records.h"

namespace tine::compile {

using ir::Def;
using ir::Node;

Iterable Iteration::over(const syntax::Expr& e) {
  const auto* call = syntax::is<syntax::Call>(e);
  if (const TypePtr type = call ? nullptr : meanings_.enum_class(e)) {
    builder_.here(e.span);
    return over_value(members_of(builder_, type), e.span);
  }
  if (!call) return over_value(expressions_.value(e), e.span);
  if (auto modules = module_view(*call)) return *std::move(modules);
  if (auto modules = modules_within(*call)) return *std::move(modules);
  // range and similar forms make no value; only a loop can use them.
  if (!scopes_.free_name(*call->callee).empty()) {
    const Meaning callee = meanings_.of(*call->callee);
    const auto* builtin = callee.def ? nullptr : std::get_if<Builtin>(&callee.resolved);
    switch (builtin ? builtin->form : Form::kLen) {
      case Form::kRange:
      case Form::kEnumerate:
      case Form::kZip:
      case Form::kReversed: {
        std::vector<CallArgument> args = arguments_.of(*call);
        return over_form(builtin->form, args, e.span);
      }
      default: break;
    }
  }
  return over_value(expressions_.value(e), e.span);
}

Iterable Iteration::over(const CallArgument& a) { return a.def ? over_value(a.def, a.span) : over(*a.expr); }

Iterable Iteration::over_form(Form form, std::vector<CallArgument>& args, Span span) {
  switch (form) {
    case Form::kEnumerate: return enumerate(args, span);
    case Form::kZip: return zip(args, span);
    case Form::kReversed: return reversed(args, span);
    default: return range(args, span);
  }
}

Iterable Iteration::range(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 1, 3, "range", span);
  std::vector<Def*> bounds;
  for (CallArgument& a : args) {
    bounds.push_back(arguments_.value(a));
    if (bounds.back()->type->kind != TypeKind::kInt)
      builder_.fail(a.span, fmt::format("`range` takes ints, not {}", bounds.back()->type->str()));
  }
  builder_.here(span);
  Iterable over;
  if (bounds.size() == 1) {
    over.length = bounds[0];
    over.element = [](Def* turn) { return turn; };
  } else if (bounds.size() == 2) {
    over.length = builder_.must_operator("aten::sub", {bounds[1], bounds[0]}, span);
    over.element = [this, bounds, span](Def* turn) {
      return builder_.must_operator("aten::add", {bounds[0], turn}, span);
    };
  } else {
    over.length = builder_.must_operator("aten::__range_length", {bounds[0], bounds[1], bounds[2]}, span);
    over.element = [this, bounds, span](Def* turn) {
      return builder_.must_operator("aten::__derive_index", {turn, bounds[0], bounds[2]}, span);
    };
  }
  return over;
}

Iterable Iteration::enumerate(std::vector<CallArgument>& args, Span span) {
  if (args.size() == 2 && args[1].name == "start") args[1].name = {};
  arguments_.expect(args, 1, 2, "enumerate", span);
  Iterable inner = over(args[0]);
  Def* start = args.size() > 1 ? arguments_.value(args[1]) : nullptr;
  if (start && start->type->kind != TypeKind::kInt)
    builder_.fail(args[1].span, fmt::format("`enumerate` must start at an int, not {}", start->type->str()));
  Iterable count;
  count.length = inner.length;
  count.element = [this, start, span](Def* turn) {
    return start ? builder_.must_operator("aten::add", {turn, start}, span) : turn;
  };
  Iterable both;
  both.length = inner.length;
  both.unrolled = inner.unrolled;
  both.parts.push_back(std::move(count));
  both.parts.push_back(std::move(inner));
  return both;
}

// As long as the shortest part.
Iterable Iteration::zip(const std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 1, syntax::kMaxParameters, "zip", span);
  Iterable all;
  for (const CallArgument& a : args) {
    all.parts.push_back(over(a));
    builder_.here(span);
    Def* length = all.parts.back().length;
    if (const auto n = all.parts.back().unrolled) all.unrolled = std::min(*n, all.unrolled.value_or(*n));
    if (!all.length) {
      all.length = length;
      continue;
    }
    Node* shorter = builder_.if_(builder_.must_operator("aten::lt", {all.length, length}, span));
    shorter->blocks[0]->outputs = {all.length};
    shorter->blocks[1]->outputs = {length};
    all.length = builder_.graph().add_output(*shorter, Type::integer());
  }
  return all;
}

Iterable Iteration::reversed(const std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 1, 1, "reversed", span);
  const Iterable inner = over(args[0]);
  Iterable over;
  if (const auto count = inner.unrolled) {
    over.length = inner.length;
    over.unrolled = count;
    over.element = [this, inner, last = static_cast<int64_t>(*count) - 1](Def* turn) {
      return element(inner, builder_.integer(last - turn->node->constant.as_int()));
    };
    return over;
  }
  if (!inner.parts.empty()) {
    const auto* call = args[0].expr ? syntax::is<syntax::Call>(*args[0].expr) : nullptr;
    builder_.fail(span,
                  fmt::format("`reversed` takes a list, a tuple, a range, a str, a Tensor or a container of "
                              "modules, not `{}(...)`",
                              call ? dotted_name(*call->callee) : "zip"));
  }
  builder_.here(span);
  Def* last = builder_.must_operator("aten::sub", {inner.length, builder_.integer(1)}, span);
  over.length = inner.length;
  over.element = [this, last, inner, span](Def* turn) {
    return inner.element(builder_.must_operator("aten::sub", {last, turn}, span));
  };
  return over;
}

Def* Iteration::module_before(const syntax::Call& call, const syntax::Attribute& method) {
  if (!call.args.empty() || !call.keywords.empty()) return nullptr;
  // Only an attribute chain over a variable is tried: if it is not a module, it is compiled a second time, so the first time
  // must leave no effect in the graph.
  if (dotted_name(*method.object).empty() || !scopes_.free_name(*method.object).empty()) return nullptr;
  const Meaning owner = meanings_.of(*method.object);
  return owner.def && owner.method.empty() && is_module(*owner.def->type) ? owner.def : nullptr;
}

std::optional<Iterable> Iteration::module_view(const syntax::Call& call) {
  const auto* method = syntax::is<syntax::Attribute>(*call.callee);
  if (!method || (method->name != "keys" && method->name != "values" && method->name != "items"))
    return std::nullopt;
  Def* owner = module_before(call, *method);
  const auto modules = owner ? names_.submodules(*owner->type) : std::nullopt;
  if (!modules || !modules->named) return std::nullopt;
  const Span span = call.span;
  Iterable keys = over_value(owner, span);
  if (method->name == "keys") return keys;
  Iterable values = keys;
  values.element = [this, object = owner, span, names = modules->names](Def* turn) {
    const std::string& at = names[static_cast<size_t>(turn->node->constant.as_int())];
    return meanings_.value_of(meanings_.module_attribute(object, at, span), span);
  };
  if (method->name == "values") return values;
  Iterable items;
  items.length = keys.length;
  items.unrolled = keys.unrolled;
  items.parts.push_back(std::move(keys));
  items.parts.push_back(std::move(values));
  return items;
}

// As nn.Module has them: a module may have methods of its own with these names.
std::optional<Iterable> Iteration::modules_within(const syntax::Call& call) {
  const auto* method = syntax::is<syntax::Attribute>(*call.callee);
  if (!method) return std::nullopt;
  const std::string_view what = method->name;
  const bool named = what.starts_with("named_");
  const std::string_view kind = named ? what.substr(6) : what;
  if (kind != "children" && kind != "modules") return std::nullopt;
  Def* owner = module_before(call, *method);
  if (!owner ||
      std::holds_alternative<FunctionRef>(names_.method(static_cast<const ObjectType&>(*owner->type), what)))
    return std::nullopt;
  struct Found {
    std::string path;
    Def* module;
  };
  std::vector<Found> found;
  const auto visit = [&](const auto& self, const Found& from) -> void {
    const auto& type = static_cast<const ObjectType&>(*from.module->type);
    for (const ObjectType::Slot& slot : type.slots) {
      if (slot.type->kind != TypeKind::kObject || class_of(slot.type)) continue;
      found.push_back({from.path.empty() ? slot.name : fmt::format("{}.{}", from.path, slot.name),
                       builder_.get_attr(from.module, slot.name, slot.type)});
      if (kind == "modules") self(self, Found(found.back()));
    }
  };
  builder_.here(call.span);
  if (kind == "modules") found.push_back({"", owner});
  visit(visit, {"", owner});
  Iterable modules;
  modules.unrolled = found.size();
  modules.length = builder_.integer(static_cast<int64_t>(found.size()));
  Iterable paths = modules;
  const auto at = [](const Def* turn) { return static_cast<size_t>(turn->node->constant.as_int()); };
  paths.element = [this, found, at](Def* turn) { return builder_.text(found[at(turn)].path); };
  modules.element = [found, at](Def* turn) { return found[at(turn)].module; };
  if (!named) return modules;
  Iterable both;
  both.unrolled = modules.unrolled;
  both.length = modules.length;
  both.parts = {std::move(paths), std::move(modules)};
  return both;
}

Iterable Iteration::over_value(Def* value, Span span) {
  builder_.here(span);
  Iterable over;
  switch (value->type->kind) {
    case TypeKind::kDict:
      over.dict = value;
      value = builder_.must_operator("aten::keys", {value}, span);
      [[fallthrough]];
    case TypeKind::kList:
    case TypeKind::kStr:
      over.length = builder_.must_operator("aten::len", {value}, span);
      over.element = [this, value, span](Def* turn) {
        return builder_.must_operator("aten::__getitem__", {value, turn}, span);
      };
      return over;
    case TypeKind::kTensor:
      over.length = builder_.must_operator("aten::len", {value}, span);
      over.element = [this, value, span](Def* turn) {
        return builder_.must_operator("aten::select", {value, builder_.integer(0), turn}, span);
      };
      return over;
    case TypeKind::kTuple: return over_tuple(value, span);
    case TypeKind::kObject: return over_modules(value, span);
    case TypeKind::kAny:
    case TypeKind::kOptional:
    case TypeKind::kUnion:
      builder_.fail(span,
                    fmt::format("a loop cannot run over {}{}", value->type->str(), optional_help(value)));
    default:
      builder_.fail(span,
                    fmt::format("a loop can run over a range, list, dict, str, tuple or Tensor, not over {}",
                                value->type->str()));
  }
}

// The variable of a loop has one type. So only elements of one type become a list.
Iterable Iteration::over_tuple(Def* tuple, Span span) {
  const std::vector<TypePtr>& of = tuple->type->of;
  if (!of.empty() && std::all_of(of.begin(), of.end(), [&](const TypePtr& t) { return equal(t, of[0]); }))
    return over_value(builder_.list(builder_.unpack_tuple(tuple), of[0]), span);
  Iterable over;
  over.unrolled = of.size();
  over.length = builder_.integer(static_cast<int64_t>(of.size()));
  over.element = [elements = builder_.unpack_tuple(tuple)](Def* turn) {
    return elements[static_cast<size_t>(turn->node->constant.as_int())];
  };
  return over;
}

Iterable Iteration::over_modules(Def* modules, Span span) {
  if (class_of(modules->type)) {
    builder_.fail(
        span,
        fmt::format("a loop cannot run over an object of `{}`; loop over a list that it holds or returns",
                    modules->type->name));
  }
  auto all = names_.submodules(*modules->type);
  if (!all)
    builder_.fail(span,
                  fmt::format("a loop can run over a ModuleList, a Sequential or a ModuleDict; `{}` is none "
                              "of these",
                              modules->type->name));
  Iterable over;
  over.unrolled = all->names.size();
  over.length = builder_.integer(static_cast<int64_t>(*over.unrolled));
  // The loop is unrolled, so the number of each iteration is a constant.
  over.element = [this, modules, span, all = *std::move(all)](Def* turn) {
    const std::string& name = all.names[static_cast<size_t>(turn->node->constant.as_int())];
    return all.named ? builder_.text(name)
                     : meanings_.value_of(meanings_.module_attribute(modules, name, span), span);
  };
  return over;
}

Def* Iteration::element(const Iterable& from, Def* turn) {
  if (from.parts.empty()) return from.element(turn);
  std::vector<Def*> parts;
  for (const Iterable& p : from.parts) parts.push_back(element(p, turn));
  return builder_.tuple(std::move(parts));
}

void Iteration::bind_target(const syntax::Expr& target, const Iterable& from, Def* turn) {
  builder_.here(target.span);
  // `for i, x in enumerate(xs)` needs no tuple of the two.
  const auto* tuple = syntax::is<syntax::Tuple>(target);
  if (tuple && !from.parts.empty()) {
    if (tuple->items.size() != from.parts.size()) {
      builder_.fail(target.span, fmt::format("expected {} variables for this loop, got {}", from.parts.size(),
                                             tuple->items.size()));
    }
    for (size_t i = 0; i < from.parts.size(); ++i) bind_target(*tuple->items[i], from.parts[i], turn);
    return;
  }
  assignments_.assign(target, element(from, turn), target.span);
}

}  // namespace tine::compile
