#include "src/compile/returns.h"

#include "src/compile/expressions.h"
#include "src/compile/withs.h"

namespace tine::compile {

using ir::Def;

void Returns::statement(const syntax::Return& s) {
  Def* value = s.value ? expressions_.value(*s.value, declared_) : builder_.none();
  const Span span = s.value ? s.value->span : s.span;
  builder_.here(s.span);
  if (declared_) {
    Def* fitting = builder_.coerce_with_tensors(value, declared_);
    if (!fitting) {
      builder_.fail(span, fmt::format("`{}` is declared to return {}, but this is {}", def_.name,
                                      declared_->str(), value->type->str()));
    }
    value = fitting;
  } else if (!inferred_) {
    inferred_ = value->type;
    inferred_from_ = span;
  } else {
    TypePtr both = join_types(inferred_, value->type);
    if (!both) {
      builder_.fail(
          span,
          fmt::format("`{}` returns {} here but {} at {}; write its result type, or return the "
                      "same type everywhere",
                      def_.name, value->type->str(), inferred_->str(), builder_.at(inferred_from_).str()));
    }
    inferred_ = std::move(both);
  }
  withs_.leave(0, s.span);
  // At the end of the function's own block the value becomes the output of the graph; elsewhere a return node leaves.
  ir::Block& root = builder_.graph().root();
  if (&builder_.block() == &root) {
    root.outputs = {value};
  } else {
    builder_.return_({value});
  }
}

void Returns::fall_off_end() {
  if (declared_ && !is_subtype(Type::none(), declared_)) {
    builder_.fail(def_.name_span,
                  fmt::format("`{}` returns {}, but not on every path; return a value or raise at its end",
                              def_.name, declared_->str()));
  }
  if (!declared_ && inferred_ && !is_subtype(Type::none(), inferred_)) {
    builder_.fail(
        def_.name_span,
        fmt::format("`{}` returns {} on one path and nothing at its end; return a value or raise there",
                    def_.name, inferred_->str()));
  }
  builder_.here(def_.span);
  builder_.graph().root().outputs = {builder_.none()};
  if (!inferred_) inferred_ = Type::none();
}

TypePtr Returns::type() const {
  // Neither a declared type nor a return: the function only raises, so nothing can use its result.
  return declared_ ? declared_ : inferred_ ? inferred_ : Type::none();
}

}  // namespace tine::compile
