// compile: source text of script functions to typed graphs (docs/spec/language.md).
//
// Any thread may compile; a Resolver is called by that thread alone. What is compiled already is found in the Library. Ops
// are borrowed from the OpTable, which must outlive the graphs. Throws SyntaxError for everything that is wrong with a
// script: file, line, the source line with a marker, what was expected and found. What a Resolver throws passes through
// unchanged. A typical function takes less than a millisecond.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "src/base/source.h"
#include "src/ir/graph.h"
#include "tine/operators.h"
#include "tine/schema.h"

namespace tine::compile {

class Resolver;

// A `def` to compile. Functions are known by their qualified name, across workers too.
struct FunctionSource {
  std::string qualified_name;  // "__main__.foo"; a method: "<name of its ObjectType>.forward"
  std::shared_ptr<const Source> source;
  std::string def_name;                    // which def in the source; empty: the only one
  std::shared_ptr<Resolver> resolver;      // for the names that the function does not define
  std::shared_ptr<const ObjectType> self;  // a method's first parameter is of this type; else null
  // Values that the parameters' defaults have already; others must be constants in the source.
  std::vector<std::pair<std::string, Value>> defaults = {};
};

// Built into the language: called by name, compiled in place.
enum class Form : uint8_t {
  kFork,
  kWait,
  kAnnotate,
  kIsInstance,
  kLen,
  kRange,
  kPrint,
  kEnumerate,
  kZip,
  kReversed,
  kGetAttr,
  kHasAttr,
  kRpcAsync,
  kRpcSync,
  kRemote,
  kSuper,
  kWaitAll,
  kIsScripting,
  kIsTracing,
};
enum class Generic : uint8_t { kList, kDict, kTuple, kOptional, kUnion, kFuture, kRRef, kFinal };

// What a name means. The alternatives:
struct Missing {};    // nothing of that name
struct Namespace {};  // a module or package: ask again with the attribute appended
struct Operator {
  std::string name;
};                    // "aten::add": all its overloads
struct FunctionRef {  // a script function
  std::string qualified_name;
  std::shared_ptr<const FunctionSource> source;  // may be null when the Library has it
};
struct Constant {
  Value value;
};  // None, bool, int, float, str, Tensor, lists and tuples of these
struct TypeName {
  TypePtr type;
};  // `int`, `Tensor`, a scripted module's class
struct GenericName {
  Generic generic;
};  // `List`, `torch.jit.Future`: takes [types]
struct Builtin {
  Form form;
};
struct ExceptionName {
  std::string name;
};  // "ValueError"; others than name_of(ErrorKind) are raised as RuntimeError
struct Refused {
  std::string why;
};  // it exists, but a script cannot use it; why, and what to do
// A ModuleList, a Sequential (its modules in order), or a ModuleDict (known by their names, too).
struct Submodules {
  bool named = false;
  std::vector<std::string> names;  // of the slots
};
using Resolved = std::variant<Missing, Namespace, Operator, FunctionRef, Constant, TypeName, GenericName,
                              Builtin, ExceptionName, Refused>;

class TINE_API Resolver {
 public:
  virtual ~Resolver();
  // `dotted` is "foo", or "torch.jit.fork" after "torch.jit" was a Namespace. Names that are Missing are
  // looked up among the language's own (len, range, int, List, ValueError, ...) afterwards.
  [[nodiscard]] virtual Resolved resolve(std::string_view dotted) = 0;
  // A method of a scripted module; FunctionRef, Refused or Missing.
  [[nodiscard]] virtual Resolved method(const ObjectType& type, std::string_view name);
  // Of a scripted class that contains modules for others to loop over; null for all others.
  [[nodiscard]] virtual std::optional<Submodules> submodules(const ObjectType& type);
  // Names that a misspelled one may have meant.
  [[nodiscard]] virtual std::vector<std::string> candidates(std::string_view dotted);
};

// The functions that are compiled already.
class TINE_API Library {
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

[[nodiscard]] TINE_API std::vector<CompiledFunction> compile(const OpTable& ops,
                                                             std::span<const FunctionSource> functions,
                                                             const Library* library = nullptr);

// Every def of a text, which may `import torch` or `import tine` and the like; without Python. Their qualified
// names are "<prefix>.<def>".
[[nodiscard]] TINE_API std::vector<CompiledFunction> compile_text(const OpTable& ops,
                                                                  std::shared_ptr<const Source> source,
                                                                  std::string_view prefix = "__main__",
                                                                  const Library* library = nullptr);

}  // namespace tine::compile
