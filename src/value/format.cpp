#include "src/value/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "src/value/text.h"
#include "src/value/utf8.h"
#include "tine/error.h"

namespace tine::value {
namespace {

constexpr int kWidest = 1 << 20;  // of a field: ten characters of a script must not ask for gigabytes

struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ =
  char sign = 0;   // + - or a space
  bool alternate = false;
  int width = 0;
  char group = 0;  // , or _
  int precision = -1;
  char type = 0;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

int parse_count(std::string_view* s, std::string_view what) {
  int n = 0;
  const auto [end, error] = std::from_chars(s->data(), s->data() + s->size(), n);
  if (error == std::errc::result_out_of_range || n > kWidest) {
    throw ValueError(fmt::format("{} of a format field is at most {}", what, kWidest));
  }
  s->remove_prefix(static_cast<size_t>(end - s->data()));
  return n;
}

Spec parse_spec(std::string_view s, const Value& v) {
  Spec spec;
  const auto take = [&](std::string_view any) {
    char c = 0;
    if (!s.empty() && any.find(s[0]) != s.npos) {
      c = s[0];
      s.remove_prefix(1);
    }
    return c;
  };
  // Any character is a fill, but only in front of an alignment: "<5" aligns, and "<<5" fills with "<".
  const size_t first = s.empty() ? 0 : character_length(s);
  const bool filled = s.size() > first && first > 0 && is_align(s[first]);
  if (filled) {
    spec.fill = s.substr(0, first);
    spec.align = s[first];
    s.remove_prefix(first + 1);
  } else {
    spec.align = take("<>^=");
  }
  spec.sign = take("+- ");
  spec.alternate = take("#") != 0;
  // A zero before the width is a fill, where none was given; after a fill it is the width's first digit.
  if (!filled && take("0")) {
    spec.fill = "0";
    if (!spec.align && !v.is_string()) spec.align = '=';
  }
  if (!s.empty() && s[0] >= '0' && s[0] <= '9') spec.width = parse_count(&s, "the width");
  spec.group = take(",_");
  if (spec.group && !s.empty() && (s[0] == ',' || s[0] == '_') && s[0] != (spec.group == '_' ? '_' : ',')) {
    throw ValueError("Cannot specify both ',' and '_'.");
  }
  if (take(".")) {
    if (s.empty() || s[0] < '0' || s[0] > '9') throw ValueError("Format specifier missing precision");
    spec.precision = parse_count(&s, "the precision");
  }
  if (s.size() == 1) {
    spec.type = s[0];
  } else if (!s.empty()) {
    throw ValueError(fmt::format("Invalid format specifier {}", string_repr(s)));
  }
  if (spec.group) {
    const char type = spec.type ? spec.type : v.is_string() ? 's' : 'd';
    const std::string_view may = spec.group == '_' ? "deEfFgG%boxX" : "deEfFgG%";
    if (may.find(type) == may.npos) {
      throw ValueError(fmt::format("Cannot specify '{}' with '{}'.", spec.group, type));
    }
  }
  return spec;
}

// The text with every character that is not ASCII escaped as Python's ascii() does.
std::string escaped(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const std::string_view character = s.substr(0, character_length(s));
    s.remove_prefix(character.size());
    const uint32_t code =
        character.size() == 1 ? static_cast<unsigned char>(character[0]) : decode(character);
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      out += code < 0x100     ? fmt::format("\\x{:02x}", code)
             : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                              : fmt::format("\\U{:08x}", code);
    }
  }
  return out;
}

std::string repeated(const std::string& s, size_t n) {
  std::string out;
  out.reserve(s.size() * n);
  for (size_t i = 0; i < n; ++i) out += s;
  return out;
}

// `head`: the sign and prefix, which '=' keeps in front of the fill.
std::string padded(const std::string& head, const std::string& body, const Spec& spec, char standard_align) {
  const size_t length = count_characters(head) + count_characters(body);
  const auto width = static_cast<size_t>(spec.width);
  if (length >= width) return head + body;
  const size_t missing = width - length;
  switch (spec.align ? spec.align : standard_align) {
    case '<': return head + body + repeated(spec.fill, missing);
    case '^':
      return repeated(spec.fill, missing / 2) + head + body + repeated(spec.fill, missing - missing / 2);
    case '=': return head + repeated(spec.fill, missing) + body;
    default: return repeated(spec.fill, missing) + head + body;
  }
}

