#include "src/ir/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/ir/print.h"

namespace tine::ir {
namespace {

constexpr size_t kLongestConstant = 40;  // characters
constexpr int kCharacter = 7, kLine = 24, kMargin = 12, kGap = 30;

struct Area;

// A node, or what a block begins or ends with.
struct Box {
  std::string label;
  std::string place;             // of its source
  std::vector<const Def*> uses;  // what arrows come from
  std::vector<Area*> inside;
  int number = 0;
  int x = 0, y = 0, width = 0, height = 0;
};

// A block, or the graph of a fork.
struct Area {
  std::string title;
  std::vector<Box*> boxes;  // in the order of the graph
  int x = 0, y = 0, width = 0, height = 0;
};

std::string shortened(std::string text) {
  if (text.size() <= kLongestConstant) return text;
  size_t end = kLongestConstant;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // whole characters
  return text.substr(0, end) + "...";
}

// Constants are written where they are used, so that they need no arrows.
std::string constant_text(const Node& node) {
  if (node.names_function()) return node.name;
  return node.constant.is_tensor() ? "<Tensor>" : shortened(node.constant.repr());
}

class Drawing {
 public:
  explicit Drawing(const Graph& graph) { root = read(graph, graph.name.empty() ? "graph" : graph.name); }

  Area* root;
  std::deque<Box> boxes;
  std::deque<Area> areas;
  std::unordered_map<const Def*, const Box*> made_by;

 private:
  Area* read(const Graph& graph, std::string title) {
    const auto names = names_of(graph);
    return read(graph.root(), std::move(title), names);
  }

  using Names = std::unordered_map<const Def*, std::string>;

  Box& box(Area& area, std::string label) {
    Box& made = boxes.emplace_back();
    made.label = std::move(label);
    made.number = static_cast<int>(boxes.size());
    area.boxes.push_back(&made);
    return made;
  }

  Area* read(const Block& block, std::string title, const Names& names) {
    Area& area = areas.emplace_back();
    area.title = std::move(title);
    if (!block.params.empty()) {
      std::string label;
      for (const Def* def : block.params)
        label += fmt::format("{}{}: {}", label.empty() ? "" : ", ", names.at(def), def->type->str());
      const Box& inputs = box(area, std::move(label));
      for (const Def* def : block.params) made_by[def] = &inputs;
    }
    for (const Node* node : block.nodes) {
      if (node->kind == Kind::kConstant) continue;
      std::string label;
      for (const Def* def : node->outputs) label += (label.empty() ? "" : ", ") + names.at(def);
      if (!label.empty()) label += " = ";
      label += node->kind == Kind::kOp ? node->op->schema.name : std::string(name_of(node->kind));
      if (!node->name.empty()) label += " " + node->name;
      Box& made = box(area, label + list(node->inputs, names));
      if (node->span.known()) made.place = node->span.str();
      made.uses.assign(node->inputs.begin(), node->inputs.end());
      for (size_t i = 0; i < node->blocks.size(); ++i) {
        const char* const name = node->kind != Kind::kIf ? "each turn" : i == 0 ? "if true" : "else";
        made.inside.push_back(read(*node->blocks[i], name, names));
      }
      if (node->subgraph) made.inside.push_back(read(*node->subgraph, "fork"));
      for (const Def* def : node->outputs) made_by[def] = &made;
    }
    if (!block.owner || !block.outputs.empty()) {
      if (!block.ends_in_exit()) {
        Box& outputs = box(area, (block.owner ? "result " : "return ") + list(block.outputs, names));
        outputs.uses.assign(block.outputs.begin(), block.outputs.end());
      }
    }
    return &area;
  }

