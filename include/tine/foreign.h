// Another language beside C++ (Python is one) that takes part in RPC: how its objects, errors and functions travel.
//
// Values that every worker knows (numbers, text, tensors, lists, RRefs) travel as they are. What only the language itself can
// read travels as bytes, in a ForeignPayload: a call of one of its functions, a result, an exception. A binding gives
// Worker::join() a Language: a codec that makes those bytes, and a function that runs the calls.
//
//   #include "tine/foreign.h"
//   using namespace tine;
//
//   class Codec final : public rpc::ForeignCodec {
//     Value encode(const Value& value, bool) override { throw TypeError(value.repr()); }
//     bool owns(const std::exception_ptr&) const noexcept override { return false; }
//     rpc::ErrorBody encode_error(const std::exception_ptr& error) override { return rpc::ErrorBody::of(error); }
//   };
//
//   void join(rpc::Worker& worker, rpc::JoinOptions options) {
//     static Codec codec;
//     const rpc::Language language{&codec, [](rpc::IncomingCall call) { call.reply(call.args().size() > 0); }};
//     options.language = &language;
//     worker.join(std::move(options));
//   }
//
// A worker without a Language passes foreign values on unread, and refuses the calls of another language's functions.
// The specification is docs/spec/wire.md, sections 3 and 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/context.h"
#include "tine/detail/export.h"
#include "tine/error.h"
#include "tine/rpc.h"
#include "tine/value.h"

namespace tine::rpc {

// Bytes that only another language understands, as they travel, and the values that were lifted out of them (tensors and
// RRefs), which are sent as they are.
class TINE_API ForeignPayload final : public Foreign {
 public:
  static constexpr uint8_t kPythonPickle = 1;
  static constexpr uint8_t kPythonBytes = 2;  // of a bytes object
  static constexpr uint8_t kPythonValue =
      3;  // none: the one value beside them is a result, of which Python makes one object
  ForeignPayload(std::vector<std::byte> bytes, std::vector<Value> leaves, uint8_t language = kPythonPickle);
  // The bytes stay where they are; `owner` keeps them alive and is dropped on any thread.
  ForeignPayload(std::span<const std::byte> bytes, detail::Ref<detail::RefCounted> owner,
                 std::vector<Value> leaves, uint8_t language = kPythonPickle);

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] const detail::Ref<detail::RefCounted>& owner() const noexcept { return owner_; }
  [[nodiscard]] const std::vector<Value>& leaves() const noexcept { return leaves_; }
  [[nodiscard]] uint8_t language() const noexcept { return language_; }
  [[nodiscard]] std::string type_name() const override;
  [[nodiscard]] std::string repr() const override;

  // What the bytes decoded to. The language that decoded them keeps it here, and reads and writes it under its lock only.
  Value decoded;
  bool is_decoded = false;

  // The payload in `value`, or null.
  [[nodiscard]] static ForeignPayload* in(const Value& value) noexcept;
  // The same bytes with other leaves; the bytes are shared.
  [[nodiscard]] static Value with_leaves(const Value& payload, std::vector<Value> leaves);

 private:
  std::vector<std::byte> kept_;
  std::span<const std::byte> bytes_;
  detail::Ref<detail::RefCounted> owner_;
  std::vector<Value> leaves_;
  uint8_t language_;
};

// An error on its way to another process: its kind, its story and, for an exception of a language, the object itself.
// Texts of more than 64 KiB are cut on the way, and marked as cut.
struct TINE_API ErrorBody {
  std::string kind;  // name_of(ErrorKind)
  std::string message;
  std::vector<Hop> trail;          // innermost first
  std::string module, qualname;    // of the exception's class in its language
  std::string traceback;           // in the words of the language
  std::vector<std::byte> pickled;  // the exception object, or empty
  std::unique_ptr<ErrorBody> cause;

  // Of any exception: kind, message, trail and causes of one of tine's, what() of others.
  [[nodiscard]] static ErrorBody of(const std::exception_ptr& error);
  // An error of the class that `kind` names, with its trail and causes; a RemoteError that names the class when the kind is
  // unknown. What belongs to a language (module, pickled, ...) is left to the caller.
  [[nodiscard]] std::exception_ptr to_exception() const;
};

// An exception of another language that was raised on another worker. `body()` has its class, its traceback and the encoded
// object, so that the language can raise the very type; kind() is the nearest of tine's.
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

// What makes the bytes. Any thread may call it; none that reads a connection does.
class ForeignCodec {
 public:
  // All of `value`, which holds objects of the language, as one payload; with `for_all` as values that workers of every
  // language read, if it can be told in those. Runs on a thread of callbacks, where it may take the language's lock. What it
  // throws is told to the caller.
  virtual Value encode(const Value& value, bool for_all) = 0;
  // Whether the error is an exception of this language. On any thread; must take no lock.
  virtual bool owns(const std::exception_ptr& error) const noexcept = 0;
  // For errors that it owns; on a thread of callbacks.
  virtual ErrorBody encode_error(const std::exception_ptr& error) = 0;

 protected:
  ~ForeignCodec() = default;
};

// What is called.
enum class Target : uint8_t {
  kBuiltin = 0,  // an operator, by its name
  kScript = 1,   // a script function
  kForeign =
      2,  // a function of another language: args[0] is a ForeignPayload that says it all, or it and `name` say what
          // is called with the arguments that follow (docs/spec/wire.md, section 4)
  kFetch = 3,    // the value behind an RRef; tine's own
  kControl = 4,  // meeting and leaving; tine's own
  kServed = 5,   // a function that the callee serves by that name, or a script function that it knows by it
  kNext = 6,     // the next items of a stream; tine's own
};

