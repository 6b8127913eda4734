#include <atomic>
#include <typeinfo>

#include "python/src/abi.h"
#include "python/src/exchange.h"
#include "python/src/future.h"

// The futures of other libraries (torch.futures, c10d, concurrent.futures, asyncio and their like), taken by what they
// can do: add_done_callback, and value or result. How each is asked is Python, tine._others.

namespace tine::python {
namespace {

using tine::detail::make_ref;

// It is not `shown` until the program gets a Future for it: before that the other library reports its error.
class Adopted final : public ValueState {
 public:
  // Set just before the state is completed. If it were set earlier, a source that its library has forgotten would stay alive
  // for the threads that wait.
  void came_from(PyObject* source) {
    if (is_known_.load(std::memory_order_relaxed)) return;
    source_ = foreign_value(source);
    is_known_.store(true, std::memory_order_release);
  }
  // Null when it was cancelled before that.
  [[nodiscard]] const Value* source() const noexcept {
    return is_known_.load(std::memory_order_acquire) ? &source_ : nullptr;
  }

 private:
  Value source_;  // written once, under the lock
  std::atomic<bool> is_known_{false};
};

// In this order no names are compared: that of a type of this file alone is one.
bool is_adopted(const ValueState& state) noexcept { return typeid(Adopted) == typeid(state); }

// The object that it was made of; null for any other state.
const Value* source_of(const ValueState& state) noexcept {
  if (!is_adopted(state)) [[likely]]
    return nullptr;
  return static_cast<const Adopted&>(state).source();
}

// Imported by the first future that is not tine's.
struct Asker {
  Imported function;
  PyObject* operator()(PyObject* first, PyObject* second) {
    PyObject* const ask = function.get();
    if (!ask) return nullptr;
    PyObject* const args[] = {first, second};
    return PyObject_Vectorcall(ask, args, second ? 2 : 1, nullptr);
  }
};
constinit Asker attach{{"tine._others", "attach"}};
constinit Asker refuse{{"tine._others", "refuse_to_block"}};

PyObject* adopted(PyObject*, PyObject* object) {
  if (is_future(object)) return Py_NewRef(object);
  return guarded([=]() -> PyObject* {
    if (const auto state = adopt(object)) return wrap_future(state);
    return PyErr_Occurred() ? nullptr : Py_NewRef(Py_None);
  });
}

PyMethodDef functions[] = {
    {"_adopted", adopted, METH_O,
     "A Future that becomes what another library's future becomes, the very one if it is "
     "tine's; None for an object that is not a future."},
    {}};

}  // namespace

bool looks_like_future(PyObject* object) noexcept {
  if (is_future(object)) return true;
  return !PyList_Check(object) && !PyTuple_Check(object) && !PyType_Check(object) &&
         PyObject_HasAttrString(object, "add_done_callback");
}

Ref<ValueState> future_in(PyObject* object) {
  if (is_future(object)) return Ref<ValueState>::share(reinterpret_cast<PyFuture*>(object)->state);
  // What most callbacks return.
  PyTypeObject* const type = Py_TYPE(object);
  if (object == Py_None || type == &PyLong_Type || type == types.tensor || type == &PyFloat_Type ||
      type == &PyUnicode_Type || type == &PyBool_Type || type == &PyList_Type || type == &PyTuple_Type ||
      type == &PyDict_Type)
    return {};
  static PyObject* const name = PyUnicode_InternFromString("add_done_callback");
  // Looks at the class only: mocks and proxies have every attribute that they are asked for.
  if (!abi::defines(type, name)) return {};
  auto state = adopt(object);
  if (!state && PyErr_Occurred()) throw_error();
  return state;
}

Ref<ValueState> adopt(PyObject* object) {
  const PyRef keep = PyRef::share(object);
  Ref<ValueState> state = make_ref<Adopted>();
  const PyRef promise = PyRef::adopt(make_promise(state));
  if (!promise) return {};
  const PyRef cancel = PyRef::adopt(attach(object, promise.get()));
  if (!cancel || cancel.get() == Py_NotImplemented) return {};
  if (cancel.get() != Py_None) add_done_callback(*state, cancel.get(), true);
  return state;
}

void came_from(ValueState& state, PyObject* source) {
  if (is_adopted(state)) static_cast<Adopted&>(state).came_from(source);
}

Value handed_out(ValueState& state) {
  if (const Value* const source = source_of(state)) return for_another_owner(*source);
  // With the lock by its Future, which the collector sees.
  if (auto* const shown = holds_gil() ? static_cast<PyObject*>(state.binding) : nullptr;
      shown && Py_REFCNT(shown) > 0)
    return foreign_value(shown);
  return Value(Future<Value>(Ref<ValueState>::share(&state)));
}
PyObject* hand_out(ValueState& state) {
  const Value* const source = source_of(state);
  return source ? to_python(*source) : wrap_future(Ref<ValueState>::share(&state));
}

int traverse_source(ValueState& state, visitproc visit, void* arg) {
  const Value* const source = source_of(state);
  if (source && source->as_foreign().sole_owner()) Py_VISIT(foreign_object(*source));
  return 0;
}

bool refuse_to_block(PyObject* items, const std::vector<Future<Value>>& futures) {
  for (size_t i = 0; i < futures.size(); ++i) {
    if (futures[i].ready() || !is_adopted(*futures[i].state())) continue;
    return PyRef::adopt(refuse(items, nullptr)).get() != nullptr;
  }
  return true;
}

bool init_others(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

}  // namespace tine::python