  static std::string list(const std::vector<Def*>& defs, const Names& names) {
    std::string out = "(";
    for (const Def* def : defs) {
      if (out.size() > 1) out += ", ";
      const auto name = names.find(def);  // none of a value that is in no block
      out += def->node && def->node->kind == Kind::kConstant ? constant_text(*def->node)
             : name == names.end()                           ? "?"
                                                             : name->second;
    }
    return out + ")";
  }
};

// --- Graphviz

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + '"';
}

void dot_area(const Drawing& drawing, const Area& area, int depth, std::string* out, std::string* arrows) {
  const std::string indent(static_cast<size_t>(2 * depth), ' ');
  for (const Box* box : area.boxes) {
    if (!box->inside.empty()) {
      *out += fmt::format("{}subgraph cluster_{} {{\n{}  label=\"\";\n", indent, box->number, indent);
    }
    *out += fmt::format("{}n{} [label={}{}];\n", indent, box->number, quoted(box->label),
                        box->place.empty() ? "" : ", tooltip=" + quoted(box->place));
    for (size_t i = 0; i < box->inside.size(); ++i) {
      *out += fmt::format("{}  subgraph cluster_{}_{} {{\n{}    label={};\n", indent, box->number, i, indent,
                          quoted(box->inside[i]->title));
      dot_area(drawing, *box->inside[i], depth + 2, out, arrows);
      *out += indent + "  }\n";
    }
    if (!box->inside.empty()) *out += indent + "}\n";
    for (const Def* def : box->uses) {
      if (const auto from = drawing.made_by.find(def); from != drawing.made_by.end())
        *arrows += fmt::format("  n{} -> n{};\n", from->second->number, box->number);
    }
  }
}

// --- SVG

class Layout {
 public:
  explicit Layout(Drawing& drawing) : drawing_(drawing) {
    size(*drawing.root);
    move(*drawing.root, 0, 0);
  }

  std::string text() {
    const Area& root = *drawing_.root;
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"monospace\" font-size=\"12\">\n"
        "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" "
        "orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>\n",
        root.width, root.height);
    area(root);
    for (const Box& box : drawing_.boxes) {
      for (const Def* def : box.uses) {
        if (const auto from = drawing_.made_by.find(def); from != drawing_.made_by.end())
          arrow(*from->second, box);
      }
    }
    return out_ + "</svg>\n";
  }

 private:
  // The box in `area` that the one that makes the value is, or is inside.
  using Owners = std::unordered_map<const Box*, const Box*>;

  void owned(const Area& area, const Box* owner, Owners* owners) {
    for (const Box* box : area.boxes) {
      (*owners)[box] = owner ? owner : box;
      for (const Area* inner : box->inside) owned(*inner, owner ? owner : box, owners);
    }
  }
  // All that the box and those inside it use.
  static void used(const Box& box, std::vector<const Def*>* out) {
    out->insert(out->end(), box.uses.begin(), box.uses.end());
    for (const Area* inner : box.inside) {
      for (const Box* one : inner->boxes) used(*one, out);
    }
  }

