// functions: writes include/tine/functions.h, the typed C++ functions, out of the operator table.
//
//   build/release/tools/functions include/tine/functions.h            write it
//   build/release/tools/functions --check include/tine/functions.h    exit with 1 when the file is not what the table gives
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tine/operators.h"
#include "tine/runtime.h"

namespace {

using tine::Argument;
using tine::Op;
using tine::Tag;
using tine::Type;
using tine::TypeKind;
using tine::Value;

constexpr std::string_view kHead = R"(// Functions: the operators on tensors as C++ functions.
//
//   const tine::Tensor x = tine::ones({2, 3});
//   const tine::Tensor w = tine::full({3}, 0.5);
//   const tine::Tensor y = tine::add(tine::matmul(x, w), 1, /*alpha=*/2);  // 3.5, 3.5
//   const auto [values, indices] = tine::max(y, 0);
//   const double mean = tine::mean(y).item_as_double();
//
// tools/functions writes this file out of the operator table (tine/operators.h), and a test holds it to the table. Above each
// function is the schema that it calls. Arguments have the order, the names and the defaults of the schema, those that
// Python takes by name only among them. An int[] is a number, a list as {2, 3}, a std::vector or what sizes() returns;
// `std::nullopt` is None. Where two overloads would take the same arguments, the later one lacks a default.
//
// Each function runs in the default Runtime, on the calling thread, and may be called from any thread; large tensors are
// split over its pool. It throws what the operator throws: ShapeError, IndexError, ValueError, TypeError for a dtype, and
// TypeError for an undefined tensor. A name that ends in `_` writes into its first argument and returns it; a
// `Tensor(a)` result shares memory with its argument. A call costs 5 ns beside the operator.
#pragma once

// clang-format off

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tine/detail/typed_call.h"

namespace tine {
)";

// The C++ type of a parameter; empty for what has none.
std::string parameter_type(const Type& type) {
  const bool optional = type.kind == TypeKind::kOptional;
  const Type& inner = optional ? *type.of[0] : type;
  if (inner.kind == TypeKind::kList) {
    const Type& element = *inner.of[0];
    if (element.kind == TypeKind::kInt)
      return optional ? "const detail::OptionalIntList&" : "const detail::IntList&";
    if (optional) return "";
    if (element.kind == TypeKind::kTensor) return "const std::vector<Tensor>&";
    if (element.kind == TypeKind::kOptional && element.of[0]->kind == TypeKind::kTensor)
      return "const std::vector<std::optional<Tensor>>&";
    return "";
  }
  std::string plain;
  switch (inner.kind) {
    case TypeKind::kTensor: return optional ? "const std::optional<Tensor>&" : "const Tensor&";
    case TypeKind::kBool: plain = "bool"; break;
    case TypeKind::kInt: plain = inner.name == "ScalarType" ? "DType" : "int64_t"; break;
    case TypeKind::kFloat: plain = "double"; break;
    case TypeKind::kNumber: plain = "Scalar"; break;
    case TypeKind::kStr: plain = "std::string_view"; break;
    default: return "";
  }
  return optional ? "std::optional<" + plain + ">" : plain;
}

std::string result_type(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNone: return "void";
    case TypeKind::kTensor: return "Tensor";
    case TypeKind::kBool: return "bool";
    case TypeKind::kInt: return "int64_t";
    case TypeKind::kFloat: return "double";
    case TypeKind::kNumber: return "Scalar";
    case TypeKind::kList: {
      const std::string element = result_type(*type.of[0]);
      return element.empty() ? "" : "std::vector<" + element + ">";
    }
    case TypeKind::kTuple: {
      std::string elements;
      for (const auto& of : type.of) {
        const std::string element = result_type(*of);
        if (element.empty()) return "";
        elements += (elements.empty() ? "" : ", ") + element;
      }
      return "std::tuple<" + elements + ">";
    }
    default: return "";
  }
}

// A default as C++ writes it; nothing for what it cannot.
std::optional<std::string> literal(const Value& value) {
  switch (value.tag()) {
    case Tag::kNone: return "std::nullopt";
    case Tag::kBool: return value.as_bool() ? "true" : "false";
    case Tag::kInt:
    case Tag::kFloat:
    case Tag::kString: {
      std::string text = value.repr();
      if (value.is_string()) std::replace(text.begin(), text.end(), '\'', '"');
      return text;
    }
    case Tag::kList: {
      std::string items;
      for (const Value& item : value.as_list().items) {
        const auto text = literal(item);
        if (!text) return std::nullopt;
        items += (items.empty() ? "" : ", ") + *text;
      }
      return "{" + items + "}";
    }
    default: return std::nullopt;
  }
}

