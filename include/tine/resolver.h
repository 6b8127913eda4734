// Resolver: what the names mean that a script uses and does not define.
//
// The compiler of scripts (tine/script.h) knows the language and nothing of the program around a script. For each other name
// it asks a Resolver: a name is a constant, an operator, a function, a type, a namespace, or nothing.
//
//   #include "tine/script.h"
//
//   class Settings final : public tine::script::Resolver {
//     tine::script::Resolved resolve(std::string_view dotted) override {
//       using namespace tine::script;
//       if (dotted == "settings") return Namespace{};
//       if (dotted == "settings.scale") return Constant{2.5};
//       if (dotted == "settings.activate") return Operator{"aten::relu"};
//       if (dotted == "settings.path") return Refused{"a script cannot use a path; pass it in as a str"};
//       return Missing{};
//     }
//   };
//
//   const auto unit = tine::script::compile("def f(x: Tensor): return settings.activate(x * settings.scale)",
//                                           {.names = std::make_shared<Settings>()});
//
// tine/script.h has Globals, a Resolver for names that are known beforehand. A binding writes its own: that of Python asks
// Python (python/src/script_resolver.cpp).
//
// A Resolver is called by the thread that compiles, within compile(), and no lock is held meanwhile. It may be called by
// several threads at once when several compile with it. What it throws leaves compile() unchanged, and nothing is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tine/detail/export.h"
#include "tine/source.h"
#include "tine/type.h"
#include "tine/value.h"

namespace tine {
class OpTable;
}

namespace tine::script {

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
  // Of a class method: what its first parameter means, to which a call gives nothing; else null.
  std::shared_ptr<const ObjectType> cls = nullptr;
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
  kGradMode,        // `with torch.no_grad():`
  kRecordFunction,  // `with torch.profiler.record_function("name"):`
  kUnwrapOptional,
  kIsTensor,
  kWarn,
  kSlice,
  kCallForeign,
};
enum class Generic : uint8_t { kList, kDict, kTuple, kOptional, kUnion, kFuture, kRRef, kFinal };

// What a name means: one of these.

// Nothing. The compiler then looks among the language's own names, and else reports an undefined name.
struct Missing {};
// A module or package: the compiler asks again with the attribute appended.
struct Namespace {};
// All overloads of an operator.
struct Operator {
  std::string name;  // "aten::add"
};
// A script function.
struct FunctionRef {
  std::string qualified_name;
  std::shared_ptr<const FunctionSource> source;  // to compile it from; may be null for one that is compiled
  // It returns a Future, by whose value a call from another worker is answered.
  bool async_execution = false;
};
// An attribute that methods compute. Reading it calls `get`; assigning to it calls `set`, if there is one.
struct Property {
  FunctionRef get;
  std::optional<FunctionRef> set;
};
// Script functions of one name: a call means the first whose parameters take its arguments (torch.jit._overload).
struct Overloads {
  std::vector<FunctionRef> functions;
};
// None, bool, int, float, str, or a list or tuple of these: what the name is worth from now on.
struct Constant {
  Value value;
};
// `int`, `Tensor`, the class of a scripted module, a class of scripts (an open ObjectType, or one that is whole), a named tuple,
// an enum.
struct TypeName {
  TypePtr type;
  std::vector<std::pair<std::string, Value>> defaults = {};  // of the fields of a named tuple
};
// `List`, `torch.jit.Future`: takes [types].
struct GenericName {
  Generic generic;
};
struct Builtin {
  Form form;
};
// What `raise` takes: "ValueError". Others than those of name_of(ErrorKind) are raised as RuntimeError.
struct ExceptionName {
  std::string name;
};
// It is there, but a script cannot use it. `why` is the error's text: it says what to do.
struct Refused {
  std::string why;
};
using Resolved = std::variant<Missing, Namespace, Operator, FunctionRef, Constant, TypeName, GenericName,
                              Builtin, ExceptionName, Refused, Property, Overloads>;

// A module that scripts loop over: a ModuleList, a Sequential (its modules in order), or a ModuleDict (known by their
// names, too).
struct Submodules {
  bool named = false;
  std::vector<std::string> names;  // of the slots
};

class TINE_API Resolver {
 public:
  virtual ~Resolver();
  // `dotted` is "foo", or "torch.jit.fork" after "torch.jit" was a Namespace.
  [[nodiscard]] virtual Resolved resolve(std::string_view dotted) = 0;
  // What an object of a scripted module's class, or of a class of scripts, has beside its slots: a method (a FunctionRef of that
  // name, see FunctionSource), a static or class method (any other FunctionRef), a Property, a Constant, Refused or Missing. A
  // TypeName is the type that a class declares for the attribute, which `__init__` sets. By default Missing.
  [[nodiscard]] virtual Resolved method(const ObjectType& type, std::string_view name);
  // Of a scripted class that contains modules for others to loop over; of all others, and by default, nothing.
  [[nodiscard]] virtual std::optional<Submodules> submodules(const ObjectType& type);
  // The names from which the error for a misspelled one may offer the nearest. By default none.
  [[nodiscard]] virtual std::vector<std::string> candidates(std::string_view dotted);
};

// What a name of Python's builtins, of `math`, `typing`, `torch` or `tine` means in a script, for resolvers that know which
// object it is: "torch.add", "tine.jit.fork", "math.pi", "typing.List", "len". Missing for others.
[[nodiscard]] TINE_API Resolved resolve_builtin(const OpTable& ops, std::string_view dotted);

}  // namespace tine::script