// Groups of three (four for _ in other bases than ten) among the leading digits; zeros of the fill join in.
std::string grouped(std::string digits, const Spec& spec, size_t every, size_t head) {
  const std::string_view all = every == 3 ? "0123456789" : "0123456789abcdefABCDEF";
  const size_t whole = std::min(digits.find_first_not_of(all), digits.size());
  std::string front = digits.substr(0, whole);
  const std::string rest = digits.substr(whole);
  if (spec.fill == "0" && spec.align == '=') {
    const auto full = [&] { return head + front.size() + (front.size() - 1) / every + rest.size(); };
    while (!front.empty() && full() < static_cast<size_t>(spec.width)) front.insert(0, 1, '0');
  }
  for (size_t at = front.size(); at > every;) front.insert(at -= every, 1, spec.group);
  return front + rest;
}

[[noreturn]] void unknown_type(const Spec& spec, const Value& v) {
  throw ValueError(fmt::format("Unknown format code '{}' for object of type '{}'", spec.type, type_name(v)));
}

std::string format_string(const Value& v, const Spec& spec) {
  if (spec.type && spec.type != 's') unknown_type(spec, v);
  if (spec.sign) {
    throw ValueError(spec.sign == ' ' ? "Space not allowed in string format specifier"
                                      : "Sign not allowed in string format specifier");
  }
  if (spec.alternate) throw ValueError("Alternate form (#) not allowed in string format specifier");
  if (spec.align == '=') throw ValueError("'=' alignment not allowed in string format specifier");
  std::string_view text = v.as_string();
  if (spec.precision >= 0) text = first_characters(text, static_cast<size_t>(spec.precision));
  return padded("", std::string(text), spec, '<');
}

std::string sign_of(bool negative, const Spec& spec) {
  return negative ? "-" : spec.sign == '+' || spec.sign == ' ' ? std::string(1, spec.sign) : "";
}

// As `g`, but what has no exponent has a decimal: one digit less than `g` shows without an exponent has to be one.
std::string general_with_a_decimal(double magnitude, int precision, bool alternate) {
  if (!std::isfinite(magnitude)) return fmt::format("{}", magnitude);
  std::string digits = fmt::format("{:.{}e}", magnitude, precision - 1);
  const size_t e = digits.find('e');
  int exponent = 0;
  std::from_chars(digits.data() + e + (digits[e + 1] == '+' ? 2 : 1), digits.data() + digits.size(),
                  exponent);
  if (exponent == precision - 1) {
    if (alternate) return e == 1 ? digits.insert(1, 1, '.') : digits;
    const size_t last = digits.find_last_not_of("0", e - 1);
    const size_t end = e == 1 ? 1 : digits[last] == '.' ? last : last + 1;
    return digits.erase(end, e - end);
  }
  digits = alternate ? fmt::format("{:#.{}g}", magnitude, precision)
                     : fmt::format("{:.{}g}", magnitude, precision);
  if (digits.find_first_not_of("0123456789") == std::string::npos) digits += ".0";
  return digits;
}