  // Sizes, and places relative to the area.
  void size(Area& area) {
    for (Box* box : area.boxes) {
      box->width = 2 * kMargin + kCharacter * static_cast<int>(box->label.size());
      box->height = kLine;
      int x = kMargin;
      for (Area* inner : box->inside) {
        size(*inner);
        inner->x = x;
        inner->y = kLine + 4;
        x += inner->width + kMargin;
        box->width = std::max(box->width, x);
        box->height = std::max(box->height, kLine + 4 + inner->height + kMargin);
      }
    }
    Owners owners;
    owned(area, nullptr, &owners);
    std::unordered_map<const Box*, int> layer_of;
    std::unordered_map<const Box*, std::vector<const Box*>> above;
    std::map<int, std::vector<Box*>> layers;
    for (Box* box : area.boxes) {
      std::vector<const Def*> uses;
      used(*box, &uses);
      int layer = 0;
      for (const Def* def : uses) {
        const auto from = drawing_.made_by.find(def);
        const auto owner = from == drawing_.made_by.end() ? owners.end() : owners.find(from->second);
        if (owner == owners.end() || owner->second == box) continue;
        above[box].push_back(owner->second);
        layer = std::max(layer, layer_of[owner->second] + 1);
      }
      // The last one, what comes out, stands below all others.
      if (box == area.boxes.back() && !layers.empty()) layer = std::max(layer, layers.rbegin()->first);
      layer_of[box] = layer;
      layers[layer].push_back(box);
    }
    int y = kLine;
    area.width = 2 * kMargin + kCharacter * static_cast<int>(area.title.size());
    for (auto& [number, layer] : layers) {
      const auto middle = [&](const Box* box) {
        const std::vector<const Box*>& sources = above[box];
        if (sources.empty()) return 0.0;
        double sum = 0;
        for (const Box* source : sources) sum += source->x + source->width / 2.0;
        return sum / static_cast<double>(sources.size());
      };
      std::stable_sort(layer.begin(), layer.end(),
                       [&](const Box* a, const Box* b) { return middle(a) < middle(b); });
      int x = kMargin, height = 0;
      for (Box* box : layer) {
        box->x = std::max(x, static_cast<int>(middle(box)) - box->width / 2);
        box->y = y;
        x = box->x + box->width + kGap;
        height = std::max(height, box->height);
      }
      area.width = std::max(area.width, x - kGap + kMargin);
      y += height + kGap;
    }
    area.height = std::max(y - kGap + kMargin, 2 * kLine);
  }

  static void move(Area& area, int x, int y) {
    area.x += x;
    area.y += y;
    for (Box* box : area.boxes) {
      box->x += area.x;
      box->y += area.y;
      for (Area* inner : box->inside) move(*inner, box->x, box->y);
    }
  }

  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        // XML has no way to write the other control characters.
        default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
      }
    }
    return out;
  }

  void rectangle(int x, int y, int width, int height, std::string_view fill) {
    out_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{}\" stroke=\"#555\"/>\n", x, y,
        width, height, fill);
  }

  void area(const Area& shown) {
    rectangle(shown.x, shown.y, shown.width, shown.height, "#fff");
    out_ += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#888\">{}</text>\n", shown.x + 6, shown.y + 16,
                        escaped(shown.title));
    for (const Box* box : shown.boxes) {
      out_ += "<g>";
      if (!box->place.empty()) out_ += fmt::format("<title>{}</title>", escaped(box->place));
      rectangle(box->x, box->y, box->width, box->height, box->inside.empty() ? "#eef4ff" : "#f4f4f4");
      out_ += fmt::format("<text x=\"{}\" y=\"{}\">{}</text></g>\n", box->x + kMargin, box->y + 16,
                          escaped(box->label));
      for (const Area* inner : box->inside) area(*inner);
    }
  }

  void arrow(const Box& from, const Box& to) {
    const int x1 = from.x + from.width / 2, x2 = to.x + to.width / 2;
    // From a box that is around the other: along its head.
    const int y1 = from.y + (from.y + from.height <= to.y ? from.height : kLine), y2 = to.y;
    const int bend = std::max(12, (y2 - y1) / 2);
    out_ += fmt::format(
        "<path d=\"M{},{} C{},{} {},{} {},{}\" fill=\"none\" stroke=\"#555\" marker-end=\"url(#arrow)\"/>\n",
        x1, y1, x1, y1 + bend, x2, y2 - bend, x2, y2);
  }

  Drawing& drawing_;
  std::string out_;
};

}  // namespace

std::string dot(const Graph& graph) {
  const Drawing drawing(graph);
  std::string out =
      "digraph " + quoted(drawing.root->title) + " {\n  node [shape=box, fontname=monospace, fontsize=10];\n";
  std::string arrows;
  dot_area(drawing, *drawing.root, 1, &out, &arrows);
  return out + arrows + "}\n";
}

std::string svg(const Graph& graph) {
  Drawing drawing(graph);
  return Layout(drawing).text();
}

}  // namespace tine::ir
