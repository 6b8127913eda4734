#include "src/ir/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "src/base/crypto.h"

namespace tine::ir {
namespace {

bool name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string float_text(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  // The shortest text that reads back as this very number; with a point, so that it is not an int.
  std::string out = fmt::format("{}", v);
  if (out.find_first_of(".en") == std::string::npos) out += ".0";
  return out;
}

std::string tensor_text(const Tensor& t) {
  const Tensor dense = t.contiguous();
  std::string out =
      fmt::format("tensor(\"{}\", [{}], \"", name_of(dense.dtype()), fmt::join(dense.sizes(), ", "));
  const size_t bytes = static_cast<size_t>(dense.numel()) * size_of(dense.dtype());
  const auto* data = static_cast<const unsigned char*>(dense.data());
  constexpr char kHex[] = "0123456789abcdef";
  out.reserve(out.size() + 2 * bytes + 2);
  for (size_t i = 0; i < bytes; ++i) {
    out += kHex[data[i] >> 4];
    out += kHex[data[i] & 15];
  }
  return out + "\")";
}

// As PyTorch calls the type of None. `defined`: null in text for people, which defines no classes.
std::string type_text(const TypePtr& type, TypeNames* defined) {
  if (!type) return "<no type>";
  if (type->kind == TypeKind::kNone) return "NoneType";
  return defined ? type->definition(defined) : type->str();
}

std::string value_text(const Value& value, TypeNames* defined) {
  switch (value.tag()) {
    case Tag::kNone: return "None";
    case Tag::kBool: return value.as_bool() ? "True" : "False";
    case Tag::kInt: return fmt::format("{}", value.as_int());
    case Tag::kFloat: return float_text(value.as_float());
    case Tag::kString: return in_quotes(value.as_string());
    case Tag::kTensor: return defined ? tensor_text(value.as_tensor()) : "<Tensor>";
    case Tag::kEnum:
      return fmt::format("{}.{}", type_text(value.as_enum().type, defined), value.as_enum().name());
    case Tag::kList:
    case Tag::kTuple: {
      const bool list = value.is(Tag::kList);
      const std::span<const Value> items =
          list ? std::span<const Value>(value.as_list().items) : value.as_tuple().items;
      std::string out = list ? "[" : "(";
      for (size_t i = 0; i < items.size(); ++i) {
        if (i != 0) out += ", ";
        out += value_text(items[i], defined);
      }
      if (!list && items.size() == 1) out += ",";  // (1) is 1
      return out + (list ? "]" : ")");
    }
    case Tag::kDict: {
      std::string out = "{";
      for (const auto& [key, item] : value.as_dict().items()) {
        if (out.size() > 1) out += ", ";
        out += fmt::format("{} : {}", value_text(key, defined), value_text(item, defined));
      }
      return out + "}";
    }
    default:
      if (defined) {
        throw ValueError(
            fmt::format("a graph that holds {} as a constant has no text form that could be sent or "
                        "saved; pass it as an argument instead",
                        value.repr()));
      }
      return fmt::format("<{}>", name_of(value.tag()));
  }
}

// With the overload; PyTorch's word for the one without a name, since "aten::lt" alone means any.
std::string exact_name(const Op& op) {
  return op.schema.name + "." + (op.schema.overload.empty() ? "default" : op.schema.overload);
}

class Printer {
 public:
  Printer(const PrintOptions& options, bool hints) : options_(options), hints_(hints) {}

  std::string run(const Graph& graph) {
    graph_text("graph", graph);
    // Forks inside forks append to the list while it is walked.
    for (size_t i = 0; i < forks_.size(); ++i) {
      if (!forks_[i]) continue;  // a graph that somebody is still writing
      const Graph& sub = *forks_[i];
      out_ += "\n";
      graph_text(fmt::format("with prim::fork_{} = graph", i), sub);
    }
    return std::move(out_);
  }

  std::unordered_map<const Def*, std::string> names(const Graph& graph) {
    name_all(graph);
    return std::move(names_);
  }

  std::string one(const Graph& graph, const Node& node) {
    name_all(graph);
    head(node, 0);
    out_.pop_back();
    return std::move(out_);
  }

 private:
  void graph_text(const std::string& intro, const Graph& graph) {
    names_.clear();
    taken_.clear();
    name_all(graph);
    out_ += intro;
    params(graph.root());
    const std::vector<Def*>& outputs = graph.root().outputs;
    // Said only where it is not what the outputs' own types are.
    const bool plain = std::equal(outputs.begin(), outputs.end(), graph.returns.begin(), graph.returns.end(),
                                  [](const Def* def, const TypePtr& type) { return equal(def->type, type); });
    if (!plain) {
      out_ += " -> (";
      for (size_t i = 0; i < graph.returns.size(); ++i)
        out_ += (i ? ", " : "") + type_text(graph.returns[i], defined());
      out_ += ")";
    }
    out_ += ":\n";
    nodes(graph.root(), 1);
    out_ += "  return (";
    list(outputs);
    out_ += ")\n";
  }

