// include/tine/rpc.h over Worker::Parts.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "src/rpc/rref.h"
#include "src/runtime/worker_parts.h"

namespace tine::rpc {
namespace {

const Reference& reference_in(const RRef<>& rref) noexcept {
  return static_cast<const Reference&>(*rref.object());
}

Seconds timeout_of(const Call& call) noexcept {
  return call.timeout == kDefaultTimeout ? call.to.timeout() : call.timeout;
}

// `world_size` and the like: a whole number.
int number_in(const char* variable, const char* text) {
  int number = 0;
  const char* const end = text + std::string_view(text).size();
  if (const auto [rest, error] = std::from_chars(text, end, number); error != std::errc() || rest != end) {
    throw ValueError(
        fmt::format("the environment variable {}: expected a whole number, got \"{}\"", variable, text));
  }
  return number;
}

const char* variable(const char* name) {
  if (const char* const text = std::getenv(name)) return text;
  throw ValueError(fmt::format(
      "the environment variable {} is not set: start the program by `tine launch`, which sets it, or fill "
      "rpc::JoinOptions in",
      name));
}

}  // namespace

RRef<Value> RRef<Value>::from(const Value& value) {
  return RRef(tine::detail::Ref<RRefObject>(Reference::from(value)));
}
const WorkerInfo& RRef<Value>::owner() const noexcept { return reference_in(*this).owner(); }
bool RRef<Value>::is_owner() const noexcept { return reference_in(*this).is_owner(); }
Future<Value> RRef<Value>::to_here(Seconds timeout) const {
  const Reference& reference = reference_in(*this);
  // This caller is told how the creation ended, so a failed one is not reported as an error that nobody saw.
  reference.confirmed().state()->observe();
  return reference.to_here(reference.deadline_after(timeout));
}
Future<Value> RRef<Value>::local_value() const { return reference_in(*this).local_value(); }
Future<Value> RRef<Value>::confirmed() const { return reference_in(*this).confirmed(); }
std::string RRef<Value>::id() const { return reference_in(*this).id().str(); }
bool operator==(const RRef<Value>& a, const RRef<Value>& b) noexcept {
  return reference_in(a).id() == reference_in(b).id();
}

JoinOptions JoinOptions::from_environment(std::string name) {
  JoinOptions options;
  options.name = std::move(name);
  options.rank = number_in("RANK", variable("RANK"));
  options.world_size = number_in("WORLD_SIZE", variable("WORLD_SIZE"));
  const char* const host = variable("MASTER_ADDR");
  options.address = fmt::format("tcp://{}:{}", host, variable("MASTER_PORT"));
  return options;
}

Worker::Worker(Runtime& runtime) : parts_(std::make_unique<Parts>(runtime)) {}
Worker::~Worker() = default;

void Worker::join(JoinOptions options) { parts_->join(std::move(options)); }
void Worker::leave(Seconds timeout) { parts_->leave(true, timeout, {}); }
void Worker::leave_now(std::string_view failure) { parts_->leave(false, kNoTimeout, failure); }
bool Worker::joined() const noexcept { return parts_->joined(); }

WorkerInfo Worker::self() const { return parts_->agent()->self(); }
std::vector<WorkerInfo> Worker::workers() const { return parts_->agent()->workers(); }
WorkerInfo Worker::info(const To& worker) const {
  return parts_->destination(worker.value(), kNoTimeout).worker();
}
Seconds Worker::rpc_timeout() const { return parts_->agent()->rpc_timeout(); }
void Worker::set_rpc_timeout(Seconds timeout) { parts_->agent()->set_rpc_timeout(timeout); }

void Worker::serve_by_name(std::string name, Served f) { parts_->serve(std::move(name), std::move(f)); }
void Worker::stop_serving(std::string_view name) noexcept { parts_->stop_serving(name); }

Future<Value> Worker::call_value(Call call) {
  const Destination to = parts_->destination(call.to.value(), timeout_of(call));
  CallRequest request = parts_->checked_request_for(std::move(call));
  parts_->wait_for_room(to);
  return to.call(std::move(request));
}
RRef<> Worker::remote_value(Call call) {
  const Destination to = parts_->destination(call.to.value(), timeout_of(call));
  CallRequest request = parts_->checked_request_for(std::move(call));
  parts_->wait_for_room(to);
  return to.remote(std::move(request));
}
tine::detail::Ref<tine::detail::RemoteItems> Worker::open_stream(Call call, size_t credit) {
  const Seconds timeout = timeout_of(call);
  const std::source_location where = call.to.where();
  const Destination to = parts_->destination(call.to.value(), timeout);
  CallRequest request = parts_->checked_request_for(std::move(call));
  parts_->wait_for_room(to);
  return to.stream(std::move(request), timeout, credit, where);
}
RRef<> Worker::own(Value value) { return RRef<>(parts_->agent()->own(std::move(value))); }

Worker::Counts Worker::counts() const {
  const Agent::Counts counts = parts_->agent()->counts();
  return {counts.calls_pending, counts.calls_running, counts.references_owned};
}

}  // namespace tine::rpc

namespace tine::detail {

void check_count(const rpc::Invocation& call, size_t parameters) {
  if (!call.kwargs.empty()) {
    throw TypeError(fmt::format(
        "{}() takes no arguments by name, got '{}'; a function that is to take some is served as one of an "
        "rpc::Invocation",
        call.name, call.kwargs.front().first));
  }
  if (call.args.size() != parameters) {
    throw TypeError(fmt::format("{}() takes {} argument{}, got {}", call.name, parameters,
                                parameters == 1 ? "" : "s", call.args.size()));
  }
}

void refuse_result(const std::string& what, const Error& why) {
  std::rethrow_exception(
      tine::make_error(why.kind(), fmt::format("the result of {}: {}", what, why.message())));
}

void refuse_argument(const rpc::Invocation& call, size_t index, const Error& why) {
  std::rethrow_exception(tine::make_error(
      why.kind(), fmt::format("{}(): argument {}: {}", call.name, index + 1, why.message())));
}

}  // namespace tine::detail