std::string format_float(const Value& v, double d, const Spec& spec) {
  const double magnitude = std::fabs(d);
  const char type = spec.type;
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  // The alternate form keeps a point that no digit follows, and the zeros of `g`.
  const auto shown = [&](char as, double x, int n) {
    return fmt::format(fmt::runtime(fmt::format("{{:{}.{}{}}}", spec.alternate ? "#" : "", n, as)), x);
  };
  std::string digits;
  switch (type) {
    case 0:
      if (spec.precision >= 0) {
        digits = general_with_a_decimal(magnitude, std::max(1, spec.precision), spec.alternate);
        break;
      }
      digits = float_repr(magnitude);
      if (spec.alternate && std::isfinite(magnitude) && digits.find('.') == digits.npos)
        digits.insert(digits.find('e'), 1, '.');
      break;
    case 'f':
    case 'F': digits = shown('f', magnitude, precision); break;
    case 'e':
    case 'E': digits = shown('e', magnitude, precision); break;
    case 'g':
    case 'G':
    case 'n':
      digits = shown('g', magnitude, std::max(1, precision));
      // One digit is one digit, even when a point follows it.
      if (spec.alternate && precision <= 1 && digits.ends_with(".0")) digits.pop_back();
      break;
    case '%': digits = shown('f', magnitude * 100, precision); break;
    default: unknown_type(spec, v);
  }
  if (type == 'E' || type == 'F' || type == 'G') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  if (type == '%') digits += '%';
  const std::string head = sign_of(std::signbit(d) && !std::isnan(d), spec);
  if (spec.group) digits = grouped(std::move(digits), spec, 3, head.size());
  return padded(head, digits, spec, '>');
}

std::string format_int(const Value& v, int64_t i, const Spec& spec) {
  if (spec.type == 'e' || spec.type == 'E' || spec.type == 'f' || spec.type == 'F' || spec.type == 'g' ||
      spec.type == 'G' || spec.type == '%') {
    return format_float(v, static_cast<double>(i), spec);
  }
  if (spec.type && std::string_view("bcdnoxX").find(spec.type) == std::string_view::npos)
    unknown_type(spec, v);
  if (spec.precision >= 0) throw ValueError("Precision not allowed in integer format specifier");
  const uint64_t magnitude = i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i);
  std::string head = sign_of(i < 0, spec), digits;
  size_t every = 4;
  switch (spec.type) {
    case 0:
    case 'd':
    case 'n':
      digits = fmt::format("{}", magnitude);
      every = 3;
      break;
    case 'x': digits = fmt::format("{:x}", magnitude); break;
    case 'X': digits = fmt::format("{:X}", magnitude); break;
    case 'o': digits = fmt::format("{:o}", magnitude); break;
    case 'b': digits = fmt::format("{:b}", magnitude); break;
    case 'c':
      if (spec.sign) throw ValueError("Sign not allowed with integer format specifier 'c'");
      if (spec.alternate)
        throw ValueError("Alternate form (#) not allowed with integer format specifier 'c'");
      if (i < 0 || i > kLastCharacter) throw OverflowError("%c arg not in range(0x110000)");
      return padded("", encode(static_cast<uint32_t>(i)), spec, '<');
    default: unknown_type(spec, v);
  }
  if (spec.alternate && every == 4) head += std::string("0") + spec.type;
  if (spec.group) digits = grouped(std::move(digits), spec, every, head.size());
  return padded(head, digits, spec, '>');
}

// A number for the codes of `%`; of a Tensor without dimensions its element.
Value plain_number(const Value& v) {
  if (!v.is_tensor() || !v.as_tensor().defined() || v.as_tensor().dim() != 0) return v;
  const Tensor& t = v.as_tensor();
  return is_floating(t.dtype())      ? Value(t.item_as_double())
         : t.dtype() == DType::kBool ? Value(t.item_as_bool())
                                     : Value(t.item_as_int());
}

bool is_number(const Value& v) { return v.is_int() || v.is_float() || v.is_bool(); }
double number(const Value& v) { return v.is_float() ? v.as_float() : static_cast<double>(v.to_int()); }

// %d, %x, %o: the precision is the least number of digits.
std::string percent_int(const Value& v, const Spec& spec) {
  const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
  if (!is_number(v)) {
    throw TypeError(fmt::format("%{} format: {} is required, not {}", spec.type,
                                decimal ? "a real number" : "an integer", type_name(v)));
  }
  if (v.is_float() && !decimal)
    throw TypeError(fmt::format("%{} format: an integer is required, not float", spec.type));
  if (v.is_float() && !std::isfinite(v.as_float())) {
    if (std::isnan(v.as_float())) throw ValueError("cannot convert float NaN to integer");
    throw OverflowError("cannot convert float infinity to integer");
  }
  std::string digits, head;
  if (v.is_float()) {
    digits = fmt::format("{:.0f}", std::trunc(std::fabs(v.as_float())));
    head = sign_of(v.as_float() <= -1, spec);
  } else {
    const int64_t i = v.to_int();
    const uint64_t magnitude = i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i);
    digits = spec.type == 'x'   ? fmt::format("{:x}", magnitude)
             : spec.type == 'X' ? fmt::format("{:X}", magnitude)
             : spec.type == 'o' ? fmt::format("{:o}", magnitude)
                                : fmt::format("{}", magnitude);
    head = sign_of(i < 0, spec);
  }
  if (spec.alternate && !decimal) head += std::string("0") + spec.type;
  if (spec.precision > static_cast<int>(digits.size()))
    digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
  return padded(head, digits, spec, '>');
}

