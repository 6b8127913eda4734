// Type comments: the types that PEP 484 writes as comments, for parameters, results and variables:
//
//   def f(x, n):                def f(x,  # type: Tensor         xs = []  # type: List[int]
//       # type: (Tensor, int) -> Tensor   n=1,  # type: int
//                                     ):
//                                   # type: (...) -> Tensor
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "src/base/source.h"
#include "src/syntax/tree.h"

namespace tine::syntax {

struct TypeComment {
  Span span;          // what stands after `# type:`
  size_t before = 0;  // the number of the token that comes next
  bool used = false;
};

// Whether a comment's text after `type:` is a type, and not `ignore` or prose.
[[nodiscard]] bool is_type_comment(std::string_view text) noexcept;
// "(...) -> T"
[[nodiscard]] bool is_signature(std::string_view text) noexcept;

// `# type: (Tensor, int) -> Tensor`
struct SignatureComment {
  std::vector<ExprPtr> params;
  bool ellipsis = false;  // the parameters have comments of their own
  ExprPtr returns;
};
[[nodiscard]] SignatureComment parse_signature(std::shared_ptr<const Source> source, Span span);

}  // namespace tine::syntax
