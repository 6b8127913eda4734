#include <string>

#include "python/src/abi.h"
#include "python/src/builtin.h"
#include "python/src/context.h"
#include "python/src/future.h"
#include "python/src/gil.h"
#include "python/src/place.h"
#include "python/src/rpc.h"
#include "python/src/script.h"
#include "python/src/tensor.h"
#include "python/src/version.h"
#include "tine/log.h"
#include "tine/runtime.h"

// tine._C: everything of the package that is not Python.

namespace tine::python {
namespace {

PyObject* swap_hook(PyObject*, PyObject* hook) {
  if (hook != Py_None && !PyCallable_Check(hook)) {
    PyErr_Format(PyExc_TypeError, "set_unobserved_error_hook(): expected a callable or None, got %R", hook);
    return nullptr;
  }
  return swap_unobserved_hook(hook);
}

// No thread may take the lock any more, so work that waits for a thread that may run Python fails.
PyObject* at_exit(PyObject*, PyObject*) {
  // After Ctrl-C, or an error of the program, the user does not wait for work of other threads.
  const bool failed = PySys_GetObject("last_value") != nullptr;
  const TimePoint bound = Clock::now() + (failed ? std::chrono::milliseconds(500) : std::chrono::seconds(5));
  close_gate(bound);
  // The hook would keep the program's globals, and the errors in them, alive after the interpreter's end.
  Py_DECREF(swap_unobserved_hook(Py_None));
  if (Runtime::exists()) {
    int left = 0;
    {
      const GilRelease release;
      left = Runtime::instance().close_blocking(bound);
    }
    if (left > 0) {
      log_line("[tine] " + std::to_string(left) + (left == 1 ? " handler" : " handlers") +
               " did not return within " + (failed ? "0.5" : "5") + " s after the interpreter ended, and " +
               (left == 1 ? "is" : "are") + " abandoned");
    }
  }
  Py_RETURN_NONE;
}

PyObject* manual_seed(PyObject*, PyObject* seed) {
  const PyRef number = PyRef::adopt(PyNumber_Index(seed));
  if (!number) return nullptr;
  const auto bits = static_cast<int64_t>(PyLong_AsUnsignedLongLongMask(number.get()));
  return guarded([=] { return to_python(call_op(op_rows("aten::manual_seed"), {Value(bits)})); });
}

PyObject* after_fork(PyObject*, PyObject*) {
  reset_after_fork();
  Py_RETURN_NONE;
}

// Whose files are inside the package, called by it.
PyObject* set_package(PyObject*, PyObject* folder) {
  const char* const text = PyUnicode_AsUTF8(folder);
  if (!text) return nullptr;
  set_package_folder(text);
  init_unobserved();
  Py_RETURN_NONE;
}

constexpr char kFuturesName[] = "futures";

PyMethodDef functions[] = {
    {"collect_all", as_method(one_argument<collect_all, kFuturesName>), METH_FASTCALL | METH_KEYWORDS,
     "collect_all(futures)\n--\n\nReturns a Future of the list of the given Futures, which is done when all "
     "of them are.\n"
     "\n"
     "If some of them fail, it fails with the exception of the first of these in the list. TypeError names "
     "the\n"
     "index of an element that is not a future. Source: torch.futures.collect_all.\n"
     "\n"
     "This and the other functions of many futures also take futures of other libraries (torch.futures, "
     "c10d,\n"
     "concurrent.futures, asyncio): objects with add_done_callback() and value() or result()."},
    {"wait_all", as_method(wait_all), METH_FASTCALL | METH_KEYWORDS,
     "wait_all(futures, timeout=None)\n--\n\nWaits for all futures and returns the list of their values. "
     "Raises as soon as one of them has failed.\n"
     "\n"
     "timeout: in seconds, for all of them together; then TimeoutError. Source: torch.futures.wait_all."},
    {"collect_all_settled", as_method(one_argument<collect_all_settled, kFuturesName>),
     METH_FASTCALL | METH_KEYWORDS,
     "collect_all_settled(futures)\n--\n\nReturns a Future of the list of the given Futures, which is done "
     "when all of them are. It never fails."},
    {"collect_any", as_method(one_argument<collect_any, kFuturesName>), METH_FASTCALL | METH_KEYWORDS,
     "collect_any(futures)\n--\n\nReturns a Future of (index, future) for the first of the futures that is "
     "done, failed or not.\n"
     "\n"
     "The others are not affected. ValueError for an empty list."},
    {"as_completed", as_method(as_completed), METH_FASTCALL | METH_KEYWORDS,
     "as_completed(futures, timeout=None)\n--\n\nReturns an iterator over the given Futures in the order in "
     "which they become done, also for `async for`.\n"
     "\n"
     "timeout: in seconds from this call, then TimeoutError. Futures that are done by then are returned "
     "first."},
    {"set_unobserved_error_hook", swap_hook, METH_O,
     "set_unobserved_error_hook(hook, /)\n--\n\nSets the function that is called with each unobserved error, "
     "and returns the one before it.\n"
     "\n"
     "An error is unobserved if it is that of a failed Future that went without wait(), value(), "
     "exception(),\n"
     "await, a callback or a combinator (a note says where the Future was made; a cancellation is never\n"
     "reported), or if a callback of add_done_callback() raised it. With None, the default, the first kind "
     "is\n"
     "one line on stderr, and the second kind goes to sys.unraisablehook."},
    {"from_numpy", from_numpy, METH_O,
     "from_numpy(array, /)\n--\n\nReturns a tensor on the memory of the array, with its shape, without a "
     "copy. Writes show on both sides.\n"
     "\n"
     "Takes any object that exports a buffer. TypeError for element types that tine does not have, "
     "ValueError\n"
     "for negative strides. Source: torch.from_numpy."},
    {"from_dlpack", from_dlpack, METH_O,
     "from_dlpack(array, /)\n--\n\nReturns a tensor on the memory of another library's array, or of a DLPack "
     "capsule, without a copy.\n"
     "\n"
     "TypeError for element types that tine does not have, ValueError for memory outside the CPU. Source: "
     "DLPack."},
    {"manual_seed", manual_seed, METH_O,
     "manual_seed(seed, /)\n--\n\nRestarts the random numbers of rand, randn, randint and randperm from the "
     "seed, an int."},
    {"_set_hop", set_hop, METH_O, nullptr},
    {"_rebuild_tensor", rebuild_tensor, METH_VARARGS, nullptr},
    {"_set_package", set_package, METH_O, nullptr},
    {"_at_exit", at_exit, METH_NOARGS, nullptr},
    {"_after_fork_in_child", after_fork, METH_NOARGS, nullptr},
    {}};

// Apart: `gather` in the module is the operator of that name.
PyMethodDef gather_function = {"gather", as_method(gather), METH_FASTCALL,
                               "gather(*futures)\n--\n\nReturns a Future of the list of the values of all "
                               "futures, given one by one or as one list.\n"
                               "\n"
                               "The first failure in time is its failure at once, and the futures that are "
                               "still pending are cancelled."};

bool add_as(PyObject* module, const char* name, PyMethodDef* function) {
  const PyRef made = PyRef::adopt(PyCFunction_New(function, nullptr));
  return made && PyModule_AddObjectRef(module, name, made.get()) == 0;
}

// Before the interpreter finalises, and in the child of a fork.
bool register_hooks(PyObject* module) {
  const PyRef atexit = PyRef::adopt(PyImport_ImportModule("atexit"));
  const PyRef gate = PyRef::adopt(PyObject_GetAttrString(module, "_at_exit"));
  if (!atexit || !gate || !PyRef::adopt(PyObject_CallMethod(atexit.get(), "register", "O", gate.get())))
    return false;
  const PyRef os = PyRef::adopt(PyImport_ImportModule("os"));
  const PyRef fork = PyRef::adopt(PyObject_GetAttrString(module, "_after_fork_in_child"));
  const PyRef register_at_fork =
      os ? PyRef::adopt(PyObject_GetAttrString(os.get(), "register_at_fork")) : PyRef();
  if (!register_at_fork || !fork) return false;
  const PyRef none = PyRef::adopt(PyTuple_New(0));
  const PyRef named = PyRef::adopt(Py_BuildValue("{s:O}", "after_in_child", fork.get()));
  return none && named && PyRef::adopt(PyObject_Call(register_at_fork.get(), none.get(), named.get()));
}

// The types exist once in the process: a copy under another name, or in a second interpreter, would make them again, and
// tear them down at the end.
bool is_first() {
  if (!types.future) return true;
  PyErr_SetString(
      PyExc_ImportError,
      "tine's extension is loaded already, as tine._C, and cannot be loaded again under another name");
  return false;
}

int init(PyObject* module) {
  if (!is_first()) return -1;
  tine::detail::watch_forks();
  const bool whole =
      PyModule_AddStringConstant(module, "__version__", kVersion) == 0 && abi::init_abi(module) &&
      init_errors(module) && init_context(module) && init_future(module) && init_callbacks() &&
      init_completed() && init_promise(module) && init_others(module) && init_grad_mode(module) &&
      init_pool(module) && init_dtypes(module) && init_tensor(module) &&
      PyModule_AddFunctions(module, functions) == 0 && add_as(module, "_gather", &gather_function) &&
      init_builtins(module) && init_script(module) && init_missing(module) && init_rpc(module) &&
      register_hooks(module);
  return whole ? 0 : -1;
}
int init_guarded(PyObject* module) {
  return guarded([=] { return init(module); });
}

// Py_mod_gil is not declared: all of this relies on the interpreter's lock
// (docs/spec/threads.md), which a free-threaded CPython turns on again when it imports the module.
PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(init_guarded)},
#if PY_VERSION_HEX >= 0x030C0000
                            {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
                            {0, nullptr}};
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "tine._C", nullptr, 0, nullptr, slots, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace tine::python

PyMODINIT_FUNC PyInit__C() {
  using namespace tine::python;
  return is_first() && check_version() ? PyModuleDef_Init(&definition) : nullptr;
}
