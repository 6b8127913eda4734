#include <pybind11/pybind11.h>

#include <string>

#include "python/src/abi.h"
#include "python/src/builtin.h"
#include "python/src/future.h"
#include "python/src/place.h"
#include "python/src/rpc.h"
#include "python/src/script.h"
#include "python/src/tensor.h"
#include "src/runtime/log.h"

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

// Nobody takes the lock any more; what waits for a thread that may run Python fails.
PyObject* at_exit(PyObject*, PyObject*) {
  // Who has pressed Ctrl-C, or whose program failed, is not kept waiting for the work of others.
  const bool failed = PySys_GetObject("last_value") != nullptr;
  const TimePoint bound = Clock::now() + (failed ? std::chrono::milliseconds(500) : std::chrono::seconds(5));
  close_gate(bound);
  // It would keep the program's globals, and the errors in them, past the interpreter's end.
  Py_DECREF(swap_unobserved_hook(Py_None));
  if (Runtime::exists()) {
    int left = 0;
    {
      const GilRelease release;
      left = Runtime::instance().close_blocking(bound);
    }
    if (left > 0) {
      log_line("[tine] " + std::to_string(left) + (left == 1 ? " handler" : " handlers") +
               " did not return within " + (failed ? "0.5" : "5") + " s of the interpreter's end and " +
               (left == 1 ? "is" : "are") + " left behind");
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
     "collect_all(futures)\n--\n\n"
     "A Future of the list of those very futures, done when all of them are.\n\n"
     "When some failed it fails with the exception of the first of them in the list's order. TypeError names "
     "the\n"
     "index of what is no Future. Source: torch.futures.collect_all.\n\n"
     "Another library's futures are taken as well, here and by the other functions of many futures: what "
     "has\n"
     "add_done_callback() and value() or result(), as those of torch.futures, c10d, concurrent.futures, "
     "asyncio."},
    {"wait_all", as_method(wait_all), METH_FASTCALL | METH_KEYWORDS,
     "wait_all(futures, timeout=None)\n--\n\n"
     "The list of the values of all those futures; raises as soon as one of them has failed.\n\n"
     "timeout: seconds for all of them together, then TimeoutError. Source: torch.futures.wait_all."},
    {"collect_all_settled", as_method(one_argument<collect_all_settled, kFuturesName>),
     METH_FASTCALL | METH_KEYWORDS,
     "collect_all_settled(futures)\n--\n\n"
     "A Future of the list of those very futures, done when all of them are. It never fails."},
    {"collect_any", as_method(one_argument<collect_any, kFuturesName>), METH_FASTCALL | METH_KEYWORDS,
     "collect_any(futures)\n--\n\n"
     "A Future of (index, future): the one of those futures that is done first, failed or not.\n\n"
     "The others go on. ValueError for an empty list."},
    {"as_completed", as_method(as_completed), METH_FASTCALL | METH_KEYWORDS,
     "as_completed(futures, timeout=None)\n--\n\n"
     "An iterator over those very futures in the order in which they become done, also for `async for`.\n\n"
     "timeout: seconds from this call, then TimeoutError; what has been done by then is handed out before."},
    {"set_unobserved_error_hook", swap_hook, METH_O,
     "set_unobserved_error_hook(hook, /)\n--\n\n"
     "hook(exception) is told of errors that nobody looked at; returns the hook before it.\n\n"
     "They are: that of a failed Future which went without wait(), value(), exception(), await, a callback "
     "or a\n"
     "combinator (a note says where it was made; never Cancelled), and what a callback of add_done_callback\n"
     "raised. None, the default: one line on stderr for the former, sys.unraisablehook for the latter."},
    {"from_numpy", from_numpy, METH_O,
     "from_numpy(array, /)\n--\n\n"
     "A tensor on the array's memory: same shape, no copy; writes show on both sides.\n\n"
     "TypeError for element types that tine does not have, ValueError for negative strides. Takes whatever "
     "exports\n"
     "a buffer. Source: torch.from_numpy."},
    {"from_dlpack", from_dlpack, METH_O,
     "from_dlpack(array, /)\n--\n\n"
     "A tensor on the memory of another library's array or of a DLPack capsule: no copy.\n\n"
     "TypeError for element types that tine does not have, ValueError for memory outside the CPU. Source: "
     "DLPack."},
    {"manual_seed", manual_seed, METH_O,
     "manual_seed(seed, /)\n--\n\nStarts the random numbers of rand, randn, randint and randperm anew from "
     "seed, an int."},
    {"_rebuild_tensor", rebuild_tensor, METH_VARARGS, nullptr},
    {"_set_package", set_package, METH_O, nullptr},
    {"_at_exit", at_exit, METH_NOARGS, nullptr},
    {"_after_fork_in_child", after_fork, METH_NOARGS, nullptr},
    {}};

// Apart: `gather` in the module is the operator of that name.
PyMethodDef gather_function = {
    "gather", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(gather)), METH_FASTCALL,
    "gather(*futures)\n--\n\n"
    "A Future of the list of the values of all those futures, given one by one or as one list.\n\n"
    "The first failure in time is its failure at once, and those that are still pending are cancelled."};

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

bool init(PyObject* module) {
  tine::detail::watch_forks();
  return abi::init_abi(module) && init_errors(module) && init_future(module) && init_callbacks() &&
         init_completed() && init_promise(module) && init_others(module) && init_grad_mode(module) &&
         init_pool(module) && init_dtypes(module) && init_tensor(module) &&
         PyModule_AddFunctions(module, functions) == 0 && add_as(module, "_gather", &gather_function) &&
         init_builtins(module) && init_script(module) && init_missing(module) && init_rpc(module) &&
         register_hooks(module);
}

}  // namespace
}  // namespace tine::python

// What PYBIND11_MODULE would write, and a look before it: the types, and the module's own definition, are the process's.
// A copy under another name would make them again, and tear them down at the end.
PYBIND11_PLUGIN_IMPL(_C) {
  if (tine::python::types.future) {
    PyErr_SetString(
        PyExc_ImportError,
        "tine's extension is loaded already, as tine._C, and cannot be loaded again under another name");
    return nullptr;
  }
  PYBIND11_CHECK_PYTHON_VERSION
  PYBIND11_ENSURE_INTERNALS_READY
  static pybind11::module_::module_def definition;
  auto module = pybind11::module_::create_extension_module("_C", nullptr, &definition);
  try {
    if (!tine::python::init(module.ptr())) throw pybind11::error_already_set();
    // What bindings made with pybind11 throw: the same classes, the same objects.
    pybind11::register_exception_translator([](std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const tine::Error&) {
        tine::python::raise(std::current_exception());
      }
    });
    return module.ptr();
  }
  PYBIND11_CATCH_INIT_EXCEPTIONS
  return nullptr;
}
