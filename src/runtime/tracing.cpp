#include "tine/tracing.h"

#include <fmt/format.h>

#include "src/runtime/script.h"
#include "src/trace/tracer.h"
#include "tine/runtime.h"

namespace tine::script {

struct Tracer::Parts {
  Parts(std::string n, Runtime& r) : runtime(r), name(std::move(n)), tracer(name, r.ops()) {}

  Runtime& runtime;
  const std::string name;
  trace::Tracer tracer;
  bool ended = false;
  std::vector<Function> called;  // by name: they stay until the function that calls them is defined
};

Tracer::Tracer(std::string name, Runtime* runtime)
    : parts_(std::make_unique<Parts>(std::move(name), runtime ? *runtime : Runtime::instance())) {}
Tracer::~Tracer() = default;

Tracer::Parts& Tracer::open() const {
  if (parts_->ended) throw ValueError("the trace has ended");
  return *parts_;
}

void Tracer::add_input(const Value& value, std::string_view name) { open().tracer.add_input(value, name); }
void Tracer::add_self(const Value& object) { open().tracer.add_self(object); }
void Tracer::set_where(std::function<SourceSpan()> where) { parts_->tracer.where = std::move(where); }

Value Tracer::call_named(std::string_view op, std::span<const Value> args,
                         std::span<const Keyword> keywords) {
  const auto rows = parts_->runtime.ops().overloads(op);
  if (rows.empty()) throw NameError(fmt::format("there is no operator named '{}'", op));
  return call_rows(rows, args, keywords);
}

Value Tracer::call_rows(std::span<const Op* const> overloads, std::span<const Value> args,
                        std::span<const Keyword> keywords, const Op** chosen) {
  return open().tracer.call(overloads, parts_->runtime.ops().context(), args, keywords, chosen);
}

Value Tracer::call_function(const Function& f, std::span<const Value> args,
                            std::span<const Keyword> keywords) {
  std::vector<Value> numbers;
  for (const Value& value : args) numbers.push_back(plain(value));
  std::vector<Keyword> named;
  for (const auto& [name, value] : keywords) named.emplace_back(name, plain(value));
  const Value result = f.apply(numbers, named);
  return record_call(f, ScriptStore::bind(f, args, keywords, Boundary::kRecorded), result);
}

Value Tracer::wait(const Future<Value>& done) {
  const Op* const row = parts_->runtime.ops().find("aten::wait");
  if (!row) throw Error("the operator table has no aten::wait");
  const Value given(done);
  const std::span<const Value> args(&given, 1);
  return record(*row, args, args, done.get());
}

Value Tracer::record(const Op& op, std::span<const Value> given, std::span<const Value> written,
                     const Value& result) {
  return open().tracer.record(op, given, written, result);
}

Value Tracer::record_call(const Function& f, std::span<const Value> written, const Value& result) {
  parts_->called.push_back(f);
  return open().tracer.record_call(f.qualified_name(), f.schema(), written, result);
}

void Tracer::same(const Value& other, const Value& of) { open().tracer.same(other, of); }
bool Tracer::is_number(const Tensor& tensor) const noexcept { return parts_->tracer.is_number(tensor); }
Value Tracer::number_in(const Tensor& stand_in) { return trace::number_in(stand_in); }
Value Tracer::plain(const Value& value) const { return parts_->tracer.plain(value); }
void Tracer::warn_fixed(const Value& value, std::string text) {
  open().tracer.warn_fixed(value, std::move(text));
}

void Tracer::begin_fork() { open().tracer.begin_fork(); }
void Tracer::end_fork(const Value& result, const Value& future) { open().tracer.end_fork(result, future); }
void Tracer::abort_fork() noexcept {
  if (!parts_->ended) parts_->tracer.abort_fork();
}

Function Tracer::finish(const Value& result) {
  Parts& parts = open();
  std::shared_ptr<ir::Graph> graph = parts.tracer.finish(result);
  parts.ended = true;
  return parts.runtime.scripts().define(std::move(graph), parts.name);
}

std::vector<Tracer::Warning> Tracer::warnings() const {
  std::vector<Warning> all;
  for (const auto& [place, text] : parts_->tracer.warnings()) all.push_back({place, text});
  return all;
}

}  // namespace tine::script
