#include "src/ir/parse.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>
#include <utility>

#include "src/ir/pytorch.h"
#include "src/ir/text_reader.h"
#include "src/ir/verify.h"

namespace tine::ir {
namespace {

// The text may come from another worker, so reading it takes bounded stack and time whatever it says.
constexpr int kDeepestBlock = 200;

class Parser : private TextReader {
 public:
  Parser(std::string_view text, const OpTable& ops, const ParseOptions& options)
      : TextReader(text, options), ops_(ops) {}

  [[nodiscard]] size_t terms() const noexcept { return terms_; }
  std::unique_ptr<Graph> run(std::string name) {
    expect_word("graph");
    auto graph = std::make_unique<Graph>(std::move(name));
    graph_text(*graph);
    // Sections in the order of the forks; a section may fork again.
    for (size_t i = 0; i < forks_.size(); ++i) {
      expect_word("with");
      expect_word("prim::fork_" + std::to_string(i));
      expect('=');
      expect_word("graph");
      const auto sub = std::make_shared<Graph>(fmt::format("fork_{}", i));
      fork_depth_ = forks_[i].depth;
      graph_text(*sub);
      forks_[i].node->subgraph = sub;
      if (sub->returns.size() != 1) fail("a forked graph returns one value");
    }
    skip();
    if (at_ != text_.size()) fail("expected the end of the text");
    if (options_.pytorch) infer_classes(*graph);
    return graph;
  }

 private:
  // ---- graphs

  void graph_text(Graph& graph) {
    defs_.clear();  // a forked graph sees nothing of the one around it
    functions_.clear();
    raises_ = false;
    graph_ = &graph;
    params(graph.root());
    const bool declared = accept_word("->");
    if (declared) {
      expect('(');
      while (peek() != ')') {
        if (!graph.returns.empty()) expect(',');
        graph.returns.push_back(type());
      }
      expect(')');
    }
    expect(':');
    nodes(graph.root(), 0);
    expect_word("return");
    graph.root().outputs = uses();
    // Without a declaration the results are of the values' own types.
    if (!declared) {
      for (const Def* def : graph.root().outputs) graph.returns.push_back(def->type);
    }
    end_at_exit(graph.root());
  }

  std::string_view def_name() {
    expect('%');
    return name();
  }
  Def* use() {
    const size_t begin = at_;
    const std::string_view name = def_name();
    const auto found = defs_.find(name);
    if (found == defs_.end()) {
      at_ = begin;
      fail(fmt::format("%{} is used before it is defined", name));
    }
    return found->second;
  }
  std::vector<Def*> uses() {
    expect('(');
    return uses_to_end();
  }
  std::vector<Def*> uses_to_end() {
    std::vector<Def*> out;
    while (peek() != ')') {
      if (!out.empty()) expect(',');
      count();
      out.push_back(use());
    }
    ++at_;
    return out;
  }
  void count() {
    if (++terms_ > options_.most_terms) {
      fail(fmt::format("more than {} nodes, values and uses of values", options_.most_terms));
    }
  }
  void add_def(std::string_view name, Def* def) {
    count();
    if (!defs_.emplace(name, def).second) fail(fmt::format("%{} is defined twice", name));
  }
  // Names that are only numbers are the printer's, not hints.
  static std::string hint_of(std::string_view name) {
    const size_t dot = name.find('.');
    const std::string_view first = name.substr(0, dot);
    return first.empty() || (first[0] >= '0' && first[0] <= '9') ? std::string() : std::string(first);
  }

  void params(Block& block) {
    expect('(');
    for (bool first = true; peek() != ')'; first = false) {
      if (!first) expect(',');
      const std::string_view name = def_name();
      expect(':');
      add_def(name, graph_->add_param(block, type(), hint_of(name)));
    }
    ++at_;
  }

  // Up to "->" or "return".
  void nodes(Block& block, int depth) {
    if (depth > kDeepestBlock) fail("the blocks are nested too deeply");
    // Both words end a block, whichever kind it is. The caller then expects the one that it needs.
    while (!at_word("->") && !at_word("return")) {
      if (at_ >= text_.size()) fail("the text ends inside a block");
      node(block, depth);
    }
  }

  struct Output {
    std::string_view name;
    TypePtr type;
  };

