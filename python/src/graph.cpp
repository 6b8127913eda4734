// Graph, Block, Node, Value and Use, as PyTorch's tools know them (torch._C.Graph), over tine/graph.h.
#include <fmt/format.h>

#include <algorithm>

#include "python/src/shown.h"

namespace tine::python {

using script::Block;
using script::Def;
using script::Graph;
using script::Node;
using script::Use;

bool in_places(PyObject* const* args, Py_ssize_t count, PyObject* names, const char* const* parameters,
               size_t most, size_t least, PyObject** places) {
  const auto given = static_cast<size_t>(count);
  if (given > most) {
    PyErr_Format(PyExc_TypeError, "expected at most %zu arguments, got %zu", most, given);
    return false;
  }
  for (size_t i = 0; i < given; ++i) places[i] = args[i];
  for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); ++k) {
    PyObject* const name = PyTuple_GET_ITEM(names, k);
    size_t at = 0;
    while (parameters && parameters[at] && PyUnicode_CompareWithASCIIString(name, parameters[at]) != 0) ++at;
    if (!parameters || !parameters[at] || places[at]) {
      PyErr_Format(PyExc_TypeError, "got an unexpected keyword argument '%U'", name);
      return false;
    }
    places[at] = args[count + k];
  }
  for (size_t i = 0; i < least; ++i) {
    if (places[i]) continue;
    PyErr_Format(PyExc_TypeError, "expected at least %zu arguments, got %zu", least, given);
    return false;
  }
  return true;
}

namespace {

// Of a list that is made at once: the graph may change while a tool goes over it.
template <class T>
PyObject* iterator(std::vector<T> values) {
  const PyRef list = PyRef::adopt(result_of(std::move(values)));
  return list ? PyObject_GetIter(list.get()) : nullptr;
}

constexpr const char* kKindRecurse[] = {"kind", "recurse", nullptr};
constexpr const char* kName[] = {"name", nullptr};

#define TINE_METHOD(name, signature, text, ...) \
  { name, as_method(method<__VA_ARGS__>), kMethod, name "(" signature ")\n--\n\n" text }

// --- Use

PyObject* use_user(PyObject* self, void*) {
  return guarded([&] { return result_of(shown_in<Use>(self).user); });
}
PyObject* use_offset(PyObject* self, void*) { return PyLong_FromSize_t(shown_in<Use>(self).offset); }
PyObject* use_repr(PyObject* self) {
  return guarded([&] {
    const Use& use = shown_in<Use>(self);
    return text_of(fmt::format("<Use: input {} of {}>", use.offset, use.user.str())).leak();
  });
}
PyGetSetDef use_getset[] = {{"user", use_user, nullptr, "The node that uses the value.", nullptr},
                            {"offset", use_offset, nullptr, "Which of its inputs the value is.", nullptr},
                            {}};
PyType_Slot use_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<Use>)},
                           {Py_tp_repr, reinterpret_cast<void*>(use_repr)},
                           {Py_tp_getset, use_getset},
                           {Py_tp_doc, const_cast<char*>("A place where a value is used.")},
                           {0, nullptr}};

// --- Value

PyObject* value_repr(PyObject* self) {
  return guarded([&] {
    const Def& def = shown_in<Def>(self);
    return text_of(fmt::format("{} defined in ({})", def.debug_name(), def.node().str())).leak();
  });
}

