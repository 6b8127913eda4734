// What a call is made of: where it goes and for how long, its name and arguments; and what a served function is told of it.
//
//   using namespace tine;
//   rpc::Call call{.to = {"server", rpc::Seconds(5)}, .name = "power", .args = {2.0}};
//   call.kwargs.emplace_back("exponent", 10);
//   const Future<double> result = worker.call<double>(std::move(call));
//
// Included by rpc.h, whose Worker makes calls. Most programs write the arguments out: worker.call<double>("server", "power", 2.0).
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/future.h"
#include "tine/rpc_reference.h"
#include "tine/value.h"

namespace tine::rpc {

// Which worker a call goes to: its name, its rank, or a WorkerInfo. It keeps the place in the program where it was made, which
// is where the call is written: reports of errors that nobody looked at name it (unobserved.h).
class To {
 public:
  To(const char* name, const std::source_location& where = std::source_location::current())
      : value_(name), where_(where) {}
  To(const std::string& name, const std::source_location& where = std::source_location::current())
      : value_(name), where_(where) {}
  To(std::string_view name, const std::source_location& where = std::source_location::current())
      : value_(name), where_(where) {}
  To(int rank, const std::source_location& where = std::source_location::current())
      : value_(rank), where_(where) {}
  To(const WorkerInfo& worker, const std::source_location& where = std::source_location::current())
      : value_(worker.name), where_(where) {}
  // A str, an int, or a tuple that begins with one of them. Others are refused by the call, with a TypeError.
  explicit To(Value value, const std::source_location& where = std::source_location::current())
      : value_(std::move(value)), where_(where) {}
  // The same worker, and how long the call may take.
  To(To worker, Seconds timeout) : To(std::move(worker)) { timeout_ = timeout; }
  [[nodiscard]] const Value& value() const noexcept { return value_; }
  [[nodiscard]] Seconds timeout() const noexcept { return timeout_; }
  [[nodiscard]] const std::source_location& where() const noexcept { return where_; }

 private:
  Value value_;
  std::source_location where_;
  Seconds timeout_ = kDefaultTimeout;
};

// A call, in parts: for arguments in arrays, arguments by name, and a time limit of its own.
struct Call {
  To to;
  std::string name{};
  std::vector<Value> args{};
  std::vector<std::pair<std::string, Value>> kwargs{};
  // kNoTimeout: the call may take as long as both workers live. kDefaultTimeout: that of `to`.
  Seconds timeout = kDefaultTimeout;
};

// A call of a served function, as that sees it when it asks for all of it.
struct Invocation {
  std::string name;
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  WorkerInfo caller;
};
using Served = std::function<Future<Value>(Invocation)>;

}  // namespace tine::rpc
