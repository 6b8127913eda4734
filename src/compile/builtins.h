// builtins: what the names of Python, typing, math, torch and tine mean in a script. A name that nobody knows is Missing.
//
// Source: PyTorch's torch, torch.nn.functional, torch.jit, torch.distributed.rpc; Python's builtins and math.
#pragma once

#include <memory>
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

// Names of one text: its own defs, its imports, `torch`, `tine`, `math` and `typing` without an import, and then what
// `others` has.
class TextResolver final : public Resolver {
 public:
  TextResolver(const OpTable& ops, const syntax::Module& module, std::string_view prefix,
               std::shared_ptr<Resolver> others);
  Resolved resolve(std::string_view dotted) override;
  Resolved method(const ObjectType& type, std::string_view name) override;
  std::optional<Submodules> submodules(const ObjectType& type) override;
  std::vector<std::string> candidates(std::string_view dotted) override;
  // Filled by who made the resolver: the sources hold it, so it cannot hold them.
  std::unordered_map<std::string, std::weak_ptr<const FunctionSource>> functions;
  std::unordered_map<std::string, TypeName> types;  // the named tuples and enums of the text

 private:
  const OpTable& ops_;
  const std::shared_ptr<Resolver> others_;                // may be null
  std::unordered_map<std::string, std::string> aliases_;  // first component -> what it stands for
  std::unordered_map<std::string, std::string> classes_;
};

}  // namespace tine::compile