// Those that change a value return it, as PyTorch's do.
PyMethodDef value_methods[] = {
    TINE_METHOD("type", "$self, /", "Its type.", &Def::type),
    TINE_METHOD("setType", "$self, type, /", "Says of which type it is.",
                [](const Def& d, const TypePtr& type) {
                  d.set_type(type);
                  return d;
                }),
    TINE_METHOD("setTypeAs", "$self, other, /", "Says that it is of the other's type.",
                [](const Def& d, const Def& other) {
                  d.set_type(other.type());
                  return d;
                }),
    TINE_METHOD("debugName", "$self, /", "What the text of the graph calls it.", &Def::debug_name),
    TINE_METHOD("setDebugName", "$self, name, /", "The text adds a number to a name that is taken.",
                [](const Def& d, std::string_view name) {
                  d.set_debug_name(std::string(name));
                  return d;
                }),
    TINE_METHOD("node", "$self, /", "The node that computes it; the prim::Param for an input.", &Def::node),
    TINE_METHOD("offset", "$self, /", "Which of the outputs of its node it is.", &Def::offset),
    TINE_METHOD("unique", "$self, /", "A number of its own in the graph.", &Def::unique),
    TINE_METHOD("uses", "$self, /", "Where it is used, as a list.", &Def::uses),
    TINE_METHOD("toIValue", "$self, /", "The value of a constant; None for others.",
                [](const Def& d) { return d.constant().value_or(Value()); }),
    TINE_METHOD("replaceAllUsesWith", "$self, other, /", "Puts the other value in its place, everywhere.",
                &Def::replace_all_uses_with),
    TINE_METHOD("replaceAllUsesAfterNodeWith", "$self, node, other, /",
                "Puts the other value in its place in what runs after the node.",
                &Def::replace_all_uses_after_node_with),
    TINE_METHOD("copyMetadata", "$self, other, /", "Gives it the type and the name of the other.",
                [](const Def& d, const Def& other) {
                  d.set_type(other.type());
                  d.set_debug_name(other.debug_name());
                  return d;
                }),
    TINE_METHOD("requires_grad", "$self, /", "False: a graph records no gradients.",
                [](const Def&) { return false; }),
    TINE_METHOD("requiresGrad", "$self, /", "False: a graph records no gradients.",
                [](const Def&) { return false; }),
    TINE_METHOD("isCompleteTensor", "$self, /", "False: a graph does not fix shapes.",
                [](const Def&) { return false; }),
    {}};
PyType_Slot value_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<Def>)},
    {Py_tp_repr, reinterpret_cast<void*>(value_repr)},
    {Py_tp_richcompare, reinterpret_cast<void*>(shown_compare<Def>)},
    {Py_tp_hash, reinterpret_cast<void*>(shown_hash<Def>)},
    {Py_tp_methods, value_methods},
    {Py_tp_doc, const_cast<char*>("A value of a graph: what a node computes, or an input.")},
    {0, nullptr}};

// --- Node

PyObject* node_str(PyObject* self) {
  return guarded([&] { return text_of(shown_in<Node>(self).str()).leak(); });
}

std::string place_text(const Node& node) {
  const SourceSpan& place = node.place();
  if (!place.known()) return {};
  std::string text = fmt::format("  File \"{}\", line {}", place.source->name, place.line);
  const std::string excerpt = place.excerpt();
  return excerpt.empty() ? text : text + "\n" + excerpt;
}

Value attribute_of(const Node& node, std::string_view name, std::string_view kind) {
  const std::string is = node.kind_of(name);
  if (is != kind)
    throw TypeError(
        fmt::format("the attribute '{}' of {} is read by {}(), not by {}()", name, node.kind(), is, kind));
  return node.attribute(name);
}
// A list whose elements all have the tag.
Value list_attribute(const Node& node, std::string_view name, Tag tag) {
  Value value = node.attribute(name);
  const bool fits =
      value.is(Tag::kList) && std::all_of(value.as_list().items.begin(), value.as_list().items.end(),
                                          [&](const Value& item) { return item.is(tag); });
  if (!fits)
    throw TypeError(
        fmt::format("the attribute '{}' of {} is a {}", name, node.kind(), type_of(value)->str()));
  return value;
}
Node set_attribute(const Node& node, std::string_view name, Value value) {
  node.set_attribute(name, std::move(value));
  return node;
}