  void node(Block& block, int depth) {
    std::vector<Output> outputs;
    dtype_ = DType::kFloat32;
    if (peek() == '%') {
      do {
        const std::string_view name = def_name();
        expect(':');
        outputs.push_back({name, type()});
      } while (accept(','));
      expect('=');
    } else if (options_.pytorch) {
      accept('=');
    }
    const size_t begin = (skip(), at_);
    const std::string_view name = operator_name();
    count();
    const Kind kind = kind_of(name);
    if (options_.pytorch && is_foreign(kind)) return foreign_node(block, name, begin, kind, outputs);
    Node* node = graph_->create(kind, {});
    if (node->kind == Kind::kFork) {
      if (name != "prim::fork_" + std::to_string(forks_.size())) {
        at_ = begin;
        fail(fmt::format("expected prim::fork_{}: forks are numbered in the order of the text",
                         forks_.size()));
      }
      // Counted here: graphs that own each other are destroyed one inside the other, whatever the verifier says of them.
      if (fork_depth_ == kDeepestFork) {
        at_ = begin;
        fail(fmt::format("forks are nested more than {} deep in one graph", kDeepestFork));
      }
      // The subgraph comes later in the text. run() fills it in.
      forks_.push_back({node, fork_depth_ + 1});
    }
    attributes(*node, outputs.size() == 1 ? outputs.front().type : nullptr);
    if (outputs.size() == 1 && outputs.front().type->kind == TypeKind::kFunction) {
      // Only calls use it, and they have the name themselves here.
      functions_[outputs.front().name] = node->name;
      (void)uses();
      return place(*node);
    }
    node->inputs = uses();
    // The overload of an operator that is written without one is found by the types of its inputs and its result.
    if (node->kind == Kind::kOp) {
      if (outputs.size() != 1) {
        at_ = begin;
        fail(fmt::format("{} has one result", name));
      }
      node->op = overload_for(ops_, name, node->inputs, outputs.front().type);
      if (!node->op) {
        at_ = begin;
        fail(fmt::format("no operator {} takes these arguments and returns {}", name,
                         outputs.front().type->str()));
      }
    }
    place(*node);
    graph_->append(block, node);
    const int inner = node->kind == Kind::kIf ? 2 : node->kind == Kind::kLoop ? 1 : 0;
    for (int i = 0; i < inner; ++i) {
      Block* const child = graph_->add_block(*node);
      expect_word("block" + std::to_string(i));
      params(*child);
      expect(':');
      nodes(*child, depth + 1);
      expect_word("->");
      child->outputs = uses();
      end_at_exit(*child);
    }
    // Defined only now: neither the node's inputs nor its blocks may use its results.
    for (Output& output : outputs) {
      add_def(output.name, graph_->add_output(*node, std::move(output.type), hint_of(output.name)));
    }
  }

  // ---- what PyTorch writes otherwise (pytorch.h)

  bool is_foreign(Kind kind) noexcept {
    switch (kind) {
      case Kind::kOp: return true;
      case Kind::kCallFunction:
      case Kind::kRaise:
      case Kind::kTupleIndex: return peek() != '[';
      case Kind::kIsInstance: return peek() == '[' && text_.substr(at_ + 1, 6) == "types=";
      default: return false;
    }
  }

  void foreign_node(Block& block, std::string_view name, size_t begin, Kind kind,
                    std::vector<Output>& outputs) {
    ForeignNode node;
    node.name = name;
    if (accept('[')) {
      do {
        const std::string attribute(this->name());
        expect('=');
        if (attribute == "types") {
          expect('[');
          do {
            node.types.push_back(type());
          } while (accept(','));
          expect(']');
        } else {
          node.numbers.emplace_back(attribute, constant());
        }
      } while (accept(','));
      expect(']');
    }
    std::string callee;
    if (kind == Kind::kCallFunction) {
      expect('(');
      const auto found = functions_.find(def_name());
      if (found == functions_.end())
        fail("expected a function, %f : Function = prim::Constant[name=\"f\"]()");
      callee = found->second;
      if (!accept(',') && peek() != ')') fail("expected ',' or ')'");
      node.inputs = uses_to_end();
    } else {
      node.inputs = uses();
    }
    for (const Output& output : outputs) node.outputs.push_back(output.type);
    Node placed;
    place(placed);
    Builder at(*graph_, block);
    at.span = placed.span;
    std::vector<Def*> results;
    if (kind == Kind::kCallFunction) {
      if (outputs.size() != 1) fail("a call has one result");
      results = {at.call(std::move(callee), std::move(node.inputs), outputs[0].type)};
    } else {
      try {
        results = write_foreign(at, ops_, node);
      } catch (const SyntaxError& error) {
        at_ = begin;
        fail(error.message());
      }
      raises_ = raises_ || kind == Kind::kRaise;
    }
    if (results.size() != outputs.size()) {
      at_ = begin;
      fail(fmt::format("{} has {} results", name, results.size()));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (results[i]->name.empty()) results[i]->name = hint_of(outputs[i].name);
      add_def(outputs[i].name, results[i]);
    }
  }

  // PyTorch writes nodes and results behind a prim::RaiseException, which are never reached.
  void end_at_exit(Block& block) {
    if (!raises_) return;
    const auto exit =
        std::find_if(block.nodes.begin(), block.nodes.end(), [](const Node* n) { return n->is_exit(); });
    if (exit == block.nodes.end()) return;
    block.nodes.erase(exit + 1, block.nodes.end());
    (*exit)->outputs.clear();
    block.outputs.clear();
  }

