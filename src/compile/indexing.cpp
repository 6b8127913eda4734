#include "src/compile/indexing.h"

#include <algorithm>

#include "src/compile/classes.h"
#include "src/compile/expressions.h"
#include "src/compile/meanings.h"
#include "src/compile/records.h"
#include "src/compile/values.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

// The value of a constant index: then the type of what it finds is known.
std::optional<int64_t> Indexing::constant_int(const syntax::Expr& e) {
  if (const auto* i = syntax::is<syntax::Int>(e)) return i->value;
  if (const auto* u = syntax::is<syntax::Unary>(e); u && u->op == syntax::UnaryOp::kNeg) {
    if (const auto* i = syntax::is<syntax::Int>(*u->operand)) return -i->value;
  }
  if (e.kind == ExprKind::kName || e.kind == ExprKind::kAttribute) {
    const std::string name = scopes_.free_name(e);
    if (name.empty()) return std::nullopt;
    const Resolved r = names_.resolve(name);
    if (const auto* c = std::get_if<Constant>(&r); c && c->value.is_int()) return c->value.as_int();
  }
  return std::nullopt;
}

// One of the numbers of a slice; those of a Tensor's may be Tensors themselves.
Def* Indexing::slice_bound(const syntax::Expr& e, const Type& of, std::string_view what, bool or_none) {
  Def* d = expressions_.value(e);
  const TypeKind kind = d->type->kind;
  const bool fits = kind == TypeKind::kInt || (kind == TypeKind::kTensor && of.kind == TypeKind::kTensor) ||
                    (or_none && (kind == TypeKind::kNone ||
                                 (kind == TypeKind::kOptional && d->type->of[0]->kind == TypeKind::kInt)));
  if (!fits) builder_.fail(e.span, fmt::format("{}, not {}", what, d->type->str()));
  return d;
}

std::optional<Indexing::Cut> Indexing::cut_of(const syntax::Expr& index) {
  if (const auto* s = syntax::is<syntax::Slice>(index))
    return Cut{s->lower.get(), s->upper.get(), s->step.get()};
  const auto* call = syntax::is<syntax::Call>(index);
  if (!call || scopes_.free_name(*call->callee).empty()) return std::nullopt;
  const Resolved callee = names_.resolve(dotted_name(*call->callee));
  const auto* builtin = std::get_if<Builtin>(&callee);
  if (!builtin || builtin->form != Form::kSlice) return std::nullopt;
  const auto& args = call->args;
  if (!call->keywords.empty() || args.empty() || args.size() > 3)
    builder_.fail(index.span, "`slice` takes 1 to 3 arguments, by position");
  if (args.size() == 1) return Cut{nullptr, args[0].get(), nullptr};
  const bool stepped = args.size() == 3 && args[2]->kind != ExprKind::kNone;
  return Cut{args[0].get(), args[1].get(), stepped ? args[2].get() : nullptr};
}

Indexing::SliceBounds Indexing::slice_bounds(const Cut& s, const Type& of) {
  const auto bound = [&](const syntax::Expr* e) {
    return e ? slice_bound(*e, of, "the bounds of a slice must be ints", true) : builder_.none();
  };
  Def* lower = bound(s.lower);
  Def* upper = bound(s.upper);
  Def* step =
      s.step ? slice_bound(*s.step, of, "the step of a slice must be an int", false) : builder_.integer(1);
  return {lower, upper, step};
}