PyMethodDef node_methods[] = {
    TINE_METHOD("kind", "$self, /", "\"aten::add\", \"prim::If\", ...", &Node::kind),
    TINE_METHOD("inputs", "$self, /", "An iterator over its inputs.",
                [](const Node& n) { return iterator(n.inputs()); }),
    TINE_METHOD("outputs", "$self, /", "An iterator over its outputs.",
                [](const Node& n) { return iterator(n.outputs()); }),
    TINE_METHOD("blocks", "$self, /", "An iterator over its blocks.",
                [](const Node& n) { return iterator(n.blocks()); }),
    TINE_METHOD("inputsAt", "$self, index, /", "That input.", &Node::input),
    TINE_METHOD("outputsAt", "$self, index, /", "That output.", &Node::output),
    TINE_METHOD("inputsSize", "$self, /", "How many inputs it has.",
                [](const Node& n) { return n.inputs().size(); }),
    TINE_METHOD("outputsSize", "$self, /", "How many outputs it has.",
                [](const Node& n) { return n.outputs().size(); }),
    TINE_METHOD("input", "$self, /", "Its only input.",
                [](const Node& n) {
                  if (n.inputs().size() != 1)
                    throw ValueError(fmt::format("{} has {} inputs, not one", n.kind(), n.inputs().size()));
                  return n.input(0);
                }),
    TINE_METHOD("output", "$self, /", "Its only output.",
                [](const Node& n) {
                  if (n.outputs().size() != 1)
                    throw ValueError(fmt::format("{} has {} outputs, not one", n.kind(), n.outputs().size()));
                  return n.output(0);
                }),
    TINE_METHOD("namedInput", "$self, name, /", "The input of that name in the schema.", &Node::named_input),
    TINE_METHOD("hasMultipleOutputs", "$self, /", "Whether it has several outputs.",
                [](const Node& n) { return 1 < n.outputs().size(); }),
    TINE_METHOD("hasUses", "$self, /", "Whether somebody uses an output.", &Node::has_uses),
    TINE_METHOD("schema", "$self, /", "The operator's schema, as text; \"(no schema)\" for other nodes.",
                [](const Node& n) -> std::string {
                  const auto schema = n.schema();
                  return schema ? schema->str() : "(no schema)";
                }),
    TINE_METHOD("sourceRange", "$self, /", "Where it was written: file, line and marker.", &place_text),
    TINE_METHOD("scopeName", "$self, /", "The empty string: modules are values here, not scopes.",
                [](const Node& n) {
                  (void)n.kind();
                  return std::string();
                }),
    TINE_METHOD("isNondeterministic", "$self, /", "Whether it draws random numbers.",
                [](const Node& n) {
                  const auto schema = n.schema();
                  return schema && schema->index_of("generator") >= 0;
                }),
    TINE_METHOD("mustBeNone", "$self, /", "Whether it is the constant None.",
                [](const Node& n) {
                  return n.kind() == "prim::Constant" && n.outputs().size() == 1 &&
                         n.output(0).constant()->is_none();
                }),
    TINE_METHOD("matches", "$self, schema, /", "Whether it is a node of that operator.",
                [](const Node& n, std::string_view text) {
                  const auto own = n.schema();
                  const Schema other = Schema::parse(text);
                  return own && own->name == other.name && own->overload == other.overload;
                }),
    TINE_METHOD("owningBlock", "$self, /", "The block it is in; None before it is inserted.",
                &Node::owning_block),
    TINE_METHOD("owningGraph", "$self, /", "Its graph.", &Node::graph),
    TINE_METHOD("next", "$self, /", "The node after it.", &Node::next),
    TINE_METHOD("prev", "$self, /", "The node in front of it.", &Node::previous),
    TINE_METHOD("isBefore", "$self, other, /", "Whether it runs before the other.", &Node::is_before),
    TINE_METHOD("isAfter", "$self, other, /", "Whether it runs after the other.",
                [](const Node& n, const Node& other) { return other.is_before(n); }),
    {"findNode",
     as_method(method<[](const Node& n, std::string_view kind, std::optional<bool> recurse) {
       for (const Block& block : n.blocks()) {
         auto found = block.find_all_nodes(kind, recurse.value_or(true));
         if (!found.empty()) return std::optional<Node>(found.front());
       }
       return std::optional<Node>();
     },
                      kKindRecurse>),
     kMethod,
     "findNode($self, kind, recurse=True)\n--\n\nThe first node of that kind in its blocks, or None."},
    {"findAllNodes",
     as_method(
         method<[](const Node& n, std::string_view kind, std::optional<bool> recurse) {
           std::vector<Node> all;
           for (const Block& block : n.blocks()) {
             for (Node& found : block.find_all_nodes(kind, recurse.value_or(true)))
               all.push_back(std::move(found));
           }
           return all;
         },
                kKindRecurse>),
     kMethod, "findAllNodes($self, kind, recurse=True)\n--\n\nThe nodes of that kind in its blocks."},

    TINE_METHOD("attributeNames", "$self, /", "The names of its attributes.", &Node::attribute_names),
    TINE_METHOD("hasAttributes", "$self, /", "Whether it has any.",
                [](const Node& n) { return !n.attribute_names().empty(); }),
    TINE_METHOD("hasAttribute", "$self, name, /", "Whether it has one of that name.",
                [](const Node& n, std::string_view name) {
                  const auto names = n.attribute_names();
                  return std::find(names.begin(), names.end(), name) != names.end();
                }),
    TINE_METHOD("kindOf", "$self, name, /", "Which of i, f, s, t, ival, g and ty reads it.", &Node::kind_of),
    TINE_METHOD("i", "$self, name, /", "An attribute that is an int, or a bool as 0 or 1.",
                [](const Node& n, std::string_view name) { return attribute_of(n, name, "i").to_int(); }),
    TINE_METHOD("f", "$self, name, /", "An attribute that is a float.",
                [](const Node& n, std::string_view name) { return attribute_of(n, name, "f"); }),
    TINE_METHOD("s", "$self, name, /", "An attribute that is a str.",
                [](const Node& n, std::string_view name) { return attribute_of(n, name, "s"); }),
    TINE_METHOD("t", "$self, name, /", "An attribute that is a Tensor.",
                [](const Node& n, std::string_view name) { return attribute_of(n, name, "t"); }),
    TINE_METHOD("ival", "$self, name, /", "An attribute that is any constant.",
                [](const Node& n, std::string_view name) { return n.attribute(name); }),
    TINE_METHOD("is", "$self, name, /", "An attribute that is a list of ints.",
                [](const Node& n, std::string_view name) { return list_attribute(n, name, Tag::kInt); }),
    TINE_METHOD("fs", "$self, name, /", "An attribute that is a list of floats.",
                [](const Node& n, std::string_view name) { return list_attribute(n, name, Tag::kFloat); }),
    TINE_METHOD("ss", "$self, name, /", "An attribute that is a list of strs.",
                [](const Node& n, std::string_view name) { return list_attribute(n, name, Tag::kString); }),
    TINE_METHOD("ts", "$self, name, /", "An attribute that is a list of Tensors.",
                [](const Node& n, std::string_view name) { return list_attribute(n, name, Tag::kTensor); }),
    TINE_METHOD("g", "$self, name, /", "An attribute that is a graph: what a fork runs.",
                &Node::attribute_graph),
    TINE_METHOD("ty", "$self, name, /", "An attribute that is a type.", &Node::attribute_type),
    TINE_METHOD("i_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("f_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("s_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("t_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("is_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("fs_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("ss_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("ts_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("ival_", "$self, name, value, /", "Sets the attribute.", &set_attribute),
    TINE_METHOD("copyAttributes", "$self, other, /", "Gives it the attributes of the other.",
                [](const Node& n, const Node& other) {
                  n.copy_attributes(other);
                  return n;
                }),
    TINE_METHOD("copyMetadata", "$self, other, /", "Gives it the place of the other.",
                [](const Node& n, const Node& other) {
                  n.copy_place(other);
                  return n;
                }),

    TINE_METHOD("addInput", "$self, value, /", "Adds an input and returns it.",
                [](const Node& n, const Def& value) {
                  n.add_input(value);
                  return value;
                }),
    TINE_METHOD("replaceInput", "$self, index, value, /", "Puts another value in the place of that input.",
                &Node::replace_input),
    TINE_METHOD("replaceInputWith", "$self, old, new, /",
                "Puts a value in the place of another, wherever it is an input.", &Node::replace_input_with),
    TINE_METHOD("removeInput", "$self, index, /", "Takes that input away.", &Node::remove_input),
    TINE_METHOD("removeAllInputs", "$self, /", "Takes all inputs away.",
                [](const Node& n) {
                  for (size_t i = n.inputs().size(); 0 < i--;) n.remove_input(i);
                }),
    TINE_METHOD("addOutput", "$self, /", "Adds an output, a Tensor, and returns it.",
                [](const Node& n) { return n.add_output(); }),
    TINE_METHOD("eraseOutput", "$self, index, /", "Takes away an output that nobody uses.",
                &Node::erase_output),
    TINE_METHOD("addBlock", "$self, /", "Adds an empty block and returns it.", &Node::add_block),
    TINE_METHOD("insertBefore", "$self, other, /", "Puts a new node in front of the other.",
                [](const Node& n, const Node& other) {
                  n.insert_before(other);
                  return n;
                }),
    TINE_METHOD("insertAfter", "$self, other, /", "Puts a new node behind the other.",
                [](const Node& n, const Node& other) {
                  n.insert_after(other);
                  return n;
                }),
    TINE_METHOD("moveBefore", "$self, other, /", "Moves it in front of the other.", &Node::move_before),
    TINE_METHOD("moveAfter", "$self, other, /", "Moves it behind the other.", &Node::move_after),
    TINE_METHOD("replaceAllUsesWith", "$self, other, /",
                "Puts the outputs of the other in the place of its own.", &Node::replace_all_uses_with),
    TINE_METHOD("destroy", "$self, /", "Takes it out of the graph for good. Nobody may use its outputs.",
                &Node::destroy),
    {}};
PyType_Slot node_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<Node>)},
    {Py_tp_repr, reinterpret_cast<void*>(node_str)},
    {Py_tp_str, reinterpret_cast<void*>(node_str)},
    {Py_tp_richcompare, reinterpret_cast<void*>(shown_compare<Node>)},
    {Py_tp_hash, reinterpret_cast<void*>(shown_hash<Node>)},
    {Py_tp_methods, node_methods},
    {Py_tp_doc, const_cast<char*>("A node of a graph: an operator, a constant, a branch, ...")},
    {0, nullptr}};

// --- Block

PyMethodDef block_methods[] = {
    TINE_METHOD("nodes", "$self, /", "An iterator over its nodes.",
                [](const Block& b) { return iterator(b.nodes()); }),
    TINE_METHOD("inputs", "$self, /", "An iterator over its inputs.",
                [](const Block& b) { return iterator(b.inputs()); }),
    TINE_METHOD("outputs", "$self, /", "An iterator over its outputs.",
                [](const Block& b) { return iterator(b.outputs()); }),
    TINE_METHOD("paramNode", "$self, /", "The prim::Param, whose outputs are its inputs.",
                &Block::param_node),
    TINE_METHOD("returnNode", "$self, /", "The prim::Return, whose inputs are its outputs.",
                &Block::return_node),
    TINE_METHOD("owningNode", "$self, /", "The node that has it; None for a graph's own.",
                &Block::owning_node),
    {"findNode",
     as_method(method<[](const Block& b, std::string_view kind, std::optional<bool> recurse) {
       const auto found = b.find_all_nodes(kind, recurse.value_or(true));
       return found.empty() ? std::optional<Node>() : std::optional<Node>(found.front());
     },
                      kKindRecurse>),
     kMethod, "findNode($self, kind, recurse=True)\n--\n\nThe first node of that kind, or None."},
    {"findAllNodes",
     as_method(method<[](const Block& b, std::string_view kind, std::optional<bool> recurse) {
       return b.find_all_nodes(kind, recurse.value_or(true));
     },
                      kKindRecurse>),
     kMethod, "findAllNodes($self, kind, recurse=True)\n--\n\nThe nodes of that kind."},
    TINE_METHOD("addInputToBlock", "$self, /", "Adds an input, a Tensor, and returns it.",
                [](const Block& b) { return b.add_input(); }),
    TINE_METHOD("registerOutput", "$self, value, /", "Adds an output; returns its number.",
                &Block::register_output),
    TINE_METHOD("addNode", "$self, kind, inputs, /", "Adds a node at its end and returns it.",
                [](const Block& b, std::string_view kind, std::vector<Def> inputs) {
                  Node node = b.graph().create(kind, std::move(inputs));
                  node.insert_before(b.return_node());
                  return node;
                }),
    {}};
PyType_Slot block_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<Block>)},
    {Py_tp_richcompare, reinterpret_cast<void*>(shown_compare<Block>)},
    {Py_tp_hash, reinterpret_cast<void*>(shown_hash<Block>)},
    {Py_tp_methods, block_methods},
    {Py_tp_doc, const_cast<char*>("A block of nodes: the graph's own, a branch, a loop's body.")},
    {0, nullptr}};