std::string percent_one(const Value& given, Spec spec, size_t index) {
  const auto text = [&](std::string_view s) {
    Spec of_text = spec;
    of_text.fill = " ";
    if (of_text.align == '=') of_text.align = 0;
    return padded(
        "", std::string(spec.precision < 0 ? s : first_characters(s, static_cast<size_t>(spec.precision))),
        of_text, '>');
  };
  switch (spec.type) {
    case 's': return text(to_text(given));
    case 'r': return text(given.repr());
    case 'a': return text(escaped(given.repr()));
    default: break;
  }
  const Value v = plain_number(given);
  switch (spec.type) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': return percent_int(v, spec);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      if (!is_number(v)) throw TypeError(fmt::format("must be real number, not {}", type_name(v)));
      return format_float(v, number(v), spec);
    case 'c': {
      spec.precision = -1;
      if (v.is_string() && count_characters(v.as_string()) == 1) return text(v.as_string());
      if (!v.is_int()) throw TypeError("%c requires int or char");
      if (v.as_int() < 0 || v.as_int() > kLastCharacter) throw OverflowError("%c arg not in range(0x110000)");
      return text(encode(static_cast<uint32_t>(v.as_int())));
    }
    default:
      throw ValueError(fmt::format("unsupported format character '{}' (0x{:x}) at index {}", spec.type,
                                   static_cast<unsigned>(static_cast<unsigned char>(spec.type)), index));
  }
}

}  // namespace

std::string format_value(const Value& v, std::string_view text) {
  if (text.empty()) return to_text(v);
  // As PyTorch: a 0-d tensor is formatted as its number.
  if (v.is_tensor() && v.as_tensor().defined() && v.as_tensor().dim() == 0)
    return format_value(plain_number(v), text);
  if (!v.is_string() && !v.is_int() && !v.is_float() && !v.is_bool()) {
    throw TypeError(fmt::format("unsupported format string passed to {}.__format__", type_name(v)));
  }
  const Spec spec = parse_spec(text, v);
  if (v.is_string()) return format_string(v, spec);
  // As in Python, a bool with a specification is formatted as its number.
  return v.is_float() ? format_float(v, v.as_float(), spec) : format_int(v, v.as_int(), spec);
}