  void name_all(const Graph& graph) { name_block(graph.root()); }
  void name_block(const Block& block) {
    for (const Def* def : block.params) give_name(*def);
    for (const Node* node : block.nodes) {
      for (const Def* def : node->outputs) give_name(*def);
      for (const Block* inner : node->blocks) name_block(*inner);
    }
  }
  // Numbers are the order of appearance, not the id: the text of a graph does not depend on how it was built.
  void give_name(const Def& def) {
    std::string name;
    if (hints_) {
      for (const char c : def.name) name += name_char(c) ? c : '_';
    }
    // A hint that begins with a digit would be taken for one of the numbers.
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) {
      name = fmt::format("{}", names_.size());
    } else if (!taken_.insert(name).second) {
      int& k = suffix_[name];
      std::string numbered;
      do {
        numbered = fmt::format("{}.{}", name, ++k);
      } while (!taken_.insert(numbered).second);
      name = std::move(numbered);
    }
    names_.emplace(&def, std::move(name));
  }
  std::string name(const Def* def) const {
    if (!def) return "%<null>";
    const auto found = names_.find(def);
    return found == names_.end() ? fmt::format("%<def {} of another graph>", def->id) : "%" + found->second;
  }

  void list(const std::vector<Def*>& defs) {
    for (size_t i = 0; i < defs.size(); ++i) {
      if (i != 0) out_ += ", ";
      out_ += name(defs[i]);
    }
  }
  void typed(const std::vector<Def*>& defs) {
    for (size_t i = 0; i < defs.size(); ++i) {
      if (i != 0) out_ += ", ";
      out_ += name(defs[i]);
      out_ += " : ";
      out_ += type_text(defs[i]->type, defined());
    }
  }
  void params(const Block& block) {
    out_ += "(";
    typed(block.params);
    out_ += ")";
  }

  void nodes(const Block& block, int depth) {
    for (const Node* node : block.nodes) {
      head(*node, depth);
      for (size_t i = 0; i < node->blocks.size(); ++i) {
        const Block& inner = *node->blocks[i];
        indent(depth + 1);
        out_ += fmt::format("block{}", i);
        params(inner);
        out_ += ":\n";
        nodes(inner, depth + 2);
        indent(depth + 2);
        out_ += "-> (";
        list(inner.outputs);
        out_ += ")\n";
      }
    }
  }

  void head(const Node& node, int depth) {
    indent(depth);
    if (!node.outputs.empty()) {
      typed(node.outputs);
      out_ += " = ";
    }
    switch (node.kind) {
      case Kind::kOp:
        out_ += !node.op ? "<no operator>" : options_.exact ? exact_name(*node.op) : node.op->schema.name;
        break;
      case Kind::kFork:
        out_ += fmt::format("prim::fork_{}", forks_.size());
        forks_.push_back(node.subgraph.get());
        break;
      default: out_ += name_of(node.kind);
    }
    attributes(node);
    out_ += "(";
    list(node.inputs);
    out_ += ")";
    if (options_.places && node.span.line > 0) {
      out_ += " # ";
      if (node.span.source) {
        for (const char c : node.span.source->name) out_ += c == '\n' || c == '\r' ? ' ' : c;
      }
      out_ += fmt::format(":{}:{}", node.span.line, node.span.column);
    }
    out_ += "\n";
  }

  void attributes(const Node& node) {
    switch (node.kind) {
      case Kind::kConstant:
        if (node.constant.is_none()) break;
        if (node.names_function()) {
          out_ += fmt::format("[name={}]", in_quotes(node.name));
          break;
        }
        // As PyTorch writes it: the type says that 1 is True.
        if (node.constant.is_bool()) {
          out_ += fmt::format("[value={:d}]", node.constant.as_bool());
        } else {
          out_ += fmt::format("[value={}]", value_text(node.constant, defined()));
        }
        break;
      case Kind::kCallFunction:
      case Kind::kCallMethod:
      case Kind::kGetAttr:
      case Kind::kSetAttr: out_ += fmt::format("[name={}]", in_quotes(node.name)); break;
      case Kind::kRaise: out_ += fmt::format("[kind={}]", in_quotes(node.name)); break;
      case Kind::kTupleIndex: out_ += fmt::format("[index={}]", node.index); break;
      case Kind::kIsInstance: out_ += fmt::format("[type={}]", type_text(node.type, defined())); break;
      default: break;
    }
  }

  // The classes that this text has defined.
  TypeNames* defined() noexcept { return options_.exact ? &defined_ : nullptr; }
  void indent(int depth) { out_.append(static_cast<size_t>(2 * depth), ' '); }

  const PrintOptions options_;
  const bool hints_;
  std::string out_;
  std::unordered_map<const Def*, std::string> names_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> suffix_;
  std::vector<const Graph*> forks_;
  TypeNames defined_;
};

}  // namespace

std::string print(const Graph& graph, const PrintOptions& options) {
  return Printer(options, true).run(graph);
}

std::string print(const Graph& graph, const Node& node) {
  return Printer({.exact = false, .places = false}, true).one(graph, node);
}

std::unordered_map<const Def*, std::string> names_of(const Graph& graph) {
  return Printer({}, true).names(graph);
}

std::string content_hash(const Graph& graph) {
  // Without the names of variables and without places: those change and the function does not.
  return hash_of(Printer({.exact = true, .places = false}, false).run(graph));
}

std::string hash_of(std::string_view text) {
  std::string out;
  for (const std::byte byte : sha256(std::as_bytes(std::span(text)))) {
    out += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return out;
}

}  // namespace tine::ir