// --- Graph

PyObject* graph_str(PyObject* self) {
  return guarded([&] { return text_of(shown_in<Graph>(self).str()).leak(); });
}

PyObject* graph_attribute(PyObject* self, PyObject* name) {
  return find_attribute(self, name, "torch.Graph");
}

using Operands = std::vector<std::variant<Def, Value>>;

PyMethodDef graph_methods[] = {
    TINE_METHOD("nodes", "$self, /", "An iterator over its nodes; those of blocks are in these.",
                [](const Graph& g) { return iterator(g.nodes()); }),
    TINE_METHOD("inputs", "$self, /", "An iterator over its inputs.",
                [](const Graph& g) { return iterator(g.inputs()); }),
    TINE_METHOD("outputs", "$self, /", "An iterator over its outputs.",
                [](const Graph& g) { return iterator(g.outputs()); }),
    TINE_METHOD("param_node", "$self, /", "The prim::Param, whose outputs are its inputs.",
                &Graph::param_node),
    TINE_METHOD("return_node", "$self, /", "The prim::Return, whose inputs are its outputs.",
                &Graph::return_node),
    TINE_METHOD("block", "$self, /", "Its outermost block.", &Graph::block),
    {"findNode",
     as_method(method<[](const Graph& g, std::string_view kind, std::optional<bool> recurse) {
       return g.find_node(kind, recurse.value_or(true));
     },
                      kKindRecurse>),
     kMethod, "findNode($self, kind, recurse=True)\n--\n\nThe first node of that kind, or None."},
    {"findAllNodes",
     as_method(method<[](const Graph& g, std::string_view kind, std::optional<bool> recurse) {
       return g.find_all_nodes(kind, recurse.value_or(true));
     },
                      kKindRecurse>),
     kMethod,
     "findAllNodes($self, kind, recurse=True)\n--\n\nThe nodes of that kind, those in blocks as well."},
    TINE_METHOD("copy", "$self, /", "The same graph again, which can be changed on its own.", &Graph::copy),
    TINE_METHOD("lint", "$self, /", "SyntaxError for a graph that could not run.", &Graph::lint),
    {"str", as_method(method<[](const Graph& g, std::optional<bool>) { return g.str(); }>), kMethod,
     "str($self, print_source_ranges=True, /)\n--\n\nIts text."},
    TINE_METHOD("to_dot", "$self, /", "Boxes and arrows in the language of Graphviz.", &Graph::dot),
    TINE_METHOD("to_svg", "$self, /", "A picture as SVG. It needs no other program.", &Graph::svg),
    TINE_METHOD("kinds", "$self, /",
                "The kinds of all nodes, [\"prim::Constant\", \"aten::add\", ...], in order. The nodes of "
                "inner blocks and\n"
                "forks come after the node that has them.",
                &Graph::node_kinds),
    TINE_METHOD(
        "content_hash", "$self, /",
        "The SHA-256 of what the graph does. It is equal for graphs that differ only in names and places.",
        &Graph::content_hash),
    {"addInput",
     as_method(method<[](const Graph& g, std::optional<std::string> name) {
       return g.add_input(name.value_or(std::string()));
     },
                      kName>),
     kMethod, "addInput($self, name='')\n--\n\nAdds an input, a Tensor, and returns it."},
    TINE_METHOD("eraseInput", "$self, index, /", "Takes away an input that nobody uses.",
                &Graph::erase_input),
    TINE_METHOD("permuteInputs", "$self, order, /", "Puts the inputs into another order.",
                [](const Graph& g, const std::vector<size_t>& order) { g.permute_inputs(order); }),
    TINE_METHOD("registerOutput", "$self, value, /", "Adds an output; returns its number.",
                &Graph::register_output),
    TINE_METHOD("eraseOutput", "$self, index, /", "Takes that output away.", &Graph::erase_output),
    {"create",
     as_method(method<[](const Graph& g, std::string_view kind, std::optional<PyObject*> second,
                         std::optional<size_t> outputs) {
       // create(kind, inputs, outputs=1) and create(kind, outputs)
       std::vector<Def> inputs;
       size_t count = outputs.value_or(1);
       if (second && PyLong_Check(*second)) {
         count = Argument_<size_t>::from(*second);
       } else if (second) {
         inputs = Argument_<std::vector<Def>>::from(*second);
       }
       return g.create(kind, std::move(inputs), count);
     }>),
     kMethod,
     "create($self, kind, inputs=(), outputs=1, /)\n--\n\nA new node, which is in no block yet. For an "
     "operator the overload "
     "is chosen by its inputs."},
    TINE_METHOD("createClone", "$self, node, value_map, /",
                "A node like that one; `value_map(v)` gives its inputs.",
                [](const Graph& g, const Node& node, PyObject* map) {
                  std::vector<std::pair<Def, Def>> mapped;
                  for (const Def& def : node.inputs()) {
                    const PyRef shown = PyRef::adopt(result_of(def));
                    const PyRef other = PyRef::adopt(PyObject_CallOneArg(map, shown.get()));
                    if (!other) throw_error();
                    mapped.emplace_back(def, Argument_<Def>::from(other.get()));
                  }
                  return g.create_clone(node, mapped);
                }),
    TINE_METHOD("appendNode", "$self, node, /", "Puts a new node at the end.",
                [](const Graph& g, const Node& node) {
                  node.insert_before(g.return_node());
                  return node;
                }),
    TINE_METHOD("prependNode", "$self, node, /", "Puts a new node at the beginning.",
                [](const Graph& g, const Node& node) {
                  node.insert_after(g.param_node());
                  return node;
                }),
    TINE_METHOD("insertNode", "$self, node, /", "Puts a new node at the insert point.", &Graph::insert_node),
    TINE_METHOD("insertConstant", "$self, value, /", "A constant at the insert point; returns its output.",
                &Graph::insert_constant),
    {"insert",
     as_method(method<[](const Graph& g, std::string_view op, const Operands& args,
                         std::optional<PyObject*> named) {
       std::vector<std::pair<std::string, std::variant<Def, Value>>> keywords;
       PyObject *key = nullptr, *value = nullptr;
       Py_ssize_t at = 0;
       while (named && *named != Py_None && PyDict_Next(*named, &at, &key, &value))
         keywords.emplace_back(std::string(utf8(key)), Argument_<std::variant<Def, Value>>::from(value));
       return g.insert(op, args, keywords);
     }>),
     kMethod,
     "insert($self, operator, args, kwargs=None, /)\n--\n\nThe call of an operator at the insert point. What "
     "is not a Value "
     "becomes a constant. Returns its output."},
    TINE_METHOD("insertGraph", "$self, other, inputs, /",
                "The nodes of the other graph; returns what stands for its outputs.",
                [](const Graph& g, const Graph& other, const std::vector<Def>& inputs) {
                  return g.insert_graph(other, inputs);
                }),
    TINE_METHOD("insertPoint", "$self, /", "The node in front of which new nodes are put.",
                &Graph::insert_point),
    TINE_METHOD("setInsertPoint", "$self, place, /",
                "New nodes go in front of that node, or to the end of that block.",
                [](const Graph& g, PyObject* place) {
                  if (PyObject_TypeCheck(place, shown_type<Block>))
                    return g.set_insert_point(shown_in<Block>(place));
                  return g.set_insert_point(Argument_<Node>::from(place));
                }),
    TINE_METHOD("makeMultiOutputIntoTuple", "$self, /", "Makes one tuple of several outputs.",
                &Graph::make_multi_output_into_tuple),
    {}};