struct Parameter {
  std::string type, name;
  std::optional<std::string> preset;
};
struct Function {
  std::string name, result, schema, full_name;
  std::vector<Parameter> parameters;
  size_t required = 0;
};

bool mentions_tensor(const tine::TypePtr& type) {
  return type->kind == TypeKind::kTensor || std::any_of(type->of.begin(), type->of.end(), mentions_tensor);
}
bool is_about_tensors(const tine::Schema& schema) {
  return mentions_tensor(schema.result_type()) ||
         std::any_of(schema.args.begin(), schema.args.end(),
                     [](const Argument& a) { return mentions_tensor(a.type); });
}

const std::set<std::string_view>& keywords() {
  static const std::set<std::string_view> all = {"and", "bool", "double", "float", "int",   "long",
                                                 "not", "or",   "xor",    "new",   "delete"};
  return all;
}

// Nothing for a row that has no typed form: not on tensors, of tine's own (`_`), or of arguments of any type.
std::optional<Function> function_of(const Op& op) {
  constexpr std::string_view kNamespace = "aten::";
  const tine::Schema& schema = op.schema;
  if (!std::string_view(schema.name).starts_with(kNamespace) || !is_about_tensors(schema))
    return std::nullopt;
  Function f;
  f.name = schema.name.substr(kNamespace.size());
  if (!(f.name[0] >= 'a' && f.name[0] <= 'z') || keywords().contains(f.name)) return std::nullopt;
  f.schema = schema.str();
  f.full_name = schema.full_name();
  f.result = result_type(*schema.result_type());
  if (f.result.empty()) return std::nullopt;
  for (const Argument& arg : schema.args) {
    Parameter p{parameter_type(*arg.type), arg.name, std::nullopt};
    if (p.type.empty()) return std::nullopt;
    if (arg.default_value) p.preset = literal(*arg.default_value);
    if (!p.preset) f.required = f.parameters.size() + 1;
    f.parameters.push_back(std::move(p));
  }
  return f;
}

// Whether a call with `count` arguments of f's types may also mean `other`.
bool also_takes(const Function& other, const Function& f, size_t count) {
  if (count < other.required || count > other.parameters.size()) return false;
  return std::equal(f.parameters.begin(), f.parameters.begin() + static_cast<ptrdiff_t>(count),
                    other.parameters.begin(),
                    [](const Parameter& a, const Parameter& b) { return a.type == b.type; });
}

// Gives up the defaults that would make a call mean an earlier function as well; false when no call is left.
bool make_distinct(Function* f, const std::vector<Function>& earlier) {
  for (const Function& other : earlier) {
    if (other.name != f->name) continue;
    for (size_t count = f->required; count <= f->parameters.size(); ++count) {
      if (!also_takes(other, *f, count)) continue;
      if (count == f->parameters.size()) return false;
      f->required = count + 1;
    }
  }
  return true;
}

std::string text_of(const Function& f) {
  std::string parameters, arguments;
  for (size_t i = 0; i < f.parameters.size(); ++i) {
    const Parameter& p = f.parameters[i];
    parameters += (i ? ", " : "") + p.type + " " + p.name;
    if (i >= f.required) parameters += " = " + *p.preset;
    arguments += (i ? ", " : "") + p.name;
  }
  return "\n// " + f.schema + "\ninline " + f.result + " " + f.name + "(" + parameters +
         ") {\n  static const Op& row = detail::builtin(\"" + f.full_name +
         "\");\n  return detail::TypedCall(row).run<" + f.result + ">(" + arguments + ");\n}\n";
}

std::string header(const tine::OpTable& ops) {
  std::vector<Function> functions;
  for (const Op* op : ops.all()) {
    std::optional<Function> f = function_of(*op);
    if (f && make_distinct(&*f, functions)) functions.push_back(std::move(*f));
  }
  std::string text(kHead);
  for (const Function& f : functions) text += text_of(f);
  return text + "\n}  // namespace tine\n";
}

int run(const std::vector<std::string>& args) {
  const bool check = args.size() == 2 && args[0] == "--check";
  if (args.size() != 1 && !check) {
    std::fputs("usage: functions [--check] FILE\n", stderr);
    return 2;
  }
  const std::string& path = args.back();
  const std::string text = header(tine::Runtime::instance().ops());
  if (check) {
    std::ifstream file(path);
    const std::string found{std::istreambuf_iterator<char>(file), {}};
    if (found == text) return 0;
    std::fprintf(stderr,
                 "functions: %s is not what the operator table gives; write it anew: tools/functions %s\n",
                 path.c_str(), path.c_str());
    return 1;
  }
  std::ofstream file(path);
  file << text;
  if (file.flush()) return 0;
  std::fprintf(stderr, "functions: cannot write %s\n", path.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) { return run({argv + 1, argv + argc}); }
