#include <algorithm>

#include "src/compile/function_compiler.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

std::optional<int64_t> FunctionCompiler::constant_int(const syntax::Expr& e) {
  if (const auto* i = syntax::is<syntax::Int>(e)) return i->value;
  if (const auto* u = syntax::is<syntax::Unary>(e); u && u->op == syntax::UnaryOp::kNeg) {
    if (const auto* i = syntax::is<syntax::Int>(*u->operand)) return -i->value;
  }
  if (e.kind == ExprKind::kName || e.kind == ExprKind::kAttribute) {
    const std::string name = dotted_name(e);
    if (name.empty() || find(name.substr(0, name.find('.')))) return std::nullopt;
    const Resolved r = resolve_name(resolver_, name);
    if (const auto* c = std::get_if<Constant>(&r); c && c->value.is_int()) return c->value.as_int();
  }
  return std::nullopt;
}

FunctionCompiler::SliceBounds FunctionCompiler::slice_bounds(const syntax::Slice& s, const Type& of) {
  const auto number = [&](const syntax::Expr& e, const char* what, bool or_none) {
    Def* d = expression(e);
    const TypeKind kind = d->type->kind;
    const bool fits = kind == TypeKind::kInt || (kind == TypeKind::kTensor && of.kind == TypeKind::kTensor) ||
                      (or_none && (kind == TypeKind::kNone ||
                                   (kind == TypeKind::kOptional && d->type->of[0]->kind == TypeKind::kInt)));
    if (!fits) fail(e.span, fmt::format("{}, not {}", what, d->type->str()));
    return d;
  };
  const auto bound = [&](const syntax::ExprPtr& e) {
    return e ? number(*e, "the bounds of a slice are ints", true) : builder_.constant(Value(), Type::none());
  };
  Def* lower = bound(s.lower);
  Def* upper = bound(s.upper);
  return {lower, upper, s.step ? number(*s.step, "the step of a slice is an int", false) : integer(1)};
}

Def* FunctionCompiler::subscript(const syntax::Subscript& e) {
  const Thing object = thing(*e.object);
  if (!object.def || !object.method.empty()) {
    if (std::holds_alternative<GenericName>(object.resolved))
      fail(e.span, "a type stands only in annotations, `isinstance` and `torch.jit.annotate`");
  }
  Def* value = value_of(object, e.object->span);
  here(e.span);
  if (value->type->kind == TypeKind::kTensor) return tensor_index(value, tensor_indices(e), e.span);
  if (e.indices.size() != 1 || e.comma)
    fail(e.span, fmt::format("{} takes a single index", value->type->str()));
  const syntax::Expr& index = *e.indices[0];
  const auto* cut = syntax::is<syntax::Slice>(index);
  switch (value->type->kind) {
    case TypeKind::kTuple: {
      const auto size = static_cast<int64_t>(value->type->of.size());
      if (cut) {
        const auto bound = [&](const syntax::ExprPtr& b, int64_t missing) {
          if (!b) return missing;
          const std::optional<int64_t> v = constant_int(*b);
          if (!v) fail(b->span, "the bounds of a tuple's slice are constant ints");
          return std::clamp(*v < 0 ? *v + size : *v, int64_t{0}, size);
        };
        if (cut->step) fail(cut->step->span, "a tuple's slice takes no step in scripts");
        const int64_t from = bound(cut->lower, 0), to = bound(cut->upper, size);
        std::vector<Def*> items;
        for (int64_t i = from; i < to; ++i) items.push_back(builder_.tuple_index(value, static_cast<int>(i)));
        return builder_.tuple(std::move(items));
      }
      std::optional<int64_t> i = constant_int(index);
      if (!i) {
        // Elements of one type make a list of it.
        const auto& of = value->type->of;
        if (of.empty() ||
            !std::all_of(of.begin(), of.end(), [&](const TypePtr& t) { return equal(t, of[0]); })) {
          fail(index.span, fmt::format("the index into {} is a constant int, so that its type is known",
                                       value->type->str()));
        }
        Def* list = builder_.list(builder_.unpack_tuple(value), of[0]);
        return must_operator("aten::__getitem__", {list, expression(index)}, e.span);
      }
      const int64_t at = *i < 0 ? *i + size : *i;
      if (at < 0 || at >= size)
        fail(index.span, fmt::format("{} has {} elements, so no index {}", value->type->str(), size, *i));
      return builder_.tuple_index(value, static_cast<int>(at));
    }
    case TypeKind::kList:
    case TypeKind::kStr:
      if (cut) {
        const SliceBounds s = slice_bounds(*cut, *value->type);
        here(e.span);
        return must_operator("aten::slice", {value, s.lower, s.upper, s.step}, e.span);
      }
      break;
    case TypeKind::kDict:
      if (cut) fail(index.span, "a dict takes no slice");
      break;
    case TypeKind::kObject: {
      std::string name;
      if (const auto* key = syntax::is<syntax::String>(index)) {
        name = key->value;
      } else {
        std::optional<int64_t> i = constant_int(index);
        if (!i) {
          // A name or number of a loop over modules.
          const Def* at = expression(index);
          const bool constant = at->node && at->node->kind == ir::Kind::kConstant;
          if (constant && at->node->constant.is_string())
            return value_of(module_attribute(value, at->node->constant.as_string(), index.span), e.span);
          if (constant && at->node->constant.is_int()) i = at->node->constant.as_int();
        }
        if (!i)
          fail(index.span, "the index into a module is a constant int or str, so that its type is known");
        if (*i < 0) {  // from the end of those that have numbers for names
          const auto& type = static_cast<const ObjectType&>(*value->type);
          for (int64_t n = 0; type.slot_index(fmt::format("{}", n)) >= 0; ++n) ++*i;
        }
        name = fmt::format("{}", *i);
      }
      return value_of(module_attribute(value, name, index.span), e.span);
    }
    case TypeKind::kOptional:
      fail(e.span, fmt::format("{} cannot be indexed{}", value->type->str(), optional_help(value)));
    default: fail(e.span, fmt::format("{} cannot be indexed", value->type->str()));
  }
  Def* key = expression(index, value->type->kind == TypeKind::kDict ? value->type->of[0] : nullptr);
  here(e.span);
  if (Def* d = try_operator("aten::__getitem__", {value, key}, e.span)) return d;
  fail(index.span, fmt::format("{} is indexed by {}, not by {}", value->type->str(),
                               value->type->kind == TypeKind::kDict ? value->type->of[0]->str() : "int",
                               key->type->str()));
}

