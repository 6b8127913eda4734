// The operators that tine brings along.
//
// How to add one: write its row in the file of its topic (pointwise, reduce, shape, subscript, create, number, text, list,
// dict, enum, control) inside that file's add_..._rows:
//
//   rows.pure(cost::kEach, "aten::relu(Tensor self) -> Tensor", [](OpContext& c, const Tensor& a) { return tensor::relu(c, a); });
//
// The schema is PyTorch's where PyTorch has the operator. The lambda takes an OpContext& first, if it needs
// one, and then a C++ parameter for each argument (rows.h lists which type stands for which); its result becomes
// the Value. Choose how the row is added by what it does:
//   pure      same inputs, same result, nothing else: may be folded, merged, dropped
//   view      the same, but the result shares memory with an input
//   effect    writes into an input, prints, draws random numbers
// In front stands what a call costs (src/value/cost.h), which decides who runs it; ops_test.cpp measures it.
// Eager Python, scripts, the tracer and remote calls see the row at once; tools/functions writes the typed function of C++
// into include/tine/functions.h, which a test compares. Give it a line in kCalls of
// ops_test.cpp: a row that no test calls fails there.
#pragma once

#include "tine/operators.h"

namespace tine {

void add_builtin_operators(OpTable& table);

namespace value {
class Rows;
void add_pointwise_rows(Rows& rows);
void add_reduce_rows(Rows& rows);
void add_shape_rows(Rows& rows);
void add_subscript_rows(Rows& rows);
void add_create_rows(Rows& rows);
void add_number_rows(Rows& rows);
void add_math_rows(Rows& rows);
void add_text_rows(Rows& rows);
void add_text_form_rows(Rows& rows);
void add_list_rows(Rows& rows);
void add_dict_rows(Rows& rows);
void add_enum_rows(Rows& rows);
void add_control_rows(Rows& rows);
}  // namespace value

}  // namespace tine
