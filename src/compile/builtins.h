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
[[nodiscard]] TINE_API Resolved resolve_language(std::string_view name);
[[nodiscard]] std::vector<std::string> language_names();
// A dotted name by its module: "torch.add", "tine.jit.fork", "math.pi", "typing.List", "torch.nn.functional.relu".
[[nodiscard]] TINE_API Resolved resolve_builtin(const OpTable& ops, std::string_view dotted);

// Names of one text: its own defs, its imports, and `torch` and `tine` without an import.
class TextResolver final : public Resolver {
 public:
  TextResolver(const OpTable& ops, const syntax::Module& module, std::string_view prefix);
  Resolved resolve(std::string_view dotted) override;
  std::vector<std::string> candidates(std::string_view dotted) override;
  // Filled by who made the resolver: the sources hold it, so it cannot hold them.
  std::unordered_map<std::string, std::weak_ptr<const FunctionSource>> functions;

 private:
  const OpTable& ops_;
  std::unordered_map<std::string, std::string> aliases_;  // first component -> what it stands for
  std::unordered_map<std::string, std::string> classes_;
};

}  // namespace tine::compile
