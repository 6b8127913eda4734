#include "tine/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "src/value/bind.h"
#include "src/value/op_context.h"
#include "src/value/text.h"

namespace tine {
namespace {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>()(s); }
};
template <class T>
using ByName = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

std::string given_text(std::span<const Value> args, std::span<const Keyword> keywords) {
  std::string out;
  for (const Value& v : args) out += (out.empty() ? "" : ", ") + brief(v);
  for (const auto& [name, v] : keywords)
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, brief(v));
  return "(" + out + ")";
}

[[noreturn]] void refuse_call(std::span<const Op* const> overloads, std::span<const Value> args,
                              std::span<const Keyword> keywords, Boundary boundary,
                              std::vector<Value>* bound) {
  std::string text, why;
  for (const Op* op : overloads) {
    (void)tine::bind(op->schema, args, keywords, boundary, bound, &why);
    if (overloads.size() == 1) {
      bound->clear();
      throw TypeError(fmt::format("{}(): {}; expected {}", op->schema.name, why, op->schema.str()));
    }
    text += fmt::format("\n  {}\n    {}", op->schema.str(), why);
  }
  bound->clear();
  throw TypeError(fmt::format("{}(): no overload takes {}; there are:{}", overloads[0]->schema.name,
                              given_text(args, keywords), text));
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

struct OpTable::Rows {
  OpContext nothing;
  OpContext* context = &nothing;
  std::deque<Op> ops;  // a deque: rows stay where they are
  ByName<const Op*> by_full_name;
  ByName<std::vector<const Op*>> by_name;
};

OpTable::OpTable(OpContext* context) : rows_(std::make_unique<Rows>()) {
  if (context) rows_->context = context;
}
OpTable::~OpTable() = default;

const Op& OpTable::add(std::string_view text, Kernel kernel, OpTraits traits) {
  Schema schema = Schema::parse(text);
  const std::string full_name = schema.full_name();
  if (!kernel) throw ValueError(fmt::format("OpTable::add: {} has no kernel", full_name));
  if (rows_->by_full_name.contains(full_name)) {
    throw ValueError(fmt::format("OpTable::add: {} exists already, as {}", full_name,
                                 rows_->by_full_name.find(full_name)->second->schema.str()));
  }
  const Op& op = rows_->ops.emplace_back(Op{std::move(schema), kernel, traits});
  rows_->by_full_name.emplace(full_name, &op);
  rows_->by_name[op.schema.name].push_back(&op);
  return op;
}

const Op* OpTable::find(std::string_view full_name) const noexcept {
  if (const auto it = rows_->by_full_name.find(full_name); it != rows_->by_full_name.end()) return it->second;
  const auto named = overloads(full_name);
  return named.empty() ? nullptr : named[0];
}

std::span<const Op* const> OpTable::overloads(std::string_view name) const noexcept {
  const auto it = rows_->by_name.find(name);
  return it == rows_->by_name.end() ? std::span<const Op* const>() : it->second;
}

OpContext& OpTable::context() const noexcept { return *rows_->context; }

Value OpTable::apply(std::string_view name, std::span<const Value> args,
                     std::span<const Keyword> keywords) const {
  std::vector<Value> bound;
  const Op& op = resolve(name, args, keywords, Boundary::kPython, &bound);
  return op.kernel(context(), bound.data());
}

std::vector<const Op*> OpTable::all() const {
  std::vector<const Op*> out;
  out.reserve(rows_->ops.size());
  for (const Op& op : rows_->ops) out.push_back(&op);
  return out;
}

const Op& OpTable::resolve(std::string_view name, std::span<const Value> args,
                           std::span<const Keyword> keywords, Boundary boundary,
                           std::vector<Value>* bound) const {
  if (const auto named = overloads(name); !named.empty())
    return resolve(named, args, keywords, boundary, bound);
  // A full name names one overload: the caller, a compiler, has chosen it already.
  if (const auto one = rows_->by_full_name.find(name); one != rows_->by_full_name.end())
    return resolve(std::span(&one->second, 1), args, keywords, boundary, bound);
  const std::string* nearest = nullptr;
  // At most two edits away. Of equally near names the first in order is shown, so that the message does not depend on
  // the hash table. The name may come from elsewhere, so only its start is compared.
  size_t distance = 3;
  for (const auto& [other, ops] : rows_->by_name) {
    const size_t d = edit_distance(name.substr(0, 100), other);
    if (d < distance || (nearest && d == distance && other < *nearest)) {
      distance = d;
      nearest = &other;
    }
  }
  throw NameError(fmt::format("there is no operator named '{}'{}", name.substr(0, 100),
                              nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
}

const Op& OpTable::resolve(std::span<const Op* const> overloads, std::span<const Value> args,
                           std::span<const Keyword> keywords, Boundary boundary, std::vector<Value>* bound) {
  if (overloads.empty()) throw ValueError("OpTable::resolve: no overloads to choose from");
  // A row that takes the arguments as they are wins over every row that would convert them, wherever they stand in
  // the table.
  if (keywords.empty()) [[likely]] {
    for (const Op* op : overloads) {
      if (bind_positions(op->schema, args, bound)) return *op;
    }
  } else {
    for (const Op* op : overloads) {
      if (bind_as_it_is(op->schema, args, keywords, boundary, bound)) return *op;
    }
  }
  for (const Op* op : overloads) {
    if (tine::bind(op->schema, args, keywords, boundary, bound, nullptr)) return *op;
  }
  refuse_call(overloads, args, keywords, boundary, bound);
}

}  // namespace tine