// A script function's code, for workers that do not have it.
struct ScriptCode {
  std::string hash;  // of the content: two functions of one hash are the same function
  std::string text;  // IR
};

// Script code among the values that go to another worker: of a scripted module or function that is an argument or a result. It
// travels by its hash; its text goes along until the other worker has said that it has it. Its user has to verify it.
class TINE_API CodeValue final : public Foreign {
 public:
  explicit CodeValue(std::shared_ptr<const ScriptCode> code) : code_(std::move(code)) {}
  [[nodiscard]] const std::shared_ptr<const ScriptCode>& code() const noexcept { return code_; }
  [[nodiscard]] std::string type_name() const override;
  [[nodiscard]] std::string repr() const override;
  // The one in `value`, or null.
  [[nodiscard]] static const CodeValue* in(const Value& value) noexcept;

 private:
  const std::shared_ptr<const ScriptCode> code_;
};

// A call as it is sent: plain data.
struct TINE_API CallRequest {
  Target target = Target::kBuiltin;
  std::string name;  // for a foreign call: what errors call it
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  std::shared_ptr<const ScriptCode> code;  // kScript: sent until the worker has answered such a call
  bool async_execution = false;            // the callee's result is a Future whose value is the reply
  size_t stream_credit = 0;                // of a call whose result is a stream: how far that may be ahead
  // The call reaches its handler only when the value behind this RRef, which the callee owns, is there. No thread waits
  // meanwhile; when the value is an error, that is the answer.
  detail::Ref<RRefObject> after;
  bool awaited = false;  // a hint: the caller waits for the answer at once, so that it has to wake nobody

  [[nodiscard]] static CallRequest builtin(std::string name, std::vector<Value> args,
                                           std::vector<std::pair<std::string, Value>> kwargs = {});
  [[nodiscard]] static CallRequest script(std::string name, std::shared_ptr<const ScriptCode> code,
                                          std::vector<Value> args,
                                          std::vector<std::pair<std::string, Value>> kwargs = {});
  [[nodiscard]] static CallRequest foreign(std::string name, detail::Ref<ForeignPayload> payload,
                                           bool async_execution = false);
  [[nodiscard]] static CallRequest served(std::string name, std::vector<Value> args,
                                          std::vector<std::pair<std::string, Value>> kwargs = {});
};

class IncomingState;

// A call that another worker, or this one, makes here. It is a counted handle: keep it for as long as the answer takes. It
// is answered once, from any thread, and later answers are ignored; dropped unanswered, it answers with Abandoned. One
// holder at a time uses the other members.
class TINE_API IncomingCall {
 public:
  explicit IncomingCall(detail::Ref<IncomingState> state) noexcept;
  IncomingCall(IncomingCall&&) noexcept;
  IncomingCall& operator=(IncomingCall&&) noexcept;
  ~IncomingCall();

  [[nodiscard]] Target target() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] std::vector<Value>& args() const noexcept;  // the holder's to move from
  [[nodiscard]] std::vector<std::pair<std::string, Value>>& kwargs() const noexcept;
  [[nodiscard]] const std::string& code_hash() const noexcept;  // kScript; empty when the caller gave none
  // IR text when this call brought it: those from that worker do until one with this hash has been answered.
  [[nodiscard]] const std::string& code_text() const noexcept;
  [[nodiscard]] bool async_execution() const noexcept;
  // The result stays on this worker, behind an RRef: it need not be able to travel.
  [[nodiscard]] bool keeps_result() const noexcept;
  // The result is to be a stream: what served_stream() of include/tine/detail/serving.h makes.
  [[nodiscard]] bool wants_stream() const noexcept;
  [[nodiscard]] const WorkerInfo& caller() const noexcept;
  [[nodiscard]] TimePoint deadline() const noexcept;  // kNoDeadline when it has none
  // The caller has given up (cancel, deadline, death): an answer would reach nobody.
  [[nodiscard]] bool cancelled() const noexcept;
  // For the work of this call: a Context that has its deadline, and is cancelled when the caller has given up. Any holder may
  // ask for it, also more than once. The timer outlives the Context.
  [[nodiscard]] Context context(Timer& timer) const;

  // Before reply(), by a thread that may block: while much that was copied for the caller waits to be sent, and this answer
  // is a copy, too, it waits, but no longer than anybody waits for the answer. An answer that is given without it is kept
  // until there is room.
  void wait_for_room(const Value& answer);

  // A Future in the value, and foreign objects without a codec, are answered with an error.
  void reply(Value value);
  void fail(std::exception_ptr error);
  // The future's outcome is the answer; a cancelled call cancels it. Holds no thread.
  void reply_with(Future<Value> future);

 private:
  detail::Ref<IncomingState> state_;
};

// What a binding brings to Worker::join().
struct Language {
  ForeignCodec* codec =
      nullptr;  // borrowed for as long as the Runtime lives: a handler may end after leave_now()
  // Runs a call of one of the language's functions, on a handler thread. What it throws is the answer.
  std::function<void(IncomingCall)> handle{};
  // Runs a call by a name with a ':' in it that this worker serves nothing by ("module:qualname" in Python), in the same way.
  // Not asked where the worker runs registered functions only. Empty: there are no such names.
  std::function<void(IncomingCall)> handle_named{};
};

// A Future cannot travel: the refusal, in PyTorch's words. `where` says what holds it.
[[noreturn]] TINE_API void throw_future_cannot_travel(std::string_view where);

}  // namespace tine::rpc