PyType_Slot graph_slots[] = {
    {Py_tp_getattro, reinterpret_cast<void*>(graph_attribute)},
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<Graph>)},
    {Py_tp_str, reinterpret_cast<void*>(graph_str)},
    {Py_tp_repr, reinterpret_cast<void*>(graph_str)},
    {Py_tp_methods, graph_methods},
    {Py_tp_doc, const_cast<char*>("A function in tine's intermediate representation; str() is its text.")},
    {0, nullptr}};
#undef TINE_METHOD

constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE;
PyType_Spec use_spec = {"tine._C.Use", sizeof(Shown<Use>), 0, kFlags, use_slots};
PyType_Spec value_spec = {"tine._C.Value", sizeof(Shown<Def>), 0, kFlags, value_slots};
PyType_Spec node_spec = {"tine._C.Node", sizeof(Shown<Node>), 0, kFlags, node_slots};
PyType_Spec block_spec = {"tine._C.Block", sizeof(Shown<Block>), 0, kFlags, block_slots};
PyType_Spec graph_spec = {"tine.jit.Graph", sizeof(Shown<Graph>), 0, kFlags, graph_slots};

// --- The module's functions

PyObject* parse_ir(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    static constexpr const char* kParameters[] = {"input", "parse_tensor_constants", nullptr};
    std::array<PyObject*, 2> places{};
    if (!in_places(args, count, names, kParameters, 2, 1, places.data())) return nullptr;
    return result_of(Graph::parse(utf8(places[0])));
  });
}

