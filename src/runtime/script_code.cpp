// Script functions and scripted classes as text for other workers, with all that they call, also on other workers
// (docs/spec/ir.md, "Code for other workers"). The hash covers classes, signatures, defaults and the content of graphs, not places
// or names of variables.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/ir/walk.h"
#include "src/runtime/script.h"
#include "src/runtime/script_shelf.h"
#include "src/value/unify.h"

namespace tine {

using script::Function;

namespace {

constexpr std::string_view kHead = "tine-script 1\n";
constexpr std::string_view kClass = "class ";
constexpr std::string_view kObject = "object ";
constexpr std::string_view kSlot = "slot ";
constexpr std::string_view kMethod = "method ";
constexpr std::string_view kFunction = "function ";
constexpr std::string_view kDefault = "default ";

// The bound for code from other workers: about 100,000 nodes, far more than a function can be emitted with. Reading so much
// takes about a second.
constexpr size_t kMostBytes = size_t{16} << 20;
constexpr size_t kMostTerms = 400'000;
// Of one class: a slot is looked for by its name.
constexpr size_t kMostSlots = 16'384;
constexpr size_t kLongestType = size_t{1} << 16;  // it may define named tuples and enums
constexpr size_t kMostClasses = 65'536;
// Of a module with those in it, each as often as it stands there: two of one name are compared with all that is in them.
constexpr uint32_t kDeepestClass = 256;
constexpr uint32_t kLargestClass = uint32_t{1} << 20;

bool calls_foreign(const ir::Node& node) {
  return node.kind == ir::Kind::kOp && node.op->schema.name == "prim::PythonOp";
}

using ObjectTypePtr = std::shared_ptr<const ObjectType>;
using Renaming = std::function<TypePtr(const TypePtr&)>;  // of an object type

TypeMap renamer(const Renaming& rename) {
  return TypeMap(
      [&rename](const TypePtr& type) { return type->kind == TypeKind::kObject ? rename(type) : type; });
}

void rename_types(Schema& schema, const Renaming& rename) {
  TypeMap renamed = renamer(rename);
  for (Argument& a : schema.args) a.type = renamed(a.type);
  for (TypePtr& type : schema.returns) type = renamed(type);
}

void rename_types(ir::Graph& graph, const Renaming& rename) {
  TypeMap renamed = renamer(rename);
  const auto all = [&](const std::vector<ir::Def*>& defs) {
    for (ir::Def* def : defs) def->type = renamed(def->type);
  };
  all(graph.inputs());
  for (TypePtr& type : graph.returns) type = renamed(type);
  const auto all_of = [&](ir::Node& node) {
    all(node.outputs);
    for (const ir::Block* inner : node.blocks) all(inner->params);
    if (node.type) node.type = renamed(node.type);
    if (!node.subgraph) return;
    all(node.subgraph->inputs());
    for (TypePtr& type : node.subgraph->returns) type = renamed(type);
  };
  ir::each_node(graph.root(), all_of, ir::Forks::kEnter);
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

struct Class {
  std::string name, facts;
  bool object = false;                                       // a class of scripts, not that of a module
  std::vector<ObjectType::Slot> slots = {};                  // whose types call classes "C0", and so on
  std::vector<std::pair<std::string, size_t>> methods = {};  // and the functions that they are

  [[nodiscard]] std::string text() const {
    std::string text =
        object ? fmt::format("{}{}\n", kObject, name) : fmt::format("{}{} {}\n", kClass, name, facts);
    for (const auto& slot : slots)
      text += fmt::format("{}{} {}\n", kSlot, slot.name, slot.type->definition());
    for (const auto& [method, function] : methods)
      text += fmt::format("{}{} {}\n", kMethod, method, function);
    return text;
  }
};

struct Code {
  std::vector<Class> classes;
  std::vector<Entry> entries;
};

std::string name_of_class(size_t index) { return fmt::format("C{}", index); }
bool is_number(std::string_view text, size_t* number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
}
// Its place among the classes: it must be one of the first `known`.
size_t index_of_class(const TypePtr& type, size_t known) {
  size_t index = known;
  if (!type->name.starts_with('C') || !is_number(std::string_view(type->name).substr(1), &index) ||
      index >= known)
    throw SyntaxError(fmt::format("the code of a script: there is no class {} before its use", type->name));
  return index;
}

std::string hash_of(const Code& code) {
  std::string all(kHead);
  for (const Class& c : code.classes) all += c.text();
  for (const Entry& e : code.entries) {
    all += e.signature + "\n" + ir::content_hash(*e.graph) + "\n";
    for (const auto& [index, graph] : e.defaults)
      all += fmt::format("{}{} {}\n", kDefault, index, ir::content_hash(*graph));
  }
  return ir::hash_of(all);
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// The rest of the line after `word`, which is taken off; nothing when the text begins otherwise.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return {};
  const size_t end = text.find('\n');
  if (end == std::string_view::npos)
    throw SyntaxError(fmt::format("the code of a script: it ends within a line `{}...`", word));
  const std::string_view rest = text.substr(word.size(), end - word.size());
  text.remove_prefix(end + 1);
  return rest;
}

std::pair<std::string_view, std::string_view> split(std::string_view line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return {line, {}};
  return {line.substr(0, space), line.substr(space + 1)};
}

// The classes at the beginning.
std::vector<Class> read_classes(std::string_view& text) {
  std::vector<Class> classes;
  for (;;) {
    const auto object = take_line(text, kObject);
    const auto line = object ? object : take_line(text, kClass);
    if (!line) return classes;
    const auto [name, facts] = split(*line);
    if (classes.size() == kMostClasses)
      throw ValueError(fmt::format("the code of a script has more than {} classes", kMostClasses));
    if (!is_word(name) || (object && !facts.empty()))
      throw SyntaxError(fmt::format("the code of a script: a class called `{}`", *line));
    Class c{std::string(name), std::string(facts), object.has_value()};
    while (const auto slot = take_line(text, kSlot)) {
      const auto [called, type] = split(*slot);
      if (called.empty() || type.empty() || type.size() > kLongestType || c.slots.size() == kMostSlots)
        throw SyntaxError(fmt::format("the code of a script: `slot {}` of class {}", *slot, name));
      c.slots.push_back({std::string(called), type == "NoneType" ? Type::none() : parse_type(type)});
    }
    while (const auto method = take_line(text, kMethod)) {
      const auto [called, function] = split(*method);
      size_t index = 0;
      if (!is_word(called) || !is_number(function, &index))
        throw SyntaxError(fmt::format("the code of a script: `method {}` of class {}", *method, name));
      c.methods.emplace_back(called, index);
    }
    classes.push_back(std::move(c));
  }
}

// The classes as types of these names. A slot holds objects of any class of scripts, or of an earlier module.
std::vector<ObjectTypePtr> types_of(const std::vector<Class>& classes,
                                    const std::vector<std::string>& names) {
  std::vector<ObjectTypePtr> types(classes.size());
  for (size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].object) types[i] = ObjectType::open_class(names[i]);
  }
  const Renaming rename = [&](const TypePtr& type) -> TypePtr {
    const size_t index = index_of_class(type, classes.size());
    if (!types[index])
      throw SyntaxError(fmt::format("the code of a script: there is no class {} before its use", type->name));
    return types[index];
  };
  TypeMap renamed = renamer(rename);
  for (size_t i = 0; i < classes.size(); ++i) {
    std::vector<ObjectType::Slot> slots;
    for (const auto& slot : classes[i].slots) slots.push_back({slot.name, renamed(slot.type)});
    if (classes[i].object) {
      for (const auto& slot : slots) types[i]->add_slot(slot.name, slot.type);
    } else {
      types[i] = std::make_shared<const ObjectType>(names[i], std::move(slots));
      if (types[i]->depth > kDeepestClass || types[i]->size > kLargestClass) {
        throw SyntaxError(
            fmt::format("the code of a script: the class {} is too large: at most {} classes may be in each "
                        "other, with {} attributes in all",
                        names[i], kDeepestClass, kLargestClass));
      }
    }
  }
  for (size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].object) types[i]->close();
  }
  return types;
}

