// Futures, printing, warnings.
#include <cstdio>
#include <utility>
#include <vector>

#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"
#include "src/value/text.h"
#include "tine/future.h"

namespace tine::value {
namespace {

using V = const Value&;

// One write for each line, so that the lines of several threads do not mix.
void print(std::FILE* to, const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), to);
  std::fflush(to);
}

}  // namespace

void add_control_rows(Rows& rows) {
  // In a script this is an instruction that suspends. Called eagerly it blocks, after it has helped.
  const auto wait = [](V future) { return future.to_future().get(); };
  rows.add<decltype(wait)>("aten::wait(Future(t) self) -> t",
                           {.pure = false, .suspends = true, .cost = cost::kNoBound});
  rows.effect(cost::kEntries, "aten::collect_all(Future(t)[] futures) -> Future(Future(t)[])",
              [](List& futures) {
                std::vector<Future<Value>> all;
                all.reserve(futures.items.size());
                for (V future : futures.items) all.push_back(future.to_future());
                auto same = detail::make_ref<List>(futures.items);
                return Value(collect_all(std::move(all)).and_then([same](const std::vector<Future<Value>>&) {
                  return Value(same);
                }));
              });
  rows.effect(cost::kFixed, "aten::done(Future(t) self) -> bool",
              [](V future) { return future.as_future_state()->done(); });
  rows.effect(cost::kNoBound, "prim::Print(Any[] args) -> ()", [](List& args) {
    std::string line;
    for (V v : args.items) line += (&v == &args.items[0] ? "" : " ") + to_text(v);
    print(stdout, line + "\n");
  });
  rows.effect(cost::kNoBound, "aten::warn(str message, int stacklevel=2) -> ()",
              [](const std::string& message, int64_t) { print(stderr, "UserWarning: " + message + "\n"); });
}

}  // namespace tine::value