Def* Indexing::subscript(const syntax::Subscript& e) {
  const Meaning object = meanings_.of(*e.object);
  if ((!object.def || !object.method.empty()) && std::holds_alternative<GenericName>(object.resolved))
    builder_.fail(e.span, "a type can only be used in annotations, `isinstance` and `torch.jit.annotate`");
  if (const TypePtr type = object.def ? nullptr : enum_named(object.resolved)) {
    const auto* key = e.indices.size() == 1 ? syntax::is<syntax::String>(*e.indices[0]) : nullptr;
    builder_.fail(e.span, how_to_name(object.dotted, *type, key ? key->value : std::string_view()));
  }
  Def* value = meanings_.value_of(object, e.object->span);
  builder_.here(e.span);
  if (value->type->kind == TypeKind::kTensor) return tensor_index(value, tensor_indices(e), e.span);
  if (class_of(value->type)) {
    Def* key = object_key(e);
    if (Def* d = classes_.try_method(value, "__getitem__", {key}, e.span)) return d;
    builder_.fail(e.span, fmt::format("{} cannot be indexed{}", value->type->str(),
                                      Classes::help("__getitem__", value, value)));
  }
  if (e.indices.size() != 1 || e.comma)
    builder_.fail(e.span, fmt::format("{} takes a single index", value->type->str()));
  const syntax::Expr& index = *e.indices[0];
  const std::optional<Cut> cut = cut_of(index);
  switch (value->type->kind) {
    case TypeKind::kTuple: return cut ? tuple_slice(value, *cut) : tuple_item(value, index, e.span);
    case TypeKind::kList:
    case TypeKind::kStr:
      if (cut) {
        const SliceBounds s = slice_bounds(*cut, *value->type);
        builder_.here(e.span);
        return builder_.must_operator("aten::slice", {value, s.lower, s.upper, s.step}, e.span);
      }
      break;
    case TypeKind::kDict:
      if (cut) builder_.fail(index.span, "a dict takes no slice");
      break;
    case TypeKind::kObject:
      if (cut)
        builder_.fail(
            index.span,
            "modules take no slice in scripts; loop over all with `enumerate`, and test the number");
      return module_item(value, index, e.span);
    case TypeKind::kAny:
    case TypeKind::kOptional:
    case TypeKind::kUnion:
      builder_.fail(e.span, fmt::format("{} cannot be indexed{}", value->type->str(), optional_help(value)));
    default: builder_.fail(e.span, fmt::format("{} cannot be indexed", value->type->str()));
  }
  Def* key = expressions_.value(index, value->type->kind == TypeKind::kDict ? value->type->of[0] : nullptr);
  builder_.here(e.span);
  if (value->type->kind == TypeKind::kList) {
    if (Def* at = builder_.coerce_with_tensors(key, Type::integer())) key = at;
  }
  if (Def* d = builder_.try_operator("aten::__getitem__", {value, key})) return d;
  builder_.fail(index.span,
                fmt::format("{} must be indexed by {}, not by {}", value->type->str(),
                            value->type->kind == TypeKind::kDict ? value->type->of[0]->str() : "int",
                            key->type->str()));
}

// x[i, j] of an object of a class is a tuple, as in Python.
Def* Indexing::object_key(const syntax::Subscript& e) {
  std::vector<Def*> keys;
  for (const auto& index : e.indices) {
    if (cut_of(*index))
      builder_.fail(index->span, "an object of a class takes no slice in scripts; give it the bounds");
    keys.push_back(expressions_.value(*index));
  }
  builder_.here(e.span);
  return keys.size() == 1 && !e.comma ? keys[0] : builder_.tuple(std::move(keys));
}

Def* Indexing::tuple_slice(Def* tuple, const Cut& cut) {
  const auto size = static_cast<int64_t>(tuple->type->of.size());
  const auto number = [&](const syntax::Expr* e) -> std::optional<int64_t> {
    if (!e || e->kind == ExprKind::kNone) return std::nullopt;
    const std::optional<int64_t> v = constant_int(*e);
    if (!v) builder_.fail(e->span, "the numbers of a tuple's slice must be constant ints");
    return v;
  };
  const int64_t step = number(cut.step).value_or(1);
  if (step == 0) builder_.fail(cut.step->span, "the step of a slice cannot be zero");
  // Downwards the slice begins at the last element and ends in front of the first.
  const int64_t least = step > 0 ? 0 : -1, most = step > 0 ? size : size - 1;
  const auto bound = [&](const syntax::Expr* e, int64_t missing) {
    const std::optional<int64_t> v = number(e);
    return v ? std::clamp(*v < 0 ? *v + size : *v, least, most) : missing;
  };
  const int64_t from = bound(cut.lower, step > 0 ? 0 : size - 1), to = bound(cut.upper, step > 0 ? size : -1);
  std::vector<Def*> items;
  // One beyond the size is as far as any.
  const int64_t stride = std::clamp(step, -size - 1, size + 1);
  for (int64_t i = from; step > 0 ? i < to : i > to; i += stride)
    items.push_back(builder_.tuple_index(tuple, static_cast<int>(i)));
  return builder_.tuple(std::move(items));
}

