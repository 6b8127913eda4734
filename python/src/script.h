// Script functions, graphs and scripted objects as Python sees them.
//
// State      The types are made once, at import.
// Threads    The caller holds the lock; scripts run without it.
// Ordering   None.
// Ownership  A ScriptFunction shares what it shows with the Runtime's unit.
// Errors     As in Python: null and the indicator set.
// Cost       A call: one Value an argument, the lock given up and taken once.
// Source     torch.jit.ScriptFunction.
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