std::vector<Def*> FunctionCompiler::tensor_indices(const syntax::Subscript& e) {
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
        fail(span, fmt::format(
                       "a Tensor is indexed by int, bool, slice, None, `...`, Tensor or a list, not by {}{}",
                       index->type->str(),
                       index->type->kind == TypeKind::kOptional ? "; test `is not None` first" : ""));
    }
  };
  for (const syntax::Expr* i : indices) {
    here(e.span);
    if (i->kind == ExprKind::kEllipsis) {
      out.push_back(builder_.constant(Value("...")));
    } else if (const auto* cut = syntax::is<syntax::Slice>(*i)) {
      const SliceBounds s = slice_bounds(*cut, *Type::tensor());
      here(e.span);
      for (Def* d : {builder_.constant(Value(":")), s.lower, s.upper, s.step}) out.push_back(d);
    } else {
      Def* index = expression(*i);
      here(e.span);
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
bool FunctionCompiler::gives_view(const std::vector<Def*>& indices) {
  return std::none_of(indices.begin(), indices.end(), [](const Def* index) {
    const TypeKind kind = index->type->kind;
    return kind == TypeKind::kTensor || kind == TypeKind::kList || kind == TypeKind::kBool ||
           kind == TypeKind::kNumber;
  });
}

// What most subscripts are, ints or a slice alone, needs no list. Null: it is another.
Def* FunctionCompiler::simple_index(Def* tensor, const std::vector<Def*>& indices, Span span) {
  if (!indices.empty() && std::all_of(indices.begin(), indices.end(),
                                      [](const Def* i) { return i->type->kind == TypeKind::kInt; })) {
    for (Def* i : indices) tensor = must_operator("aten::select", {tensor, integer(0), i}, span);
    return tensor;
  }
  if (indices.size() == 4 && indices[0]->type->kind == TypeKind::kStr &&
      indices[0]->node->constant.as_string() == ":" && gives_view(indices))
    return must_operator("aten::slice", {tensor, integer(0), indices[1], indices[2], indices[3]}, span);
  return nullptr;
}

Def* FunctionCompiler::tensor_index(Def* tensor, const std::vector<Def*>& indices, Span span) {
  here(span);
  if (Def* view = simple_index(tensor, indices, span)) return view;
  return must_operator("aten::__getitem__", {tensor, builder_.list(indices, Type::any())}, span);
}

void FunctionCompiler::set_tensor_index(Def* tensor, const std::vector<Def*>& indices, Def* value,
                                        Span span) {
  switch (value->type->kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber:
    case TypeKind::kTensor:
    case TypeKind::kList: break;
    default:
      fail(span,
           fmt::format(
               "a {} cannot be stored into a Tensor here; build a new one with torch.cat or torch.stack",
               value->type->str()));
  }
  here(span);
  if (Def* view = simple_index(tensor, indices, span)) {
    const TypeKind kind = value->type->kind;
    const bool number = kind == TypeKind::kInt || kind == TypeKind::kFloat;  // fill_ takes no bool
    must_operator(number ? "aten::fill_" : "aten::_assign", {view, value}, span);
  } else {
    must_operator("aten::_set_item", {tensor, builder_.list(indices, Type::any()), value}, span);
  }
}

void FunctionCompiler::assign_subscript(const syntax::Subscript& e, Def* value, Span span) {
  Def* object = expression(*e.object);
  here(e.span);
  if (object->type->kind == TypeKind::kTensor) {
    set_tensor_index(object, tensor_indices(e), value, e.span);
    return;
  }
  if (object->type->kind != TypeKind::kList && object->type->kind != TypeKind::kDict) {
    fail(e.span, fmt::format("the elements of {} cannot be assigned to", object->type->str()));
  }
  if (e.indices.size() != 1 || e.comma)
    fail(e.span, fmt::format("{} takes a single index", object->type->str()));
  if (e.indices[0]->kind == ExprKind::kSlice)
    fail(e.indices[0]->span,
         "assigning to a slice is not supported in scripts; assign the elements in a loop");
  const TypePtr& want = object->type->of.back();
  Def* fitting = coerce(value, want);
  if (!fitting)
    fail(span, fmt::format("the elements of {} are {}, not {}", object->type->str(), want->str(),
                           value->type->str()));
  Def* key = expression(*e.indices[0]);
  here(e.span);
  if (!try_operator("aten::_set_item", {object, key, fitting}, e.span)) {
    fail(e.indices[0]->span,
         fmt::format("{} is indexed by {}, not by {}", object->type->str(),
                     object->type->kind == TypeKind::kDict ? object->type->of[0]->str() : "int",
                     key->type->str()));
  }
}

}  // namespace tine::compile
