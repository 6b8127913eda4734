#include "python/src/rpc_streams.h"

#include <optional>

#include "python/src/exchange.h"
#include "python/src/rpc_payload.h"
#include "tine/detail/serving.h"

namespace tine::python {
namespace {

using tine::detail::Chained;
using tine::detail::make_ref;
using tine::detail::owning;
using tine::detail::Ref;
using tine::detail::RemoteItems;

constexpr const char* kCapsule = "tine._C._rpc.stream";

// The object END, as a Value that is copied without the lock. Never destroyed.
const Value* end_marker = nullptr;

bool is_end(PyObject* object) {
  const PyRef end = checked(to_python(*end_marker));
  return object == end.get();
}

class Items : public tine::detail::StreamSource<Value> {
 public:
  Items(PyObject* iterator, std::string function, bool for_all,
        std::shared_ptr<const GeneratorContext> context)
      : for_all_(for_all),
        iterator_(make_ref<PyForeign>(Py_NewRef(iterator))),
        function_(std::move(function)),
        context_(std::move(context)) {}

 protected:
  using Item = std::optional<Value>;
  [[nodiscard]] PyObject* iterator() const noexcept { return iterator_->object(); }
  [[nodiscard]] std::string what() const { return "an item of " + function_; }

  const bool for_all_;
  const Ref<PyForeign> iterator_;
  const std::string function_;
  const std::shared_ptr<const GeneratorContext> context_;
  bool closed_ = false;  // under the interpreter's lock
};

std::exception_ptr going() {
  return std::make_exception_ptr(Abandoned("the Python interpreter of this worker is shutting down"));
}

constinit Imported builtin_next{"builtins", "next"};

// Of a generator or another iterator.
class IteratorItems final : public Items {
 public:
  using Items::Items;
  Future<Item> next() override {
    const Gil gil;
    if (!gil) return make_failed<Item>(going());
    drain_drops();
    if (closed_) return make_ready(Item());
    const PyRef at_end = checked(to_python(*end_marker));
    PyObject* const ask = builtin_next.get();
    if (!ask) throw_error();
    runs_ = true;
    const PyRef item = context_->run(ask, iterator(), at_end.get());
    runs_ = false;
    if (closed_) {
      PyErr_Clear();
      end();
      return make_ready(Item());
    }
    if (!item) throw_error_of_callee();
    if (item.get() == at_end.get()) return make_ready(Item());
    return make_ready(Item(travelling(item.get(), what(), for_all_)));
  }
  void close() noexcept override {
    context_->stop();
    const Gil gil;
    if (!gil) return;
    closed_ = true;
    if (!runs_) end();
  }

 private:
  void end() noexcept {
    const ErrorAside aside;
    const PyRef close = PyRef::adopt(PyObject_GetAttrString(iterator(), "close"));
    if (!close) return PyErr_Clear();  // an iterator that is not a generator
    if (!context_->run(close.get())) PyErr_WriteUnraisable(iterator());
  }
  bool runs_ = false;
};

// Of an async generator or another async iterator: its steps run on the asyncio loop of the worker.
class AsyncItems final : public Items {
 public:
  using Items::Items;
  Future<Item> next() override {
    const Gil gil;
    if (!gil) return make_failed<Item>(going());
    if (closed_) return make_ready(Item());
    const PyRef end = checked(to_python(*end_marker));
    const PyRef step = checked(PyObject_CallMethod(iterator(), "next", "O", end.get()));
    if (!is_future(step.get())) throw TypeError("a hook of tine.distributed.rpc returned no Future");
    return future_of(step.get()).and_then([self = Ref<AsyncItems>::share(this)](const Value& value) -> Item {
      const Gil lock;
      if (!lock) std::rethrow_exception(going());
      const PyRef item = checked(to_python(value));
      if (is_end(item.get())) return std::nullopt;
      return travelling(item.get(), self->what(), self->for_all_);
    });
  }
  void close() noexcept override {
    context_->stop();
    const Gil gil;
    if (!gil) return;
    closed_ = true;
    const ErrorAside aside;
    if (!PyRef::adopt(PyObject_CallMethod(iterator(), "close", nullptr))) PyErr_WriteUnraisable(iterator());
  }
};

// A Python Future that waits for an item.
class PyItemWaiter final : public tine::detail::ItemWaiter {
 public:
  explicit PyItemWaiter(tine::detail::WaitHelper* helper) : state_(make_ref<ValueState>(helper)) {
    tine::detail::join_current_context(*state_);
  }
  [[nodiscard]] const Ref<ValueState>& state() const noexcept { return state_; }
  [[nodiscard]] bool wants() const noexcept override { return !state_->done(); }
  [[nodiscard]] bool give(const Value* item, Chained* callbacks) noexcept override {
    if (state_->done()) return false;
    state_->construct(item ? *item : *end_marker);
    *callbacks = {state_.get(), nullptr};
    state_->retain();
    return state_->publish(owning, &callbacks->newest);
  }
  [[nodiscard]] bool fail(const std::exception_ptr& error, Chained* callbacks) noexcept override {
    *callbacks = {state_.get(), nullptr};
    state_->retain();
    return state_->fail(owning, error, &callbacks->newest);
  }

 private:
  const Ref<ValueState> state_;
};

RemoteItems* items_in(PyObject* capsule) {
  auto* const items = static_cast<RemoteItems*>(PyCapsule_GetPointer(capsule, kCapsule));
  if (!items) throw_error();
  return items;
}

void drop_stream(PyObject* capsule) {
  auto* const items = static_cast<RemoteItems*>(PyCapsule_GetPointer(capsule, kCapsule));
  if (!items) return PyErr_Clear();
  const auto dropped = Ref<RemoteItems>::adopt(items);
  dropped->close();
}

PyObject* next_item(PyObject*, PyObject* stream) {
  return guarded([=] {
    RemoteItems* const items = items_in(stream);
    const auto waiter = make_ref<PyItemWaiter>(items->helper());
    items->next(waiter);
    return checked(wrap_future(Ref<tine::detail::State<Value>>(waiter->state()))).leak();
  });
}

PyObject* close_stream(PyObject*, PyObject* stream) {
  return guarded([=]() -> PyObject* {
    items_in(stream)->close();
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {{"next_item", next_item, METH_O, "The Future of a stream's next item, or of END."},
                           {"close_stream", close_stream, METH_O, nullptr},
                           {}};

}  // namespace

Value stream_of(PyObject* object, const std::string& function, bool for_all,
                std::shared_ptr<const GeneratorContext> context) {
  const auto stream = [](Ref<tine::detail::StreamSource<Value>> items) {
    return tine::detail::served_stream(Stream<Value>(std::move(items)));
  };
  if (PyIter_Check(object))
    return stream(make_ref<IteratorItems>(object, function, for_all, std::move(context)));
  if (PyObject_HasAttrString(object, "__anext__")) {
    const PyRef items = checked(
        PyObject_CallFunctionObjArgs(rpc_hooks().async_items.get(), object, context->variables(), nullptr));
    return stream(make_ref<AsyncItems>(items.get(), function, for_all, std::move(context)));
  }
  return to_value_shallow(object);
}

PyRef wrap_stream(Ref<RemoteItems> items) {
  PyRef capsule = checked(PyCapsule_New(items.get(), kCapsule, drop_stream));
  (void)items.leak();
  return capsule;
}

bool init_rpc_streams(PyObject* module) {
  const PyRef end = PyRef::adopt(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type)));
  if (!end || PyModule_AddObjectRef(module, "END", end.get()) < 0) return false;
  if (!end_marker) end_marker = new Value(foreign_value(end.get()));
  return PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
