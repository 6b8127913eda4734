// DeferredCalls: calls that run elsewhere and give a Future or an RRef: fork, and the calls of rpc.
#pragma once

#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/meanings.h"

namespace tine::compile {

class Session;

class DeferredCalls {
 public:
  DeferredCalls(Session& session, FunctionBuilder& builder, Meanings& meanings, Arguments& arguments)
      : session_(session), builder_(builder), meanings_(meanings), arguments_(arguments) {}

  ir::Def* fork(std::vector<CallArgument> args, Span span);
  // rpc_async, rpc_sync and remote.
  ir::Def* remote_call(Form form, std::vector<CallArgument> args, Span span);

 private:
  // A callee with its arguments bound to its signature.
  struct Bound {
    const Schema* schema = nullptr;
    const Op* op = nullptr;  // instead of a function
    std::vector<ir::Def*> inputs;
    TypePtr result;
  };
  Bound bind(const Callee& callee, std::vector<CallArgument> args, Span span);
  struct RemoteArguments {
    CallArgument *to, *func, *args, *kwargs, *timeout;
  };
  RemoteArguments remote_arguments(std::string_view shown, std::vector<CallArgument>& args, Span span);
  ir::Def* worker(CallArgument& to);
  std::vector<CallArgument> unpacked(const RemoteArguments& given, Span span);

  Session& session_;
  FunctionBuilder& builder_;
  Meanings& meanings_;
  Arguments& arguments_;
};

}  // namespace tine::compile