std::string percent_format(std::string_view text, const std::vector<Value>& args) {
  std::string out;
  size_t next = 0;
  const auto argument = [&]() -> const Value& {
    if (next >= args.size()) throw TypeError("not enough arguments for format string");
    return args[next++];
  };
  const std::string_view all = text;
  const auto at = [&] { return count_characters(all.substr(0, all.size() - text.size())); };
  while (!text.empty()) {
    const size_t percent = text.find('%');
    out += text.substr(0, percent);
    if (percent == text.npos) break;
    text.remove_prefix(percent + 1);
    if (text.starts_with('(')) {
      throw ValueError(
          "`%(name)s` is not supported in scripts; give the values by position, or write an f-string");
    }
    Spec spec;
    bool zeros = false;
    for (; !text.empty() && std::string_view("-+ #0").find(text[0]) != text.npos; text.remove_prefix(1)) {
      const char flag = text[0];
      if (flag == '-') spec.align = '<';
      if (flag == '#') spec.alternate = true;
      if (flag == '0') zeros = true;
      if (flag == '+' || (flag == ' ' && spec.sign == 0)) spec.sign = flag;
    }
    if (zeros && spec.align == 0) {
      spec.fill = "0";
      spec.align = '=';
    }
    // A star takes the number from the arguments.
    const auto count = [&](std::string_view what) {
      if (!text.starts_with('*')) return parse_count(&text, what);
      text.remove_prefix(1);
      const Value& v = argument();
      if (!v.is_int()) throw TypeError("* wants int");
      if (v.as_int() > kWidest || v.as_int() < -kWidest)
        throw ValueError(fmt::format("{} of a format field is at most {}", what, kWidest));
      return static_cast<int>(v.as_int());
    };
    spec.width = count("the width");
    if (spec.width < 0) {
      spec.width = -spec.width;
      spec.align = '<';
      spec.fill = " ";
    }
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      spec.precision = std::max(0, count("the precision"));
    }
    if (!text.empty() && std::string_view("hlL").find(text[0]) != text.npos) text.remove_prefix(1);
    if (text.empty()) throw ValueError("incomplete format");
    spec.type = text[0];
    const size_t index = at();
    text.remove_prefix(1);
    if (spec.type == '%') {
      out += '%';
    } else {
      out += percent_one(argument(), std::move(spec), index);
    }
  }
  if (next < args.size()) throw TypeError("not all arguments converted during string formatting");
  return out;
}

std::string format(std::string_view text, const std::vector<Value>& args) {
  std::string out;
  size_t next = 0;
  enum class Numbering { kUndecided, kAutomatic, kManual } numbering = Numbering::kUndecided;
  const auto argument = [&](std::string_view field) -> const Value& {
    size_t index = next;
    const auto wanted = field.empty() ? Numbering::kAutomatic : Numbering::kManual;
    if (!field.empty()) {
      const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), index);
      if (error != std::errc() || end != field.data() + field.size()) {
        throw ValueError(
            fmt::format("format field {}: only positions can be named here, like {{0}}", string_repr(field)));
      }
    } else {
      ++next;
    }
    if (numbering != Numbering::kUndecided && numbering != wanted) {
      throw ValueError(wanted == Numbering::kAutomatic
                           ? "cannot switch from manual field specification to automatic field numbering"
                           : "cannot switch from automatic field numbering to manual field specification");
    }
    numbering = wanted;
    if (index >= args.size()) {
      throw IndexError(fmt::format("Replacement index {} out of range for positional args tuple", index));
    }
    return args[index];
  };
  while (!text.empty()) {
    const size_t brace = text.find_first_of("{}");
    out += text.substr(0, brace);
    if (brace == text.npos) break;
    const char c = text[brace];
    text.remove_prefix(brace + 1);
    if (!text.empty() && text[0] == c) {
      out += c;
      text.remove_prefix(1);
      continue;
    }
    if (c == '}') throw ValueError("Single '}' encountered in format string");
    // The first one ends the field: fields inside specifications are refused below.
    const size_t close = text.find('}');
    if (close == text.npos)
      throw ValueError(text.empty() ? "Single '{' encountered in format string"
                                    : "expected '}' before end of string");
    std::string_view field = text.substr(0, close), spec;
    text.remove_prefix(close + 1);
    if (const size_t colon = field.find(':'); colon != field.npos) {
      spec = field.substr(colon + 1);
      field = field.substr(0, colon);
    }
    if (spec.find('{') != spec.npos)
      throw ValueError("a replacement field inside a format specifier is not supported");
    char conversion = 0;
    if (const size_t mark = field.find('!'); mark != field.npos) {
      if (field.size() != mark + 2) throw ValueError("expected one character after '!'");
      conversion = field[mark + 1];
      field = field.substr(0, mark);
    }
    const Value& v = argument(field);
    if (!conversion) {
      out += format_value(v, spec);
    } else if (conversion == 'r') {
      out += format_value(Value(v.repr()), spec);
    } else if (conversion == 'a') {
      out += format_value(Value(escaped(v.repr())), spec);
    } else if (conversion == 's') {
      out += format_value(Value(to_text(v)), spec);
    } else {
      throw ValueError(fmt::format("Unknown conversion specifier {}", conversion));
    }
  }
  return out;
}

}  // namespace tine::value