Code read(std::string_view text, const OpTable& ops) {
  if (text.size() > kMostBytes) {
    throw ValueError(
        fmt::format("the code of a script has {} bytes, at most {} are read: split it into smaller functions",
                    text.size(), kMostBytes));
  }
  if (!text.starts_with(kHead))
    throw SyntaxError("the code of a script: expected a text that begins with `tine-script 1`");
  text.remove_prefix(kHead.size());
  Code code;
  code.classes = read_classes(text);
  std::vector<Entry>& entries = code.entries;
  std::vector<std::string> names;
  for (size_t i = 0; i < code.classes.size(); ++i) names.push_back(name_of_class(i));
  const std::vector<ObjectTypePtr> made = types_of(code.classes, names);
  std::unordered_map<std::string_view, ObjectTypePtr> types;
  for (const ObjectTypePtr& type : made) types.emplace(type->name, type);
  ir::ParseOptions options;
  options.most_terms = kMostTerms;
  options.object_type = [&](std::string_view name) -> ObjectTypePtr {
    const auto at = types.find(name);
    return at == types.end() ? nullptr : at->second;
  };
  while (!text.empty()) {
    const auto signature = take_line(text, kFunction);
    if (!signature) throw SyntaxError("the code of a script: expected a line `function ...`");
    Entry e;
    e.signature = *signature;
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
  if (entries.empty() && code.classes.empty())
    throw SyntaxError("the code of a script: there is no function in it");
  return code;
}

// The classes and functions that go into one text, and what they call.
class Exporting {
 public:
  Exporting(ScriptShelf& shelf, const std::string& what) : shelf_(shelf), what_(what) {}

  // Its slots hold objects of earlier classes.
  void add(const script::Class& c) {
    if (!is_word(c.name) || c.facts.find('\n') != std::string::npos)
      throw ValueError(fmt::format("{}: a class called `{}`", what_, c.name));
    if (c.type->slots.size() > kMostSlots) {
      throw ValueError(fmt::format("{}: {} has {} attributes, at most {} are sent", what_, c.name,
                                   c.type->slots.size(), kMostSlots));
    }
    Class made{c.name, c.facts};
    made.slots = slots_of(*c.type);
    classes_.emplace(c.type->name, code_.classes.size());
    code_.classes.push_back(std::move(made));
  }
  void add_methods(const script::Class& c) {
    for (const auto& [name, function] : c.methods) add_method(classes_.at(c.type->name), name, function);
  }
  size_t add(const Function& f) {
    const auto [at, fresh] = functions_.emplace(f.qualified_name(), order_.size());
    if (fresh) order_.push_back(f);
    return at->second;
  }

  rpc::ScriptCode finish() {
    std::string functions;
    for (size_t i = 0; i < order_.size(); ++i) {  // it grows meanwhile
      Entry e = entry_of(*order_[i].data());
      functions += fmt::format("{}{}\n", kFunction, e.signature);
      for (const auto& [index, graph] : e.defaults)
        functions += fmt::format("{}{} {}", kDefault, index, ir::print(*graph, {.exact = true}));
      functions += ir::print(*e.graph, {.exact = true});
      if (!functions.ends_with('\n')) functions += '\n';
      code_.entries.push_back(std::move(e));
    }
    std::string text(kHead);
    for (const Class& c : code_.classes) text += c.text();
    return {hash_of(code_), text + functions};
  }

 private:
  Entry entry_of(const Function::Data& one) {
    Schema signature = one.schema;
    signature.name = one.name.substr(one.name.rfind('.') + 1);
    rename_types(signature, rename_);
    auto defaults = take_defaults(&signature);
    Entry e{signature.definition(), ir::clone(*one.graph), std::move(defaults)};
    const auto look = [&](ir::Node& node) {
      if (calls_foreign(node)) {
        throw ValueError(fmt::format(
            "{} cannot be sent: {} calls a function that is marked @ignore, which is this process's Python",
            what_, one.name));
      }
      if (node.kind == ir::Kind::kCallMethod) {
        add_method(class_of(node.inputs.front()->type), node.name, called(one, node.callee()));
      } else if (node.kind == ir::Kind::kEnter) {
        const std::string& type = node.inputs.front()->type->name;
        add_method(class_of(node.inputs.front()->type), "__exit__", called(one, type + ".__exit__"));
      } else if (node.names_function()) {
        node.rename_function(fmt::format("f{}", add(called(one, node.name))));
      }
    };
    ir::each_node(e.graph->root(), look, ir::Forks::kEnter);
    rename_types(*e.graph, rename_);
    return e;
  }
  Function called(const Function::Data& by, const std::string& name) {
    Function callee = shelf_.peek(name);
    if (!callee)
      throw NameError(fmt::format("script function {} calls {}, which is not there", by.name, name));
    return callee;
  }
  void add_method(size_t of, const std::string& name, const Function& f) {
    if (!is_word(name)) throw ValueError(fmt::format("{}: a method called `{}`", what_, name));
    auto& methods = code_.classes[of].methods;
    const size_t function = add(f);
    if (std::none_of(methods.begin(), methods.end(), [&](const auto& m) { return m.first == name; }))
      methods.emplace_back(name, function);
  }
  std::vector<ObjectType::Slot> slots_of(const ObjectType& type) {
    std::vector<ObjectType::Slot> slots;
    for (const auto& slot : type.slots) {
      if (slot.name.find_first_of(" \n") != std::string::npos)
        throw ValueError(fmt::format("{}: an attribute is called `{}`", what_, slot.name));
      slots.push_back({slot.name, renamer(rename_)(slot.type)});
    }
    return slots;
  }
  // A class of scripts is added where it is met; those of modules are there.
  size_t class_of(const TypePtr& type) {
    const auto at = classes_.find(type->name);
    if (at != classes_.end()) return at->second;
    const auto object = std::dynamic_pointer_cast<const ObjectType>(held_type(type));
    if (object && object->is_interface()) {
      throw ValueError(fmt::format(
          "{} cannot be sent: it uses the interface {}, whose methods depend on the objects at hand", what_,
          type->name));
    }
    if (!object || !object->is_class()) {
      throw ValueError(fmt::format(
          "{} cannot be sent: it uses a module ({}), and is not a method of that module", what_, type->name));
    }
    const size_t index = code_.classes.size();
    classes_.emplace(type->name, index);
    Class made{type->name.substr(type->name.rfind('.') + 1), {}, true};
    if (!is_word(made.name)) throw ValueError(fmt::format("{}: a class called `{}`", what_, made.name));
    code_.classes.push_back(std::move(made));
    auto slots = slots_of(*object);  // which may add classes
    code_.classes[index].slots = std::move(slots);
    return index;
  }

  ScriptShelf& shelf_;
  const std::string what_;
  Code code_;
  std::unordered_map<std::string, size_t> classes_;    // by the name of their type here
  std::unordered_map<std::string, size_t> functions_;  // by qualified name
  std::vector<Function> order_;
  const Renaming rename_ = [this](const TypePtr& type) -> TypePtr {
    return std::make_shared<const ObjectType>(name_of_class(class_of(type)), std::vector<ObjectType::Slot>());
  };
};

// What the text defines, under these names; `rename` gives the classes of this store for C0, C1, ...
std::vector<compile::CompiledFunction> defined(Code& code, const std::vector<std::string>& names,
                                               const Renaming& rename) {
  std::vector<Entry>& entries = code.entries;
  std::vector<compile::CompiledFunction> compiled(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto named = [&](ir::Node& node) {
      if (calls_foreign(node))
        throw ValueError("the code of a script calls a function of this process's Python; it is refused");
      if (!node.names_function()) return;
      size_t callee = entries.size();
      if (!node.name.starts_with('f') || !is_number(std::string_view(node.name).substr(1), &callee) ||
          callee >= entries.size()) {
        throw ValueError(fmt::format("the code of a script calls `{}`, which is not in it", node.name));
      }
      node.rename_function(names[callee]);
    };
    ir::each_node(entries[i].graph->root(), named, ir::Forks::kEnter);
    Schema schema = Schema::parse(entries[i].signature);
    rename_types(schema, rename);
    rename_types(*entries[i].graph, rename);
    for (const auto& [index, graph] : entries[i].defaults) {
      if (index >= schema.args.size())
        throw ValueError("the code of a script: a default without its parameter");
      Argument& parameter = schema.args[index];
      parameter.default_value = constant_of(*graph, parameter);
    }
    const ir::Graph& graph = *entries[i].graph;
    bool fits = schema.args.size() == graph.inputs().size() && graph.returns.size() == 1 &&
                equal(schema.result_type(), graph.returns[0]);
    for (size_t a = 0; fits && a < schema.args.size(); ++a)
      fits = equal(schema.args[a].type, graph.inputs()[a]->type);
    if (!fits)
      throw ValueError(
          fmt::format("the code of a script: the graph of `{}` has another signature", schema.str()));
    schema.name = names[i];
    schema.overload.clear();
    entries[i].graph->name = names[i];
    compiled[i].schema = std::move(schema);
    compiled[i].graph = std::move(entries[i].graph);
  }
  return compiled;
}

std::string_view name_in(std::string_view signature) { return signature.substr(0, signature.find('(')); }

Code read_verified(std::string_view hash, std::string_view text, const OpTable& ops) {
  Code code = read(text, ops);
  if (const std::string own = hash_of(code); own != hash) {
    throw ValueError(
        fmt::format("the code of a script was sent as {}, but its content is {}; it is refused", hash, own));
  }
  return code;
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
  Exporting exporting(shelf, "script function " + f.qualified_name());
  (void)exporting.add(f);
  return kept(std::make_shared<const rpc::ScriptCode>(exporting.finish()));
}

std::shared_ptr<const rpc::ScriptCode> ScriptStore::export_code(std::string_view name) const {
  const Function f = peek(name);
  return f ? export_code(f) : nullptr;
}

std::shared_ptr<const rpc::ScriptCode> ScriptStore::export_classes(
    std::span<const script::Class> classes) const {
  if (classes.empty()) throw ValueError("there is no class to send");
  Exporting exporting(*shelf_, "module " + classes.back().name);
  for (const script::Class& c : classes) exporting.add(c);
  for (const script::Class& c : classes) exporting.add_methods(c);
  return std::make_shared<const rpc::ScriptCode>(exporting.finish());
}

namespace {

// The names and types that a code gets here.
struct Placed {
  std::vector<ObjectTypePtr> types;  // of the classes
  std::vector<std::string> names;    // of the functions
};

Placed place(const Code& code, std::string_view hash) {
  Placed placed;
  // All of the hash: two types of one name are the same type.
  std::vector<std::string> type_names;
  for (const Class& c : code.classes)
    type_names.push_back(fmt::format("__remote__.{}.{}.{}", hash, name_of_class(type_names.size()), c.name));
  placed.types = types_of(code.classes, type_names);
  std::vector<std::string>& names = placed.names;
  names.resize(code.entries.size());
  for (size_t i = 0; i < code.classes.size(); ++i) {
    const Class& c = code.classes[i];
    std::unordered_set<std::string_view> methods;
    for (const auto& [method, at] : c.methods) {
      if (at >= names.size() || !methods.insert(method).second)
        throw ValueError(fmt::format(
            "the code of a script: the method {} of {} is not in it, or is there twice", method, c.name));
      if (names[at].empty()) names[at] = type_names[i] + "." + method;
    }
  }
  return placed;
}

Renaming to_types(const std::vector<ObjectTypePtr>& types) {
  return [&types](const TypePtr& type) -> TypePtr { return types[index_of_class(type, types.size())]; };
}

}  // namespace

Function ScriptStore::import_code(std::string_view hash, std::string_view text) {
  Code code = read_verified(hash, text, shelf_->ops);
  if (code.entries.empty() ||
      !std::all_of(code.classes.begin(), code.classes.end(), [](const Class& c) { return c.object; }))
    throw ValueError("the code of a script: expected functions, got the classes of modules");
  auto [types, names] = place(code, hash);
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      names[i] = fmt::format("__remote__.{}.{}.{}", code.classes.empty() ? hash.substr(0, 16) : hash, i,
                             name_in(code.entries[i].signature));
    }
  }
  if (Function done = function(names[0])) return done;
  return keep(defined(code, names, to_types(types)), nullptr);
}

std::vector<script::Class> ScriptStore::import_classes(std::string_view hash, std::string_view text) {
  Code code = read_verified(hash, text, shelf_->ops);
  auto [types, names] = place(code, hash);
  const Renaming rename = to_types(types);
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      names[i] = fmt::format("__remote__.{}.{}.{}", hash, i, name_in(code.entries[i].signature));
  }
  Function first;
  if (!names.empty()) first = function(names[0]);
  if (!first && !names.empty()) first = keep(defined(code, names, rename), nullptr);
  std::vector<script::Class> classes;
  for (size_t i = 0; i < types.size(); ++i) {
    const Class& c = code.classes[i];
    if (c.object) continue;
    script::Class& made = classes.emplace_back(script::Class{types[i], c.name, c.facts, {}});
    for (const auto& [method, at] : c.methods) {
      Function f = function(names[at]);
      if (f.schema().args.empty() || !equal(f.schema().args[0].type, types[i]))
        throw ValueError(fmt::format("the code of a script: {} is not a method of {}", method, c.name));
      made.methods.emplace_back(method, std::move(f));
    }
  }
  return classes;
}

}  // namespace tine
