// Names: what the names that a function does not define itself mean. Its Resolver is asked first, then the language
// (len, int, List, ValueError).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/source.h"
#include "src/compile/compile.h"
#include "src/syntax/tree.h"

namespace tine::compile {

class Names {
 public:
  // `resolver` may be null: then the language's own names are all there are.
  Names(const std::shared_ptr<const Source>& source, Resolver* resolver)
      : source_(source), resolver_(resolver) {}

  [[nodiscard]] Resolved resolve(std::string_view dotted) const;
  // Fails where the name cannot be used. `span` is marked when it is refused, `name_span` when it is unknown;
  // `variables` are those that it may be a slip of.
  [[nodiscard]] Resolved usable(std::string_view dotted, Span span, Span name_span,
                                const std::vector<std::string>& variables) const;
  // What a class has beside its slots; Missing where there is nothing.
  [[nodiscard]] Resolved method(const ObjectType& type, std::string_view name) const;
  // Of a class that contains modules for others to loop over; none for all others.
  [[nodiscard]] std::optional<Submodules> submodules(const Type& object) const;
  // Names that a misspelled one may have meant.
  [[nodiscard]] std::vector<std::string> candidates(std::string_view dotted) const;

  [[nodiscard]] const std::shared_ptr<const Source>& source() const { return source_; }
  [[noreturn]] void fail(Span span, std::string_view message) const;

 private:
  [[noreturn]] void undefined(std::string_view dotted, Span span,
                              const std::vector<std::string>& variables) const;

  const std::shared_ptr<const Source>& source_;
  Resolver* resolver_;
};

// The message with each class under the name that its author gave it: the types of module classes have names like
// `__tine__.app.M___tine_2`. A second class of that name in the message is "another app.M".
[[nodiscard]] std::string as_written(std::string_view message);

// "torch.jit.fork" of an attribute chain over a name; empty when it is something else.
[[nodiscard]] std::string dotted_name(const syntax::Expr& e);

}  // namespace tine::compile
