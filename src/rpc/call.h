// CallRequest, IncomingCall, Handler: a call as the caller states it and as the callee sees it.
//
// State      A CallRequest is plain data. An IncomingCall is answered exactly once.
// Threads    An IncomingCall may be answered from any thread, once; its other members by its one holder.
// Ordering   As in agent.h; foreign calls are handed to an executor, which promises none.
// Ownership  An IncomingCall is a counted handle: keep it as long as needed. Dropped unanswered, it answers
//            with Abandoned.
// Errors     A second answer is ignored. reply() of what cannot travel answers with that error instead.
// Cost       One allocation for a call that is not answered in place.
// Source     docs/spec/agent.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/rpc/wire/error_body.h"
#include "src/rpc/wire/request.h"
#include "tine/detail/export.h"
#include "tine/future.h"
#include "tine/value.h"

namespace tine::rpc {

struct WorkerInfo {
  std::string name;
  int id = -1;
  friend bool operator==(const WorkerInfo&, const WorkerInfo&) = default;
};

// Bytes that only another language understands, as they travel, plus the values that were lifted out of
// them (tensors and RRefs): those are never pickled.
class TINE_API ForeignPayload final : public Foreign {
 public:
  static constexpr uint8_t kPythonPickle = 1;
  ForeignPayload(std::vector<std::byte> bytes, std::vector<Value> leaves, uint8_t language = kPythonPickle);
  // Borrows; `owner` keeps the bytes alive.
  ForeignPayload(std::span<const std::byte> bytes, detail::Ref<detail::RefCounted> owner,
                 std::vector<Value> leaves, uint8_t language = kPythonPickle);

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] const detail::Ref<detail::RefCounted>& owner() const noexcept { return owner_; }
  [[nodiscard]] const std::vector<Value>& leaves() const noexcept { return leaves_; }
  [[nodiscard]] uint8_t language() const noexcept { return language_; }
  [[nodiscard]] std::string type_name() const override;
  [[nodiscard]] std::string repr() const override;

  // What the bytes decoded to, kept by the language that did it; read and written under its lock only.
  Value decoded;
  bool is_decoded = false;

  // The payload in `value`, or null.
  [[nodiscard]] static ForeignPayload* in(const Value& value) noexcept;
  // The same bytes with other leaves; they are shared, not copied.
  [[nodiscard]] static Value with_leaves(const Value& payload, std::vector<Value> leaves);

 private:
  std::vector<std::byte> kept_;
  std::span<const std::byte> bytes_;
  detail::Ref<detail::RefCounted> owner_;
  std::vector<Value> leaves_;
  uint8_t language_;
};

// An exception of another language that was raised on another worker. `body()` has its class, traceback and the
// pickled object, so that the language can raise the very type; kind() is the nearest of tine's.
class TINE_API RemoteException final : public Error {
 public:
  explicit RemoteException(std::shared_ptr<const ErrorBody> body);
  ~RemoteException() override;
  RemoteException(const RemoteException&) noexcept = default;
  [[nodiscard]] const ErrorBody& body() const noexcept { return *body_; }
  [[nodiscard]] std::exception_ptr to_exception_ptr() const override;

 private:
  std::shared_ptr<const ErrorBody> body_;
};

// Python (or any other language) as far as values that only it understands are concerned.
class ForeignCodec {
 public:
  // `value` holds foreign objects: all of it as one payload. Runs on the blocking executor, never on a
  // reader; may take the language's lock. Throws what is to be told to the caller.
  virtual detail::Ref<ForeignPayload> encode(const Value& value) = 0;
  // True when the error is an exception of this language. Any thread, takes no lock.
  virtual bool owns(const std::exception_ptr& error) const noexcept = 0;
  // Only of errors that it owns; on the blocking executor.
  virtual ErrorBody encode_error(const std::exception_ptr& error) = 0;

 protected:
  ~ForeignCodec() = default;
};

// A script function's code for workers that do not have it. Immutable; one object a function.
struct ScriptCode {
  std::string hash;  // of the content; two functions with one hash are the same function
  std::string text;  // IR
};

struct TINE_API CallRequest {
  Target target = Target::kBuiltin;
  std::string name;  // operator, qualified script function, or what error messages shall call it
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  std::shared_ptr<const ScriptCode> code;  // kScript: sent until the worker has answered such a call
  bool async_execution = false;            // the callee's result is a Future whose value is the reply
  // The call reaches its handler only when the value behind this RRef, which the callee owns, is there. No thread
  // waits meanwhile; when the value is an error, that is the answer.
  detail::Ref<RRefObject> after;

  [[nodiscard]] static CallRequest builtin(std::string name, std::vector<Value> args,
                                           std::vector<std::pair<std::string, Value>> kwargs = {});
  [[nodiscard]] static CallRequest script(std::string name, std::shared_ptr<const ScriptCode> code,
                                          std::vector<Value> args,
                                          std::vector<std::pair<std::string, Value>> kwargs = {});
  [[nodiscard]] static CallRequest foreign(std::string name, detail::Ref<ForeignPayload> payload,
                                           bool async_execution = false);
};

class IncomingState;  // src/rpc/incoming.h

class TINE_API IncomingCall {
 public:
  explicit IncomingCall(detail::Ref<IncomingState> state) noexcept;
  IncomingCall(IncomingCall&&) noexcept;
  IncomingCall& operator=(IncomingCall&&) noexcept;
  ~IncomingCall();

  [[nodiscard]] Target target() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] std::vector<Value>& args() const noexcept;  // yours to move from
  [[nodiscard]] std::vector<std::pair<std::string, Value>>& kwargs() const noexcept;
  [[nodiscard]] const std::string& code_hash() const noexcept;  // kScript; empty when the caller gave none
  // IR text when this call brought it: those from that worker do until one with this hash has been answered.
  [[nodiscard]] const std::string& code_text() const noexcept;
  [[nodiscard]] bool async_execution() const noexcept;
  // The result stays on this worker, behind an RRef: it need not be able to travel.
  [[nodiscard]] bool keeps_result() const noexcept;
  [[nodiscard]] const WorkerInfo& caller() const noexcept;
  [[nodiscard]] TimePoint deadline() const noexcept;  // kNoDeadline when it has none
  // The caller has given up (cancel, deadline, death): an answer would reach nobody.
  [[nodiscard]] bool cancelled() const noexcept;

  // Before reply() by a thread that may block: waits while much that was copied for the caller waits to be sent and this
  // answer is a copy, too; no longer than anybody waits for it. An answer that is given without it is kept, as it
  // is, until there is room.
  void wait_for_room(const Value& answer);

  // A Future in the value, or foreign objects without a codec, are answered with an error.
  void reply(Value value);
  void fail(std::exception_ptr error);
  // The future's outcome is the answer; a cancelled call cancels it. Holds no thread.
  void reply_with(Future<Value> future);

 private:
  detail::Ref<IncomingState> state_;
};

class Handler {
 public:
  // On the thread that src/rpc/placement.h says. kScript: run a bounded slice, never block; go on elsewhere when
  // it takes longer. Exceptions that leave it are the answer.
  virtual void handle(IncomingCall call) = 0;

 protected:
  ~Handler() = default;
};

// The refusal's words are PyTorch's.
[[noreturn]] TINE_API void throw_future_cannot_travel(std::string_view where);
// True when there is a Future anywhere in the value.
[[nodiscard]] TINE_API bool holds_future(const Value& value);
// Throws that refusal, naming the argument, when there is one in the request.
TINE_API void refuse_futures(const CallRequest& request);

}  // namespace tine::rpc
