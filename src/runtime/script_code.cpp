// Script functions as text for other workers: the function, and all that it calls, also on other workers.
//
//   tine-script 1
//   function foo(Tensor a, int b=2) -> Tensor      the signature; the function is called f0 in the graphs
//   graph(%a : Tensor, %b : int):                  its graph, exact
//     ...
//   function helper(int x) -> int                  f1, and so on in the order of first mention
//   ...
//
// If a signature has no text for one of its defaults (a Tensor, a tuple, a dict), they all are in front of the graph:
//   default 1 graph():                             of the second parameter: a graph of one constant
//     ...
//
// The hash covers signatures, defaults and the content of graphs, not places or names of variables.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/runtime/script.h"
#include "src/runtime/script_shelf.h"

namespace tine {

using script::Function;

namespace {

constexpr std::string_view kHead = "tine-script 1\n";
constexpr std::string_view kFunction = "function ";
constexpr std::string_view kDefault = "default ";

// The bound for code from other workers: about 100,000 nodes, far more than a function can be emitted with. Reading so much
// takes about a second.
constexpr size_t kMostBytes = size_t{16} << 20;
constexpr size_t kMostTerms = 400'000;

// Visits every node of the graph, of inner blocks and of forks.
template <class F>
void each_node(const ir::Graph& graph, F&& visit) {
  std::vector<const ir::Block*> open = {&graph.root()};
  while (!open.empty()) {
    const ir::Block& block = *open.back();
    open.pop_back();
    for (ir::Node* node : block.nodes) {
      visit(*node);
      for (const ir::Block* inner : node->blocks) open.push_back(inner);
      if (node->subgraph) open.push_back(&node->subgraph->root());
    }
  }
}

struct Entry {
  std::string signature;
  std::unique_ptr<ir::Graph> graph;
  std::vector<std::pair<size_t, std::unique_ptr<ir::Graph>>> defaults = {};
};

bool has_schema_text(const Value& value) {
  switch (value.tag()) {
    case Tag::kNone:
    case Tag::kBool:
    case Tag::kInt:
    case Tag::kFloat:
    case Tag::kString: return true;
    case Tag::kList:
      return std::all_of(value.as_list().items.begin(), value.as_list().items.end(), has_schema_text);
    default: return false;
  }
}

// When the schema's text cannot tell all defaults, takes them out of it and gives their graphs.
std::vector<std::pair<size_t, std::unique_ptr<ir::Graph>>> take_defaults(Schema* schema) {
  std::vector<std::pair<size_t, std::unique_ptr<ir::Graph>>> taken;
  if (std::all_of(schema->args.begin(), schema->args.end(),
                  [](const Argument& a) { return !a.default_value || has_schema_text(*a.default_value); }))
    return taken;
  for (size_t i = 0; i < schema->args.size(); ++i) {
    std::optional<Value>& value = schema->args[i].default_value;
    if (!value) continue;
    auto graph = std::make_unique<ir::Graph>("default");
    graph->root().outputs = {ir::Builder(*graph).constant(*value, schema->args[i].type)};
    graph->returns = {schema->args[i].type};
    taken.emplace_back(i, std::move(graph));
    value.reset();
  }
  return taken;
}

const Value& constant_of(const ir::Graph& graph, const Argument& parameter) {
  const auto& nodes = graph.root().nodes;
  if (nodes.size() == 1 && nodes.front()->kind == ir::Kind::kConstant &&
      fits(nodes.front()->constant, parameter.type)) {
    return nodes.front()->constant;
  }
  throw ValueError(fmt::format("the code of a script: the default of '{}' is not of type {}", parameter.name,
                               parameter.type->str()));
}

std::string hash_of(const std::vector<Entry>& entries) {
  std::string all(kHead);
  for (const Entry& e : entries) {
    all += e.signature + "\n" + ir::content_hash(*e.graph) + "\n";
    for (const auto& [index, graph] : e.defaults)
      all += fmt::format("{}{} {}\n", kDefault, index, ir::content_hash(*graph));
  }
  return ir::hash_of(all);
}

bool is_object(const TypePtr& type) {
  if (type->kind == TypeKind::kObject) return true;
  for (const TypePtr& element : type->of) {
    if (is_object(element)) return true;
  }
  return false;
}

std::vector<Entry> read(std::string_view text, const OpTable& ops) {
  if (text.size() > kMostBytes) {
    throw ValueError(
        fmt::format("the code of a script has {} bytes, at most {} are read: split it into smaller functions",
                    text.size(), kMostBytes));
  }
  if (!text.starts_with(kHead))
    throw SyntaxError("the code of a script: expected a text that begins with `tine-script 1`");
  text.remove_prefix(kHead.size());
  std::vector<Entry> entries;
  ir::ParseOptions options;
  options.most_terms = kMostTerms;
  while (!text.empty()) {
    if (!text.starts_with(kFunction))
      throw SyntaxError("the code of a script: expected a line `function ...`");
    text.remove_prefix(kFunction.size());
    const size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos)
      throw SyntaxError("the code of a script: it ends within a signature");
    Entry e;
    e.signature = text.substr(0, line_end);
    text.remove_prefix(line_end + 1);
    while (text.starts_with(kDefault)) {
      text.remove_prefix(kDefault.size());
      size_t index = 0;
      const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), index);
      const auto end = std::min(text.find("\ndefault "), text.find("\ngraph("));
      if (error != std::errc() || end == std::string_view::npos)
        throw SyntaxError("the code of a script: expected a line `default <parameter> graph():`");
      const auto digits = static_cast<size_t>(stop - text.data());
      e.defaults.emplace_back(index, ir::parse(text.substr(digits, end + 1 - digits), ops, "default"));
      text.remove_prefix(end + 1);
    }
    size_t end = text.starts_with(kFunction) ? 0 : text.find("\nfunction ");
    end = end == std::string_view::npos ? text.size() : end + (end ? 1 : 0);
    size_t terms = 0;
    e.graph = ir::parse(text.substr(0, end), ops, fmt::format("f{}", entries.size()), options, &terms);
    options.most_terms -= terms;
    text.remove_prefix(end);
    entries.push_back(std::move(e));
  }
  if (entries.empty()) throw SyntaxError("the code of a script: there is no function in it");
  return entries;
}

}  // namespace

