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

Def* FunctionCompiler::slice(Def* value, const syntax::Slice& s, std::optional<int64_t> dim, Span span) {
  const auto bound = [&](const syntax::ExprPtr& e) -> Def* {
    if (!e) return builder_.constant(Value(), Type::none());
    Def* d = expression(*e);
    const bool fits = d->type->kind == TypeKind::kInt || d->type->kind == TypeKind::kNone ||
                      (d->type->kind == TypeKind::kOptional && d->type->of[0]->kind == TypeKind::kInt);
    if (!fits) fail(e->span, fmt::format("the bounds of a slice are ints, not {}", d->type->str()));
    return d;
  };
  Def* lower = bound(s.lower);
  Def* upper = bound(s.upper);
  Def* step = s.step ? expression(*s.step) : integer(1);
  if (step->type->kind != TypeKind::kInt)
    fail(s.step->span, fmt::format("the step of a slice is an int, not {}", step->type->str()));
  here(span);
  if (dim) return must_operator("aten::slice", {value, integer(*dim), lower, upper, step}, span);
  return must_operator("aten::slice", {value, lower, upper, step}, span);
}

Def* FunctionCompiler::subscript(const syntax::Subscript& e) {
  const Thing object = thing(*e.object);
  if (!object.def || !object.method.empty()) {
    if (std::holds_alternative<GenericName>(object.resolved))
      fail(e.span, "a type stands only in annotations, `isinstance` and `torch.jit.annotate`");
  }
  Def* value = value_of(object, e.object->span);
  here(e.span);
  if (value->type->kind == TypeKind::kTensor) return tensor_index(value, e);
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
      if (cut) return slice(value, *cut, std::nullopt, e.span);
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

Def* FunctionCompiler::tensor_index(Def* tensor, const syntax::Subscript& e) {
  // x[(i, j)] is x[i, j].
  std::vector<const syntax::Expr*> indices;
  const auto* tuple = e.indices.size() == 1 && !e.comma ? syntax::is<syntax::Tuple>(*e.indices[0]) : nullptr;
  for (const syntax::ExprPtr& i : tuple ? tuple->items : e.indices) indices.push_back(i.get());
  // How many dimensions the indices from here on use, to count from the end behind `...`.
  int64_t left = 0;
  for (const syntax::Expr* i : indices)
    left += i->kind != ExprKind::kNone && i->kind != ExprKind::kEllipsis ? 1 : 0;
  bool from_end = false, advanced = false;
  int64_t dim = 0;
  std::vector<Def*> tensors;
  for (const syntax::Expr* i : indices) {
    here(e.span);
    if (i->kind == ExprKind::kEllipsis) {
      if (from_end) fail(i->span, "an index has at most one `...`");
      from_end = true;
      continue;
    }
    if (i->kind == ExprKind::kNone) {
      tensor = must_operator("aten::unsqueeze", {tensor, integer(from_end ? -left - 1 : dim)}, e.span);
      ++dim;
      continue;
    }
    const int64_t at_dim = from_end ? -left : dim;
    --left;
    if (const auto* cut = syntax::is<syntax::Slice>(*i)) {
      if (cut->lower || cut->upper || cut->step) tensor = slice(tensor, *cut, at_dim, e.span);
      ++dim;
      continue;
    }
    Def* index = expression(*i);
    here(e.span);
    switch (index->type->kind) {
      case TypeKind::kInt:
        tensor = must_operator("aten::select", {tensor, integer(at_dim), index}, e.span);
        break;
      case TypeKind::kList: index = must_operator("aten::tensor", {index}, e.span); [[fallthrough]];
      case TypeKind::kTensor: {
        if (advanced) fail(i->span, "an index holds at most one Tensor in scripts");
        if (from_end) fail(i->span, "a Tensor behind `...` in an index is not supported in scripts");
        advanced = true;
        // Dimensions before this one are taken whole.
        const TypePtr element = Type::optional(Type::tensor());
        std::vector<Def*> list(static_cast<size_t>(dim), nullptr);
        for (Def*& d : list) d = builder_.constant(Value(), Type::none());
        list.push_back(index);
        tensor = must_operator("aten::index", {tensor, builder_.list(std::move(list), element)}, e.span);
        ++dim;
        break;
      }
      default:
        fail(i->span, fmt::format("a Tensor is indexed by int, slice, None, `...` or Tensor, not by {}",
                                  index->type->str()));
    }
  }
  return tensor;
}

void FunctionCompiler::assign_subscript(const syntax::Subscript& e, Def* value, Span span) {
  Def* object = expression(*e.object);
  here(e.span);
  if (object->type->kind == TypeKind::kTensor) {
    Def* view = tensor_index(object, e);
    here(e.span);
    const bool number = value->type->kind == TypeKind::kInt || value->type->kind == TypeKind::kFloat ||
                        value->type->kind == TypeKind::kBool;
    Def* done = number ? try_operator("aten::fill_", {view, value}, e.span) : nullptr;
    if (!done) done = try_operator("aten::copy_", {view, value}, e.span);
    if (!done)
      fail(e.span,
           fmt::format(
               "a {} cannot be stored into a Tensor here; build a new one with torch.cat or torch.stack",
               value->type->str()));
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