PyObject* create_function(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *name = nullptr, *graph = nullptr;
    if (!PyArg_ParseTuple(args, "UO", &name, &graph)) return nullptr;
    return result_of(Argument_<Graph>::from(graph).create_function(std::string(utf8(name))));
  });
}

PyObject* new_graph(PyObject*, PyObject*) {
  return guarded([] { return result_of(Graph()); });
}

PyObject* run_pass(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *name = nullptr, *graph = nullptr;
    if (!PyArg_ParseTuple(args, "UO", &name, &graph)) return nullptr;
    return result_of(Argument_<Graph>::from(graph).run_pass(utf8(name)));
  });
}

template <const char* const* kPass>
PyObject* pass(PyObject*, PyObject* graph) {
  return guarded([&]() -> PyObject* { return result_of(Argument_<Graph>::from(graph).run_pass(*kPass)); });
}
constexpr const char* kInline[] = {"inline"};
constexpr const char* kFold[] = {"constant_propagation"};
constexpr const char* kDead[] = {"dce"};
constexpr const char* kCommon[] = {"cse"};
constexpr const char* kPeephole[] = {"peephole"};
constexpr const char* kForks[] = {"inline_fork_wait"};
constexpr const char* kUnroll[] = {"loop_unrolling"};
PyObject* lint(PyObject*, PyObject* graph) {
  return guarded([&]() -> PyObject* {
    Argument_<Graph>::from(graph).lint();
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {
    {"parse_ir", as_method(parse_ir), METH_FASTCALL | METH_KEYWORDS,
     "parse_ir(input, parse_tensor_constants=False)\n--\n\nThe graph of a text, tine's or PyTorch's."},
    {"_create_function_from_graph", create_function, METH_VARARGS,
     "_create_function_from_graph(name, graph, /)\n--\n\nA script function that does what the graph says."},
    {"_new_graph", new_graph, METH_NOARGS, nullptr},
    {"_run_pass", run_pass, METH_VARARGS, nullptr},
    {"_jit_pass_inline", pass<kInline>, METH_O,
     "_jit_pass_inline(graph, /)\n--\n\nCalls become what they run."},
    {"_jit_pass_constant_propagation", pass<kFold>, METH_O, nullptr},
    {"_jit_pass_dce", pass<kDead>, METH_O, nullptr},
    {"_jit_pass_cse", pass<kCommon>, METH_O, nullptr},
    {"_jit_pass_peephole", pass<kPeephole>, METH_O, nullptr},
    {"_jit_pass_inline_fork_wait", pass<kForks>, METH_O, nullptr},
    {"_jit_pass_constant_loop_unrolling", pass<kUnroll>, METH_O, nullptr},
    {"_jit_pass_loop_unrolling", pass<kUnroll>, METH_O, nullptr},
    {"_jit_pass_lint", lint, METH_O, nullptr},
    {}};

}  // namespace

PyObject* wrap_graph(script::Graph graph) { return result_of(std::move(graph)); }

bool init_graph(PyObject* module) {
  return init_graph_types(module) && add_type(module, &use_spec, &shown_type<Use>) &&
         add_type(module, &value_spec, &shown_type<Def>) && add_type(module, &node_spec, &shown_type<Node>) &&
         add_type(module, &block_spec, &shown_type<Block>) &&
         add_type(module, &graph_spec, &shown_type<Graph>) && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
