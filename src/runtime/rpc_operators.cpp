// The operators by which scripts call other workers.
#include "src/rpc/rref.h"
#include "src/runtime/worker_parts.h"
#include "src/value/cost.h"

namespace tine {
namespace {

RemoteCaller& caller_in(OpContext& context) {
  if (!context.remote) throw Error("RPC is not available here: this operator context has no remote caller");
  return *context.remote;
}

RemoteCall call_of(const Value* a) {
  return {a[0], a[1].to_string(), a[2], a[3], a[4].to_float(), a[5].to_bool()};
}

}  // namespace

void add_rpc_operators(OpTable& table) {
  // A script waits for this before a call. If there is no room, the wait suspends the script, as any wait does.
  table.add("rpc::room(Any to) -> Future(NoneType)",
            [](OpContext& context, const Value* a) { return Value(caller_in(context).room(a[0])); },
            {.pure = false, .cost = cost::kFixed});
  constexpr OpTraits kRemote{.pure = false, .cost = cost::kNoBound};
  table.add(
      "rpc::rpc_async(Any to, str callee, Any args, Any kwargs=None, float timeout=-1.0, bool "
      "async_execution=False) -> Any",
      [](OpContext& context, const Value* a) { return Value(caller_in(context).rpc_async(call_of(a))); },
      kRemote);
  table.add(
      "rpc::remote(Any to, str callee, Any args, Any kwargs=None, float timeout=-1.0, bool "
      "async_execution=False) -> Any",
      [](OpContext& context, const Value* a) { return caller_in(context).remote(call_of(a)); }, kRemote);
  // The methods of an RRef. Those that wait return a Future, and the compiler adds an aten::wait: an operator that blocked
  // would hold the thread that runs the script, which may be the one that must read the answer.
  table.add(
      "rpc::to_here(RRef(t) self, float timeout=-1.0) -> Future(t)",
      [](OpContext& context, const Value* a) {
        return Value(caller_in(context).to_here(a[0], a[1].to_float()));
      },
      kRemote);
  table.add(
      "rpc::local_value(RRef(t) self) -> Future(t)",
      [](OpContext&, const Value* a) { return Value(rpc::Reference::from(a[0])->local_value()); }, kRemote);
  constexpr OpTraits kAsks{.pure = false, .cost = cost::kFixed};
  table.add(
      "rpc::is_owner(RRef(t) self) -> bool",
      [](OpContext&, const Value* a) { return Value(rpc::Reference::from(a[0])->is_owner()); }, kAsks);
  table.add(
      "rpc::owner(RRef(t) self) -> (str name, int id)",
      [](OpContext&, const Value* a) {
        const rpc::WorkerInfo& owner = rpc::Reference::from(a[0])->owner();
        return Value(
            detail::make_ref<Tuple>(std::vector<Value>{Value(owner.name), Value(int64_t{owner.id})}));
      },
      kAsks);
  table.add(
      "rpc::owner_name(RRef(t) self) -> str",
      [](OpContext&, const Value* a) { return Value(rpc::Reference::from(a[0])->owner().name); }, kAsks);
  table.add(
      "rpc::confirmed_by_owner(RRef(t) self) -> bool",
      [](OpContext&, const Value* a) { return Value(rpc::Reference::from(a[0])->confirmed_by_owner()); },
      kAsks);
}

}  // namespace tine
