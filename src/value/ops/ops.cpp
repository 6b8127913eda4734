#include "src/value/ops/ops.h"

#include <fmt/format.h>

#include "src/value/ops/rows.h"

namespace tine {
namespace value {

Ints::Ints(const Value& list) {
  if (list.is_none()) return;
  const auto& items = list.as_list().items;
  size_ = items.size();
  if (size_ > kFew) many_.resize(size_);
  int64_t* to = many_.empty() ? few_ : many_.data();
  for (size_t i = 0; i < size_; ++i) to[i] = items[i].as_int();
}

Tensors to_tensors(const Value& list) {
  Tensors out;
  const auto& items = list.as_list().items;
  out.reserve(items.size());
  // None stands for an undefined tensor in a Tensor?[].
  for (const Value& v : items) out.push_back(v.is_none() ? Tensor() : v.as_tensor());
  return out;
}

void Rows::check(const Schema& schema, bool (*matches)(const Schema&)) {
  if (!matches(schema))
    throw ValueError(fmt::format("the kernel's parameters do not match {}", schema.str()));
}

}  // namespace value

void add_builtin_operators(OpTable& table) {
  value::Rows rows(table);
  value::add_pointwise_rows(rows);
  value::add_reduce_rows(rows);
  value::add_shape_rows(rows);
  value::add_subscript_rows(rows);
  value::add_create_rows(rows);
  value::add_number_rows(rows);
  value::add_math_rows(rows);
  value::add_text_rows(rows);
  value::add_text_form_rows(rows);
  value::add_list_rows(rows);
  value::add_dict_rows(rows);
  value::add_enum_rows(rows);
  value::add_control_rows(rows);
}

}  // namespace tine