std::shared_ptr<const rpc::ScriptCode> ScriptStore::export_code(const Function& f) {
  ScriptShelf& shelf = f.data()->shelf;
  // The first text counts, so that one function has one.
  const auto kept = [&](std::shared_ptr<const rpc::ScriptCode> fresh) {
    const ScriptShelf::Reading lock(shelf);
    auto& exported = f.data()->exported;
    if (!exported) exported = std::move(fresh);
    return exported;
  };
  if (auto done = kept(nullptr)) return done;
  std::vector<Function> held;
  std::vector<const Function::Data*> functions = {f.data()};
  std::unordered_map<std::string, std::string> names = {{f.qualified_name(), "f0"}};
  std::vector<Entry> entries;
  std::string text(kHead);
  for (size_t i = 0; i < functions.size(); ++i) {
    const Function::Data& one = *functions[i];
    for (const Argument& a : one.schema.args) {
      if (is_object(a.type)) {
        throw ValueError(
            fmt::format("script function {} cannot be sent: its argument '{}' is a module ({}), and modules "
                        "stay where they are",
                        one.name, a.name, a.type->str()));
      }
    }
    Schema signature = one.schema;
    signature.name = one.name.substr(one.name.rfind('.') + 1);
    auto defaults = take_defaults(&signature);
    Entry e{signature.str(), ir::parse(ir::print(*one.graph, {.exact = true}), shelf.ops),
            std::move(defaults)};
    each_node(*e.graph, [&](ir::Node& node) {
      if (node.kind == ir::Kind::kCallMethod) {
        throw ValueError(fmt::format(
            "script function {} cannot be sent: it calls the method `{}` of a module", one.name, node.name));
      }
      if (!node.names_function()) return;
      const auto [at, fresh] = names.emplace(node.name, fmt::format("f{}", functions.size()));
      if (fresh) {
        const Function& callee = held.emplace_back(shelf.peek(node.name));
        if (!callee)
          throw NameError(
              fmt::format("script function {} calls {}, which is not there", one.name, node.name));
        functions.push_back(callee.data());
      }
      node.rename_function(at->second);
    });
    text += fmt::format("{}{}\n", kFunction, e.signature);
    for (const auto& [index, graph] : e.defaults)
      text += fmt::format("{}{} {}", kDefault, index, ir::print(*graph, {.exact = true}));
    text += ir::print(*e.graph, {.exact = true});
    if (!text.ends_with('\n')) text += '\n';
    entries.push_back(std::move(e));
  }
  return kept(std::make_shared<const rpc::ScriptCode>(rpc::ScriptCode{hash_of(entries), std::move(text)}));
}

std::shared_ptr<const rpc::ScriptCode> ScriptStore::export_code(std::string_view name) const {
  const Function f = peek(name);
  return f ? export_code(f) : nullptr;
}

Function ScriptStore::import_code(std::string_view hash, std::string_view text) {
  std::vector<Entry> entries = read(text, shelf_->ops);
  if (const std::string own = hash_of(entries); own != hash) {
    throw ValueError(
        fmt::format("the code of a script was sent as {}, but its content is {}; it is refused", hash, own));
  }
  const auto name_of = [&](size_t i) {
    const std::string_view signature = entries[i].signature;
    return fmt::format("__remote__.{}.{}.{}", hash.substr(0, 16), i,
                       signature.substr(0, signature.find('(')));
  };
  const std::string first = name_of(0);
  if (Function done = function(first)) return done;
  std::vector<compile::CompiledFunction> compiled(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    each_node(*entries[i].graph, [&](ir::Node& node) {
      if (!node.names_function()) return;
      size_t callee = entries.size();
      const char* const end = node.name.data() + node.name.size();
      const auto [stop, error] = std::from_chars(node.name.data() + 1, end, callee);
      if (!node.name.starts_with('f') || error != std::errc() || stop != end || callee >= entries.size()) {
        throw ValueError(fmt::format("the code of a script calls `{}`, which is not in it", node.name));
      }
      node.rename_function(name_of(callee));
    });
    compiled[i].schema = Schema::parse(entries[i].signature);
    for (const auto& [index, graph] : entries[i].defaults) {
      if (index >= compiled[i].schema.args.size())
        throw ValueError("the code of a script: a default without its parameter");
      Argument& parameter = compiled[i].schema.args[index];
      parameter.default_value = constant_of(*graph, parameter);
    }
    const Schema& schema = compiled[i].schema;
    const ir::Graph& graph = *entries[i].graph;
    bool fits = schema.args.size() == graph.inputs().size() && graph.returns.size() == 1 &&
                equal(schema.result_type(), graph.returns[0]);
    for (size_t a = 0; fits && a < schema.args.size(); ++a)
      fits = equal(schema.args[a].type, graph.inputs()[a]->type);
    if (!fits)
      throw ValueError(
          fmt::format("the code of a script: the graph of `{}` has another signature", schema.str()));
    compiled[i].schema.name = name_of(i);
    compiled[i].schema.overload.clear();
    entries[i].graph->name = name_of(i);
    compiled[i].graph = std::move(entries[i].graph);
  }
  return keep(std::move(compiled), nullptr);
}

}  // namespace tine
