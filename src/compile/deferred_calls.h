// DeferredCalls: calls that run elsewhere and give a Future or an RRef: fork, and the calls of rpc.
#pragma once

#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/meanings.h"

namespace tine::compile {

class Session;

class DeferredCalls {
 public:
  DeferredCalls(Session& session, FunctionBuilder& builder, Classes& classes, Meanings& meanings,
                Arguments& arguments)
      : session_(session), builder_(builder), classes_(classes), meanings_(meanings), arguments_(arguments) {}

  ir::Def* fork(std::vector<CallArgument> args, Span span);
  // rpc_async, rpc_sync and remote. What a function returns that is known by its name alone, `hint` says.
  ir::Def* remote_call(Form form, std::vector<CallArgument> args, const TypePtr& hint, Span span);

 private:
  // A callee with its arguments bound to its signature.
  struct Bound {
    const Schema* schema = nullptr;
    const Op* op = nullptr;  // instead of a function
    std::vector<ir::Def*> inputs;
    TypePtr result;
  };
  ir::Def* fork_of_class(const TypePtr& type, std::vector<CallArgument> args, Span span);
  Bound bind(const Callee& callee, std::vector<CallArgument> args, Span span);
  struct RemoteArguments {
    CallArgument *to, *func, *args, *kwargs, *timeout;
  };
  RemoteArguments remote_arguments(std::string_view shown, std::vector<CallArgument>& args, Span span);
  // What a call on another worker is made of.
  struct Request {
    ir::Def* name = nullptr;
    std::vector<ir::Def*> positions;
    ir::Def* kwargs = nullptr;  // null: `positions` are all arguments, bound to the callee's signature
    TypePtr result;
    bool async_execution = false;
  };
  // Its own arguments, out of the tuple `args` and the dict `kwargs`; `rest` is a dict that is known when the script runs.
  struct Actual {
    std::vector<CallArgument> args;
    ir::Def* rest = nullptr;
    Span rest_span;
  };
  ir::Def* worker(CallArgument& to);
  Actual unpacked(const RemoteArguments& given, Span span);
  ir::Def* keywords(CallArgument& kwargs);
  [[nodiscard]] bool is_still_empty(const ir::Def* dict) const;
  Request request(CallArgument& func, Actual actual, const TypePtr& hint, Span span);
  Request request_by_name(ir::Def* name, Actual actual, const TypePtr& hint, Span span);
  void take_keyword_only(const std::vector<Argument>& parameters, Request* request);
  ir::Def* timeout(CallArgument* given);

  Session& session_;
  FunctionBuilder& builder_;
  Classes& classes_;
  Meanings& meanings_;
  Arguments& arguments_;
};

}  // namespace tine::compile
