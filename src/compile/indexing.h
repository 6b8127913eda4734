// Indexing: `x[...]`, read, assigned to, and changed in place.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Classes;
class Expressions;
class Meanings;
class Values;

class Indexing {
 public:
  Indexing(FunctionBuilder& builder, Scopes& scopes, const Names& names, Classes& classes, Values& values,
           Meanings& meanings, Expressions& expressions)
      : builder_(builder),
        scopes_(scopes),
        names_(names),
        classes_(classes),
        values_(values),
        meanings_(meanings),
        expressions_(expressions) {}

  ir::Def* subscript(const syntax::Subscript& e);
  void assign(const syntax::Subscript& e, ir::Def* value, Span span);
  // `del x[i]`
  void delete_element(const syntax::Subscript& e);
  // `x[i] += value`
  void update(const syntax::Subscript& e, const syntax::AugAssign& s);

 private:
  struct SliceBounds {
    ir::Def *lower, *upper, *step;
  };
  // `a:b:c`, or `slice(a, b, c)`; what is left out is null.
  struct Cut {
    const syntax::Expr *lower = nullptr, *upper = nullptr, *step = nullptr;
  };
  std::optional<Cut> cut_of(const syntax::Expr& index);
  SliceBounds slice_bounds(const Cut& s, const Type& of);
  ir::Def* slice_bound(const syntax::Expr& e, const Type& of, std::string_view what, bool or_none);
  ir::Def* tuple_item(ir::Def* tuple, const syntax::Expr& index, Span span);
  ir::Def* tuple_slice(ir::Def* tuple, const Cut& cut);
  ir::Def* object_key(const syntax::Subscript& e);
  ir::Def* module_item(ir::Def* modules, const syntax::Expr& index, Span span);
  // A Tensor's subscript as the list of indices that aten::__getitem__ and aten::_set_item take.
  std::vector<ir::Def*> tensor_indices(const syntax::Subscript& e);
  [[nodiscard]] static bool gives_view(const std::vector<ir::Def*>& indices);
  ir::Def* simple_index(ir::Def* tensor, const std::vector<ir::Def*>& indices, Span span);
  ir::Def* tensor_index(ir::Def* tensor, const std::vector<ir::Def*>& indices, Span span);
  void set_tensor_index(ir::Def* tensor, const std::vector<ir::Def*>& indices, ir::Def* value, Span span);
  [[nodiscard]] std::optional<int64_t> constant_int(const syntax::Expr& e);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Classes& classes_;
  Values& values_;
  Meanings& meanings_;
  Expressions& expressions_;
};

}  // namespace tine::compile
