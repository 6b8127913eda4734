// A server in C++, for clients in Python: client.py beside this file, whose head says how to run both.
//
// It keeps series of numbers by name: appends to one, streams a series' moving average, and asks the client that calls it for
// a function of its own. Python sees the functions by their names.
#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tine/coroutine.h"
#include "tine/operators.h"
#include "tine/rpc.h"
#include "tine/runtime.h"

using tine::Future;
using tine::Stream;
using tine::Tensor;
using tine::Value;
namespace rpc = tine::rpc;

namespace {

class Series {
 public:
  int64_t append(const std::string& name, const std::vector<double>& values) {
    const std::lock_guard lock(mutex_);
    std::vector<double>& all = series_[name];
    all.insert(all.end(), values.begin(), values.end());
    return static_cast<int64_t>(all.size());
  }
  std::vector<double> values(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto at = series_.find(name);
    if (at == series_.end()) throw tine::KeyError("no series \"" + name + "\"");
    return at->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<double>> series_;
};

// One item at a time, as the client takes them.
Stream<double> moving_average(std::vector<double> values, size_t width) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[i] - (i >= width ? values[i - width] : 0);
    co_yield sum / static_cast<double>(std::min(i + 1, width));
  }
}

}  // namespace

int main() {
  tine::Runtime& runtime = tine::Runtime::instance();
  rpc::Worker& worker = runtime.rpc();
  Series series;
  worker.serve("append", [&series](const std::string& name, const std::vector<double>& values) {
    return series.append(name, values);
  });
  worker.serve("moving_average", [&series](const std::string& name, int64_t width) {
    if (width < 1) throw tine::ValueError("width: expected 1 or more, got " + std::to_string(width));
    return moving_average(series.values(name), static_cast<size_t>(width));
  });
  worker.serve("tensor", [&](const std::string& name) {
    return runtime.ops().call<Tensor>("aten::tensor", series.values(name));
  });
  // Calls a function that the client registered, for each value, and waits for none of them with a thread.
  worker.serve("map", [&](rpc::Invocation call) -> Future<std::vector<double>> {
    const auto name = tine::from_value<std::string>(call.args.at(0));
    const auto function = tine::from_value<std::string>(call.args.at(1));
    std::vector<Future<double>> calls;
    for (const double value : series.values(name))
      calls.push_back(worker.call<double>(call.caller, function, value));
    std::vector<double> results;
    for (const Future<double>& result : calls) results.push_back(co_await result);
    co_return results;
  });
  worker.join(rpc::JoinOptions::from_environment("server"));
  worker.leave();
}