Def* Indexing::tuple_item(Def* tuple, const syntax::Expr& index, Span span) {
  const auto& of = tuple->type->of;
  const auto size = static_cast<int64_t>(of.size());
  const std::optional<int64_t> i = constant_int(index);
  if (!i) {
    // Elements of one type make a list of it.
    if (of.empty() || !std::all_of(of.begin(), of.end(), [&](const TypePtr& t) { return equal(t, of[0]); })) {
      builder_.fail(index.span,
                    fmt::format("the index into {} must be a constant int, so that its type is known",
                                tuple->type->str()));
    }
    Def* at = builder_.coerce_with_tensors(expressions_.value(index), Type::integer());
    if (!at) {
      builder_.fail(index.span,
                    fmt::format("{} must be indexed by int{}", tuple->type->str(),
                                tuple->type->named_tuple() ? "; a field is read as `.name`" : ""));
    }
    Def* list = builder_.list(builder_.unpack_tuple(tuple), of[0]);
    return builder_.must_operator("aten::__getitem__", {list, at}, span);
  }
  const int64_t at = *i < 0 ? *i + size : *i;
  if (at < 0 || at >= size)
    builder_.fail(index.span,
                  fmt::format("{} has {} elements, so no index {}", tuple->type->str(), size, *i));
  return builder_.tuple_index(tuple, static_cast<int>(at));
}

// A module in a container is an attribute, whose name is its key or its number.
Def* Indexing::module_item(Def* modules, const syntax::Expr& index, Span span) {
  const auto named = [&](const std::string& name) {
    return meanings_.value_of(meanings_.module_attribute(modules, name, index.span), span);
  };
  if (const auto* key = syntax::is<syntax::String>(index)) return named(key->value);
  std::optional<int64_t> i = constant_int(index);
  if (!i) {
    // A name or number of a loop over modules.
    const Def* at = expressions_.value(index);
    const bool constant = at->node && at->node->kind == ir::Kind::kConstant;
    if (constant && at->node->constant.is_string()) return named(at->node->constant.as_string());
    if (constant && at->node->constant.is_int()) i = at->node->constant.as_int();
  }
  if (!i)
    builder_.fail(index.span,
                  "the index into a module must be a constant int or str, so that its type is known");
  // Those that have numbers for names; a number below zero counts from their end.
  const auto& type = static_cast<const ObjectType&>(*modules->type);
  int64_t size = 0;
  while (type.slot_index(fmt::format("{}", size)) >= 0) ++size;
  const int64_t at = *i < 0 ? *i + size : *i;
  if (size > 0 && (at < 0 || at >= size))
    builder_.fail(index.span,
                  fmt::format("{} has {} modules, so no index {}", modules->type->str(), size, *i));
  return named(fmt::format("{}", at));
}

// A slice is four values in the list: ":", its bounds and its step. An Ellipsis is "...".
std::vector<Def*> Indexing::tensor_indices(const syntax::Subscript& e) {
  // x[(i, j)] is x[i, j].
  std::vector<const syntax::Expr*> indices;
  const auto* tuple = e.indices.size() == 1 && !e.comma ? syntax::is<syntax::Tuple>(*e.indices[0]) : nullptr;
  for (const syntax::ExprPtr& i : tuple ? tuple->items : e.indices) indices.push_back(i.get());
  std::vector<Def*> out;
  const auto add = [&](Def* index, Span span) {
    switch (index->type->kind) {
      case TypeKind::kNone:
      case TypeKind::kBool:
      case TypeKind::kInt:
      case TypeKind::kNumber:
      case TypeKind::kTensor:
      case TypeKind::kList: out.push_back(index); return;
      default:
        builder_.fail(
            span,
            fmt::format(
                "a Tensor can be indexed by int, bool, slice, None, `...`, Tensor or a list, not by {}{}",
                index->type->str(),
                index->type->kind == TypeKind::kOptional ? "; test `is not None` first" : ""));
    }
  };
  for (const syntax::Expr* i : indices) {
    builder_.here(e.span);
    if (i->kind == ExprKind::kEllipsis) {
      out.push_back(builder_.text("..."));
    } else if (const std::optional<Cut> cut = cut_of(*i)) {
      const SliceBounds s = slice_bounds(*cut, *Type::tensor());
      builder_.here(e.span);
      for (Def* d : {builder_.text(":"), s.lower, s.upper, s.step}) out.push_back(d);
    } else {
      Def* index = expressions_.value(*i);
      builder_.here(e.span);
      if (index->type->kind == TypeKind::kTuple && indices.size() == 1) {
        for (Def* item : builder_.unpack_tuple(index)) add(item, i->span);
      } else {
        add(index, i->span);
      }
    }
  }
  return out;
}

