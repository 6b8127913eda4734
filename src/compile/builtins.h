// builtins: what the names of Python, typing, math, torch and tine mean in a script. A name that nobody knows is Missing.
//
// Source: PyTorch's torch, torch.nn.functional, torch.jit, torch.distributed.rpc; Python's builtins and math.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/compile/compile.h"
#include "src/syntax/tree.h"

namespace tine::compile {

// Names that need no import: `len`, `int`, `ValueError`, `List`, ...
[[nodiscard]] Resolved resolve_language(std::string_view name);
[[nodiscard]] std::vector<std::string> language_names();

// By which name a def is asked for in its source: "foo", "C.foo", and "C.foo.setter" of a property's second def.
[[nodiscard]] std::string def_name(const syntax::FunctionDef& def, std::string_view prefix);

// Names of one text: its own defs and classes, its imports, `torch`, `tine`, `math` and `typing` without an import, and then what
// `others` has.
class TextResolver final : public Resolver {
 public:
  TextResolver(const OpTable& ops, std::shared_ptr<const syntax::Module> module, std::string_view prefix,
               std::shared_ptr<Resolver> others);
  Resolved resolve(std::string_view dotted) override;
  Resolved method(const ObjectType& type, std::string_view name) override;
  std::optional<Submodules> submodules(const ObjectType& type) override;
  std::vector<std::string> candidates(std::string_view dotted) override;
  // The sources of the text's defs and methods, which hold the resolver `self`, so that it cannot hold them. Fails where a
  // name is defined twice, and for a class that scripts do not have. Called once.
  static std::vector<std::shared_ptr<const FunctionSource>> sources(
      const std::shared_ptr<TextResolver>& self);

 private:
  // A function of the text: to compile it from, as long as the text is compiled.
  struct Known {
    std::string qualified_name;
    std::weak_ptr<const FunctionSource> source;
    bool async_execution = false;
    [[nodiscard]] FunctionRef ref() const { return {qualified_name, source.lock(), async_execution}; }
  };
  struct Member {
    std::optional<Known> function, getter, setter;
    const syntax::Field* field = nullptr;
  };
  struct Class {
    std::shared_ptr<const ObjectType> type;  // null: of an interface that nobody has named yet
    const syntax::ClassDef* interface = nullptr;
    bool resolving = false;
    std::unordered_map<std::string, Member> members;
  };
  using Sources = std::vector<std::shared_ptr<const FunctionSource>>;
  static Known add(const syntax::FunctionDef& def, Sources* sources, FunctionSource source);
  static void add_class(const std::shared_ptr<TextResolver>& self, Sources* sources,
                        const syntax::ClassDef& c);
  Resolved member(const Member& member);
  Resolved class_named(std::string_view name, Class& c);
  [[noreturn]] void fail(Span span, std::string_view why) const;

  const OpTable& ops_;
  const std::shared_ptr<const syntax::Module> module_;
  const std::string prefix_;
  const std::shared_ptr<Resolver> others_;                // may be null
  std::unordered_map<std::string, std::string> aliases_;  // first component -> what it stands for
  std::unordered_map<std::string, Known> functions_;
  std::unordered_map<std::string, Class> classes_;     // by the name in the text
  std::unordered_map<std::string, TypeName> records_;  // its named tuples and enums
  std::unordered_map<std::string, Class*> by_type_name_;
};

}  // namespace tine::compile
