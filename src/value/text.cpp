#include "src/value/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "src/value/utf8.h"
#include "tine/future.h"
#include "tine/type.h"

namespace tine {
namespace {

std::string member_text(const Enum& e) { return fmt::format("{}.{}", class_name(e.type->name), e.name()); }

// Lists may contain themselves, and may be nested deeper than the stack.
class Printer {
 public:
  void value(const Value& v) {
    switch (v.tag()) {
      case Tag::kNone: out += "None"; return;
      case Tag::kBool: out += v.as_bool() ? "True" : "False"; return;
      case Tag::kInt: fmt::format_to(std::back_inserter(out), "{}", v.as_int()); return;
      case Tag::kFloat: out += float_repr(v.as_float()); return;
      case Tag::kTensor: out += v.as_tensor().repr(); return;
      case Tag::kString: out += string_repr(v.as_string()); return;
      case Tag::kList:
        if (enter(v, "[...]")) sequence(v.as_list().items, '[', ']');
        return;
      case Tag::kTuple:
        if (!enter(v, "(...)")) return;
        if (const auto& type = v.as_tuple().type) return fields(*type, v.as_tuple().items);
        return sequence(v.as_tuple().items, '(', ')');
      case Tag::kDict:
        if (enter(v, "{...}")) dict(v.as_dict());
        return;
      case Tag::kObject:
        fmt::format_to(std::back_inserter(out), "<{} object>", v.as_object().type->name);
        return;
      case Tag::kEnum:
        fmt::format_to(std::back_inserter(out), "<{}: {}>", member_text(v.as_enum()),
                       v.as_enum().value().repr());
        return;
      case Tag::kFuture: future(*v.as_future_state()); return;
      case Tag::kRRef: out += v.as_rref().repr(); return;
      case Tag::kForeign: out += v.as_foreign().repr(); return;
    }
  }
  std::string out;

 private:
  bool enter(const Value& v, std::string_view instead) {
    bool inside = open_.size() >= kDeepest;
    for (const void* p : open_) inside |= p == v.as_counted();
    if (inside) {
      out += instead;
    } else {
      open_.push_back(v.as_counted());
    }
    return !inside;
  }
  void sequence(std::span<const Value> items, char open, char close) {
    out += open;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i) out += ", ";
      value(items[i]);
    }
    if (open == '(' && items.size() == 1) out += ',';
    out += close;
    open_.pop_back();
  }
  void fields(const NamedTupleType& type, std::span<const Value> items) {
    out += class_name(type.name);
    out += '(';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i) out += ", ";
      out += type.fields[i];
      out += '=';
      value(items[i]);
    }
    out += ')';
    open_.pop_back();
  }
  void dict(const Dict& d) {
    out += '{';
    bool first = true;
    for (const auto& [key, entry] : d.items()) {
      if (!std::exchange(first, false)) out += ", ";
      value(key);
      out += ": ";
      value(entry);
    }
    out += '}';
    open_.pop_back();
  }
  void future(const detail::StateBase& state) {
    switch (state.outcome()) {
      case detail::Outcome::kPending: out += "<Future pending>"; return;
      case detail::Outcome::kValue: out += "<Future done>"; return;
      case detail::Outcome::kCancelled: out += "<Future cancelled>"; return;
      default: out += "<Future failed>"; return;
    }
  }

  static constexpr size_t kDeepest = 100;
  std::vector<const void*> open_;
};

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string string_repr(std::string_view text) {
  const bool single = text.find('\'') != std::string_view::npos;
  const char quote = single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const size_t n = value::sequence_length(text);
    const auto c = static_cast<unsigned char>(text[0]);
    if (n > 1) {
      out += text.substr(0, n);
    } else if (c == static_cast<unsigned char>(quote) || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (n == 0 || c < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", c);
    } else {
      out += text[0];
    }
    text.remove_prefix(n ? n : 1);
  }
  return out += quote;
}

std::string type_name(const Value& value) {
  switch (value.tag()) {
    case Tag::kObject: return value.as_object().type->name;
    case Tag::kForeign: return value.as_foreign().type_name();
    case Tag::kEnum: return std::string(class_name(value.as_enum().type->name));
    case Tag::kTuple:
      if (const auto& type = value.as_tuple().type) return std::string(class_name(type->name));
      [[fallthrough]];
    default: return std::string(name_of(value.tag()));
  }
}

std::string brief(const Value& value) {
  constexpr size_t kLongest = 60;
  const auto shorten = [](std::string s) {
    if (s.size() <= kLongest) return s;
    size_t cut = kLongest;
    while (cut > 0 && (static_cast<unsigned char>(s[cut]) & 0xC0) == 0x80) --cut;
    return s.substr(0, cut) + "...";
  };
  switch (value.tag()) {
    case Tag::kNone: return "None";
    case Tag::kBool:
    case Tag::kInt:
    case Tag::kFloat: return fmt::format("{} {}", name_of(value.tag()), value.repr());
    case Tag::kString:
      return fmt::format("str {}",
                         shorten(string_repr(std::string_view(value.as_string()).substr(0, 2 * kLongest))));
    case Tag::kTensor: {
      const Tensor& t = value.as_tensor();
      return t.defined() ? fmt::format("Tensor {}[{}]", name_of(t.dtype()), fmt::join(t.sizes(), ", "))
                         : "undefined Tensor";
    }
    case Tag::kList: return fmt::format("list of {}", value.as_list().items.size());
    case Tag::kTuple:
      if (const auto& type = value.as_tuple().type) return std::string(class_name(type->name));
      return fmt::format("tuple of {}", value.as_tuple().items.size());
    case Tag::kEnum: return member_text(value.as_enum());
    case Tag::kDict: return fmt::format("dict of {}", value.as_dict().size());
    case Tag::kFuture: return "Future";
    case Tag::kRRef: return shorten(value.as_rref().repr());
    case Tag::kObject: return fmt::format("{} object", value.as_object().type->name);
    case Tag::kForeign: {
      const std::string name = value.as_foreign().type_name();
      // Of Python's ints only those that fit are Values of their own.
      return name == "int" ? "an int beyond 64 bits" : fmt::format("{} object", name);
    }
  }
  return "invalid value";
}

std::string Value::repr() const {
  Printer printer;
  printer.value(*this);
  return std::move(printer.out);
}

std::string to_text(const Value& value) {
  if (value.is(Tag::kEnum)) return member_text(value.as_enum());
  return value.is_string() ? value.as_string() : value.repr();
}

}  // namespace tine