// True when nothing but ints, slices between ints, None and Ellipsis is among them.
bool Indexing::gives_view(const std::vector<Def*>& indices) {
  return std::none_of(indices.begin(), indices.end(), [](const Def* index) {
    const TypeKind kind = index->type->kind;
    return kind == TypeKind::kTensor || kind == TypeKind::kList || kind == TypeKind::kBool ||
           kind == TypeKind::kNumber;
  });
}

// Most subscripts are ints or a single slice, which need no list of indices. Null for all others.
Def* Indexing::simple_index(Def* tensor, const std::vector<Def*>& indices, Span span) {
  if (!indices.empty() && std::all_of(indices.begin(), indices.end(),
                                      [](const Def* i) { return i->type->kind == TypeKind::kInt; })) {
    for (Def* i : indices)
      tensor = builder_.must_operator("aten::select", {tensor, builder_.integer(0), i}, span);
    return tensor;
  }
  if (indices.size() == 4 && indices[0]->type->kind == TypeKind::kStr &&
      indices[0]->node->constant.as_string() == ":" && gives_view(indices))
    return builder_.must_operator("aten::slice",
                                  {tensor, builder_.integer(0), indices[1], indices[2], indices[3]}, span);
  return nullptr;
}

Def* Indexing::tensor_index(Def* tensor, const std::vector<Def*>& indices, Span span) {
  builder_.here(span);
  if (Def* view = simple_index(tensor, indices, span)) return view;
  return builder_.must_operator("aten::__getitem__", {tensor, builder_.list(indices, Type::any())}, span);
}

void Indexing::set_tensor_index(Def* tensor, const std::vector<Def*>& indices, Def* value, Span span) {
  switch (value->type->kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber:
    case TypeKind::kTensor:
    case TypeKind::kList: break;
    default:
      builder_.fail(
          span, fmt::format(
                    "a {} cannot be stored into a Tensor here; build a new one with torch.cat or torch.stack",
                    value->type->str()));
  }
  builder_.here(span);
  if (Def* view = simple_index(tensor, indices, span)) {
    const TypeKind kind = value->type->kind;
    const bool number = kind == TypeKind::kInt || kind == TypeKind::kFloat;  // fill_ takes no bool
    builder_.must_operator(number ? "aten::fill_" : "aten::_assign", {view, value}, span);
  } else {
    builder_.must_operator("aten::_set_item", {tensor, builder_.list(indices, Type::any()), value}, span);
  }
}

void Indexing::assign(const syntax::Subscript& e, Def* value, Span span) {
  Def* object = expressions_.value(*e.object);
  builder_.here(e.span);
  if (object->type->kind == TypeKind::kTensor) {
    set_tensor_index(object, tensor_indices(e), value, e.span);
    return;
  }
  if (class_of(object->type)) {
    Def* key = object_key(e);
    if (classes_.try_method(object, "__setitem__", {key, value}, e.span)) return;
  }
  if (object->type->kind != TypeKind::kList && object->type->kind != TypeKind::kDict)
    builder_.fail(e.span, fmt::format("the elements of {} cannot be assigned to{}", object->type->str(),
                                      Classes::help("__setitem__", object, object)));
  if (e.indices.size() != 1 || e.comma)
    builder_.fail(e.span, fmt::format("{} takes a single index", object->type->str()));
  if (cut_of(*e.indices[0]))
    builder_.fail(e.indices[0]->span,
                  "assigning to a slice is not supported in scripts; assign the elements in a loop");
  const TypePtr& want = object->type->of.back();
  Def* fitting = builder_.coerce(value, want);
  if (!fitting)
    builder_.fail(span, fmt::format("the elements of {} are {}, not {}", object->type->str(), want->str(),
                                    value->type->str()));
  Def* key = expressions_.value(*e.indices[0]);
  builder_.here(e.span);
  if (!builder_.try_operator("aten::_set_item", {object, key, fitting})) {
    builder_.fail(e.indices[0]->span,
                  fmt::format("{} must be indexed by {}, not by {}", object->type->str(),
                              object->type->kind == TypeKind::kDict ? object->type->of[0]->str() : "int",
                              key->type->str()));
  }
}

