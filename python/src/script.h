// Script functions, graphs and scripted objects as Python sees them (torch.jit.ScriptFunction).
//
// A ScriptFunction shares its function with the Runtime's unit. The caller holds the interpreter's lock; a script runs
// without it. A call makes one Value for each argument and releases and takes the lock once.
#pragma once

#include <memory>

#include "python/src/convert.h"
#include "src/runtime/script.h"

namespace tine::python {

struct ScriptTypes {
  PyTypeObject* function = nullptr;
  PyTypeObject* graph = nullptr;
  PyTypeObject* object_type = nullptr;
  PyTypeObject* object = nullptr;
};
extern ScriptTypes script_types;

[[nodiscard]] PyObject* wrap_function(ScriptRef f);
[[nodiscard]] PyObject* wrap_graph(std::shared_ptr<const ir::Graph> graph);
// The function that the object shows; null when it is no ScriptFunction.
[[nodiscard]] const ScriptFunction* function_of(PyObject* object) noexcept;
// Null when it is no ObjectType.
[[nodiscard]] std::shared_ptr<const ObjectType> object_type_of(PyObject* object);

// A source tuple of tine.jit._names to what the compiler takes.
[[nodiscard]] compile::FunctionSource function_source_of(PyObject* tuple);

// Ctrl-C for scripts that run on Python's main thread; null on others.
[[nodiscard]] vm::Poll* interrupt_poll() noexcept;

// script_objects.cpp's part of the module, and all of it.
[[nodiscard]] bool init_script(PyObject* module);
[[nodiscard]] bool init_script_objects(PyObject* module);

}  // namespace tine::python
