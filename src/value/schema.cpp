#include "tine/schema.h"

#include <fmt/format.h>

#include <tuple>

#include "src/value/schema_parser.h"

namespace tine {
namespace {

using value::Parser;
using value::TypeNotes;

uint32_t bit(Tag tag) { return 1u << static_cast<unsigned>(tag); }

// The tags that fit `type` for certain, and those that may.
std::pair<uint32_t, uint32_t> tags_of(const Type& type) {
  const auto both = [](uint32_t tags) { return std::pair(tags, tags); };
  switch (type.kind) {
    case TypeKind::kAny:
    case TypeKind::kVariable: return both(~0u);
    case TypeKind::kNone: return both(bit(Tag::kNone));
    case TypeKind::kBool: return both(bit(Tag::kBool));
    case TypeKind::kInt: return both(bit(Tag::kInt));
    case TypeKind::kFloat: return both(bit(Tag::kFloat));
    case TypeKind::kNumber: return both(bit(Tag::kInt) | bit(Tag::kFloat));
    case TypeKind::kStr: return both(bit(Tag::kString));
    case TypeKind::kTensor: return both(bit(Tag::kTensor));
    case TypeKind::kFuture: return both(bit(Tag::kFuture));
    case TypeKind::kRRef: return both(bit(Tag::kRRef));
    case TypeKind::kList: {
      const bool of_anything = type.of[0]->kind == TypeKind::kAny || type.of[0]->kind == TypeKind::kVariable;
      return {of_anything ? bit(Tag::kList) : 0, bit(Tag::kList)};
    }
    case TypeKind::kDict: return {0, bit(Tag::kDict)};
    case TypeKind::kTuple: return {0, bit(Tag::kTuple)};
    case TypeKind::kObject: return {0, bit(Tag::kObject)};
    case TypeKind::kEnum: return {type.name.empty() ? bit(Tag::kEnum) : 0, bit(Tag::kEnum)};
    case TypeKind::kUnion: {
      std::pair<uint32_t, uint32_t> all{0, 0};
      for (const TypePtr& member : type.of) {
        const auto [certain, possible] = tags_of(*member);
        all.first |= certain;
        all.second |= possible;
      }
      return all;
    }
    case TypeKind::kFunction: return both(0);
    case TypeKind::kOptional: {
      const auto [certain, possible] = tags_of(*type.of[0]);
      return {certain | bit(Tag::kNone), possible | bit(Tag::kNone)};
    }
  }
  return {0, ~0u};
}

// A default in the form that the kernel gets: 1 for a float is 1.0, 0 for int[2] is [0, 0].
bool adapt_default(const Argument& arg, Value* v) {
  if (fits(*v, arg.type)) return true;
  const Type& type = arg.type->kind == TypeKind::kOptional ? *arg.type->of[0] : *arg.type;
  if (type.kind == TypeKind::kFloat && v->is_int()) {
    *v = Value(static_cast<double>(v->as_int()));
    return true;
  }
  if (type.kind == TypeKind::kNumber && v->is_bool()) return true;
  if (type.kind == TypeKind::kList && arg.list_size > 0 && fits(*v, type.of[0])) {
    *v = Value(detail::make_ref<List>(std::vector<Value>(static_cast<size_t>(arg.list_size), *v)));
    return true;
  }
  return false;
}

Argument parse_argument(Parser& p) {
  Argument arg;
  TypeNotes notes;
  arg.type = p.type(&notes);
  constexpr int kMostRepeated = 64;
  if (notes.list_size > kMostRepeated) p.fail(fmt::format("a list's size is at most {}", kMostRepeated));
  arg.alias = std::move(notes.alias);
  arg.written = notes.written;
  arg.list_size = notes.list_size;
  std::tie(arg.certain, arg.possible) = tags_of(*arg.type);
  arg.name = p.name(false);
  if (arg.name.empty()) p.fail("expected the argument's name");
  if (p.accept("=")) {
    Value v = p.literal();
    if (!adapt_default(arg, &v)) {
      p.fail(fmt::format("the default {} of '{}' is not of type {}", v.repr(), arg.name,
                         arg.type->schema_str()));
    }
    arg.default_value = std::move(v);
  }
  return arg;
}

void parse_arguments(Parser& p, Schema* schema) {
  p.expect("(");
  if (p.accept(")")) return;
  bool keyword_only = false, defaults = false;
  do {
    if (!keyword_only && p.accept("*")) {
      keyword_only = true;
      continue;
    }
    Argument arg = parse_argument(p);
    arg.keyword_only = keyword_only;
    if (schema->index_of(arg.name) >= 0) p.fail(fmt::format("two arguments are named '{}'", arg.name));
    if (!keyword_only && defaults && !arg.default_value) {
      p.fail(fmt::format("'{}' needs a default, as an argument before it has one", arg.name));
    }
    defaults |= arg.default_value.has_value();
    schema->args.push_back(std::move(arg));
  } while (p.accept(","));
  p.expect(")");
  if (keyword_only && !(schema->args.size() && schema->args.back().keyword_only)) {
    p.fail("expected an argument after '*'");
  }
}

void parse_return(Parser& p, Schema* schema) {
  TypeNotes notes;
  schema->returns.push_back(p.type(&notes));
  schema->return_notes.push_back({std::string(p.name(false)), std::move(notes.alias), notes.written});
}

std::string with_alias(const Type& type, int list_size, const std::string& alias, bool written,
                       TypeNames* defined) {
  std::string text = defined ? type.schema_definition(defined, list_size) : type.schema_str(list_size);
  if (alias.empty()) return text;
  const std::string note = fmt::format("({}{})", alias, written ? "!" : "");
  // As PyTorch writes it: `Tensor(a!)[]`, but `t[](a!)` and `t[](a!)?`.
  const size_t at = text.starts_with("Tensor") ? 6 : text.size() - text.ends_with('?');
  return text.insert(at, note);
}

}  // namespace

Schema Schema::parse(std::string_view text) {
  TypeNames names;
  Parser p(text, "schema", &names);
  Schema schema;
  schema.name = p.name(true);
  if (schema.name.empty()) p.fail("expected the operator's name, like aten::add.Tensor(...)");
  if (const size_t space = schema.name.find("::"); space != std::string::npos) {
    if (const size_t dot = schema.name.find('.', space); dot != std::string::npos) {
      schema.overload = schema.name.substr(dot + 1);
      schema.name.resize(dot);
    }
  }
  parse_arguments(p, &schema);
  p.expect("->");
  const Parser before = p;
  bool several = p.accept("(");
  if (several && !p.accept(")")) {
    do {
      parse_return(p, &schema);
    } while (p.accept(","));
    p.expect(")");
  }
  if (several && (p.looking_at("[") || p.looking_at("?"))) {  // no list of returns, but (k, v)[]
    p = before;
    several = false;
    schema.returns.clear();
    schema.return_notes.clear();
  }
  if (!several) {
    parse_return(p, &schema);
    if (schema.returns[0]->kind == TypeKind::kNone) {
      schema.returns.clear();
      schema.return_notes.clear();
    }
  }
  p.expect_end();
  return schema;
}

std::string Schema::str() const { return text(nullptr); }
std::string Schema::definition() const {
  TypeNames defined;
  return text(&defined);
}

std::string Schema::text(TypeNames* defined) const {
  std::string out = full_name() + "(";
  bool keyword_only = false;
  for (const Argument& arg : args) {
    if (&arg != &args[0]) out += ", ";
    if (arg.keyword_only && !std::exchange(keyword_only, true)) out += "*, ";
    out += with_alias(*arg.type, arg.list_size, arg.alias, arg.written, defined) + " " + arg.name;
    if (arg.default_value)
      out += "=" + (arg.default_value->is_tensor() ? "<Tensor>" : arg.default_value->repr());
  }
  out += ") -> ";
  std::string types;
  for (size_t i = 0; i < returns.size(); ++i) {
    const ReturnNote note = i < return_notes.size() ? return_notes[i] : ReturnNote{};
    if (i) types += ", ";
    types += with_alias(*returns[i], 0, note.alias, note.written, defined);
    if (!note.name.empty()) types += " " + note.name;
  }
  // One tuple in parentheses of its own: without them its elements would be read as several returns.
  const bool bare = returns.size() == 1 && !types.starts_with('(') &&
                    (return_notes.empty() || return_notes[0].name.empty());
  return out + (bare ? types : "(" + types + ")");
}

TypePtr Schema::result_type() const {
  if (returns.empty()) return Type::none();
  if (returns.size() == 1) return returns[0];
  if (return_notes.size() != returns.size() || return_notes[0].name.empty()) return Type::tuple(returns);
  std::vector<std::string> fields;
  for (const ReturnNote& note : return_notes) fields.push_back(note.name);
  return std::make_shared<const NamedTupleType>(std::string(), std::move(fields), returns);
}

int Schema::index_of(std::string_view arg) const noexcept {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].name == arg) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace tine