void Indexing::delete_element(const syntax::Subscript& e) {
  Def* object = expressions_.value(*e.object);
  if (class_of(object->type) && classes_.try_method(object, "__delitem__", {object_key(e)}, e.span)) return;
  if (object->type->kind != TypeKind::kList && object->type->kind != TypeKind::kDict)
    builder_.fail(e.span, fmt::format("`del` takes elements of lists and dicts, not those of {}{}{}",
                                      object->type->str(), Classes::help("__delitem__", object, object),
                                      optional_help(object)));
  if (e.indices.size() != 1 || e.comma || cut_of(*e.indices[0]))
    builder_.fail(e.span,
                  "`del` takes a single element in scripts; to keep the others, write `x = x[:i] + x[j:]`");
  Def* key = expressions_.value(*e.indices[0]);
  builder_.here(e.span);
  if (!builder_.try_operator("aten::Delete", {object, key})) {
    builder_.fail(e.indices[0]->span,
                  fmt::format("{} must be indexed by {}, not by {}", object->type->str(),
                              object->type->kind == TypeKind::kDict ? object->type->of[0]->str() : "int",
                              key->type->str()));
  }
}

void Indexing::update(const syntax::Subscript& e, const syntax::AugAssign& s) {
  Def* object = expressions_.value(*e.object);
  if (object->type->kind == TypeKind::kTensor) {
    const std::vector<Def*> indices = tensor_indices(e);
    Def* item = tensor_index(object, indices, e.span);
    Def* value = expressions_.value(*s.value);
    builder_.here(s.span);
    Def* result = values_.arithmetic(s.op, item, value, s.span, true);
    // An operator that wrote into a view of the tensor is done. A copy or a new value must be stored back.
    const bool written =
        result->node && result->node->kind == ir::Kind::kOp && !result->node->op->traits.pure;
    if (!written || !gives_view(indices)) set_tensor_index(object, indices, result, s.span);
    return;
  }
  if (class_of(object->type)) {
    Def* key = object_key(e);
    Def* old = classes_.try_method(object, "__getitem__", {key}, e.span);
    if (!old)
      builder_.fail(e.span, fmt::format("{} cannot be indexed{}", object->type->str(),
                                        Classes::help("__getitem__", object, object)));
    Def* changed = values_.arithmetic(s.op, old, expressions_.value(*s.value), s.span, true);
    builder_.here(s.span);
    if (classes_.try_method(object, "__setitem__", {key, changed}, e.span)) return;
  }
  if (object->type->kind != TypeKind::kList && object->type->kind != TypeKind::kDict)
    builder_.fail(e.span, fmt::format("the elements of {} cannot be changed{}", object->type->str(),
                                      Classes::help("__setitem__", object, object)));
  if (e.indices.size() != 1 || e.comma || cut_of(*e.indices[0]))
    builder_.fail(e.span, "only a single element can be changed in place; change the elements in a loop");
  Def* index = expressions_.value(*e.indices[0]);  // once, for the read and the write
  Def* old = builder_.must_operator("aten::__getitem__", {object, index}, e.span);
  Def* value = values_.arithmetic(s.op, old, expressions_.value(*s.value), s.span);
  const TypePtr& want = object->type->of.back();
  Def* fitting = builder_.coerce(value, want);
  if (!fitting)
    builder_.fail(s.span,
                  fmt::format("the elements are {}, but this gives {}", want->str(), value->type->str()));
  builder_.here(s.span);
  builder_.must_operator("aten::_set_item", {object, index, fitting}, s.span);
}

}  // namespace tine::compile