  Kind kind_of(std::string_view name) const noexcept {
    if (name.substr(0, 11) == "prim::fork_") return Kind::kFork;
    for (int i = 1; i < kKinds; ++i) {
      if (static_cast<Kind>(i) != Kind::kFork && name_of(static_cast<Kind>(i)) == name)
        return static_cast<Kind>(i);
    }
    return Kind::kOp;
  }

  void attributes(Node& node, const TypePtr& output) {
    const char* expected = nullptr;
    switch (node.kind) {
      case Kind::kConstant: expected = "value"; break;
      case Kind::kCallFunction:
      case Kind::kCallMethod:
      case Kind::kGetAttr:
      case Kind::kSetAttr: expected = "name"; break;
      case Kind::kRaise: expected = "kind"; break;
      case Kind::kTupleIndex: expected = "index"; break;
      case Kind::kIsInstance: expected = "type"; break;
      default: return;
    }
    if (node.kind == Kind::kConstant && peek() != '[') return;  // None
    expect('[');
    const bool names_function = node.kind == Kind::kConstant && accept_word("name");
    if (!names_function) expect_word(expected);
    expect('=');
    if (names_function) {
      std::string name = string();
      if (name.empty()) fail("expected the name of a function");
      node.rename_function(std::move(name));
      return expect(']');
    }
    switch (node.kind) {
      case Kind::kConstant:
        node.constant = constant();
        // As PyTorch writes a bool.
        if (output && output->kind == TypeKind::kBool && node.constant.is_int())
          node.constant = Value(node.constant.as_int() != 0);
        if (output) node.constant = with_classes(node.constant, output);
        break;
      case Kind::kTupleIndex: {
        const int64_t index = integer();
        // Only keeps the number an int. The verifier compares it with the tuple's type.
        if (index < 0 || index > 0x3fff) fail("expected an index from 0");
        node.index = static_cast<int>(index);
        break;
      }
      case Kind::kIsInstance: node.type = type(); break;
      default: node.name = string();
    }
    expect(']');
  }

  // `# file.py:3:4` up to the end of the line.
  void place(Node& node) {
    size_t p = at_;
    while (p < text_.size() && (text_[p] == ' ' || text_[p] == '\t')) ++p;
    if (options_.pytorch && text_.substr(p, 8) == ", scope:") {
      while (p < text_.size() && text_[p] != '#' && text_[p] != '\n') ++p;
      at_ = p;
    }
    if (p >= text_.size() || text_[p] != '#') return;
    size_t end = text_.find('\n', p);
    if (end == std::string_view::npos) end = text_.size();
    std::string_view words = text_.substr(p + 1, end - p - 1);
    at_ = end;
    while (!words.empty() && is_space(words.front())) words.remove_prefix(1);
    // The line and the column are taken from the end, because a file's name may have colons.
    int numbers[2] = {0, 0};
    for (int i = 1; i >= 0; --i) {
      const size_t colon = words.rfind(':');
      if (colon == std::string_view::npos) return;  // a comment
      const std::string digits(words.substr(colon + 1));
      if (digits.empty() || digits.size() > 9 ||
          digits.find_first_not_of("0123456789 \r") != std::string::npos)
        return;
      numbers[i] = std::atoi(digits.c_str());
      words = words.substr(0, colon);
    }
    std::shared_ptr<const Source>& source = sources_[std::string(words)];
    if (!source) source = std::make_shared<const Source>(std::string(words));
    node.span = SourceSpan(source, numbers[0], numbers[1]);
  }

  const OpTable& ops_;
  size_t terms_ = 0;
  Graph* graph_ = nullptr;
  std::unordered_map<std::string_view, Def*> defs_;
  struct Fork {
    Node* node;
    int depth;  // of its subgraph
  };
  std::vector<Fork> forks_;
  int fork_depth_ = 0;  // of the graph at hand
  std::unordered_map<std::string, std::shared_ptr<const Source>> sources_;
  std::unordered_map<std::string_view, std::string> functions_;  // PyTorch's constants of functions
  bool raises_ = false;                                          // an exit may stand in front of other nodes
};

}  // namespace

std::unique_ptr<Graph> parse(std::string_view text, const OpTable& ops, std::string name,
                             const ParseOptions& options, size_t* terms) {
  Parser parser(text, ops, options);
  std::unique_ptr<Graph> graph = parser.run(std::move(name));
  if (terms) *terms = parser.terms();
  // So far the text is well-formed. The verifier decides whether the graph may run.
  if (options.pytorch) {
    verify_nodes(*graph);
  } else {
    verify(*graph);
  }
  return graph;
}

}  // namespace tine::ir
