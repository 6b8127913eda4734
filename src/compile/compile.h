// compile: source text of script functions to typed graphs (docs/spec/language.md).
//
// Any thread may compile; a Resolver is called by that thread alone. What is compiled already is found in the Library. Ops
// are borrowed from the OpTable, which must outlive the graphs. Throws SyntaxError for everything that is wrong with a
// script: file, line, the source line with a marker, what was expected and found. What a Resolver throws passes through
// unchanged. A typical function takes less than a millisecond.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/ir/graph.h"
#include "tine/operators.h"
#include "tine/resolver.h"
#include "tine/schema.h"

namespace tine::compile {

// What tine/resolver.h has, in the compiler's own namespace.
using script::Builtin;
using script::Constant;
using script::ExceptionName;
using script::Form;
using script::FunctionRef;
using script::FunctionSource;
using script::Generic;
using script::GenericName;
using script::Missing;
using script::Namespace;
using script::Operator;
using script::Overloads;
using script::Property;
using script::Refused;
using script::resolve_builtin;
using script::Resolved;
using script::Resolver;
using script::Submodules;
using script::TypeName;

// The functions that are compiled already.
class Library {
 public:
  [[nodiscard]] virtual const Schema* find(std::string_view qualified_name) const = 0;

 protected:
  ~Library() = default;
};

struct CompiledFunction {
  Schema schema;  // its name is the qualified name; defaults and keyword-only marks as written
  std::shared_ptr<ir::Graph> graph;
  SourceSpan span;  // the head of the def
  std::string docstring;
};

[[nodiscard]] std::vector<CompiledFunction> compile(const OpTable& ops,
                                                    std::span<const FunctionSource> functions,
                                                    const Library* library = nullptr);

// Of a method of an interface: it declares its result, and its body is `pass`.
[[nodiscard]] ObjectType::Method signature_in_interface(const OpTable& ops, const FunctionSource& method);

// Every def of a text, which may `import torch` or `import tine` and the like; without Python. Their qualified
// names are "<prefix>.<def>", those of methods "<prefix>.<class>.<def>". `others`, unless null, is asked for what the text and
// the language do not have. `names`, unless null, becomes what knows the text's classes.
[[nodiscard]] std::vector<CompiledFunction> compile_text(const OpTable& ops,
                                                         std::shared_ptr<const Source> source,
                                                         std::string_view prefix = "__main__",
                                                         const Library* library = nullptr,
                                                         std::shared_ptr<Resolver> others = nullptr,
                                                         std::shared_ptr<Resolver>* names = nullptr);

}  // namespace tine::compile
