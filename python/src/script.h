// Script functions, graphs and scripted objects as Python sees them (torch.jit.ScriptFunction).
//
// A ScriptFunction shares its function with the Runtime's unit. The caller holds the interpreter's lock; a script runs
// without it. A call makes one Value for each argument and releases and takes the lock once.
#pragma once

#include <memory>
#include <string_view>

#include "python/src/convert.h"
#include "src/runtime/script.h"
#include "tine/script.h"

namespace tine::python {

[[nodiscard]] PyObject* wrap_function(script::Function f);
[[nodiscard]] PyObject* wrap_graph(script::Graph graph);
// The function that the object shows; null if the object is not a ScriptFunction.
[[nodiscard]] const script::Function* function_of(PyObject* object) noexcept;
[[nodiscard]] PyObject* wrap_object_type(std::shared_ptr<const ObjectType> type);
// Null if the object is not an ObjectType.
[[nodiscard]] std::shared_ptr<const ObjectType> object_type_of(PyObject* object);

// The type that a text names, whose classes are those that Python knows. Throws SyntaxError.
[[nodiscard]] TypePtr script_type(std::string_view text);
// The value as one of that type: a Python object becomes an object of the class that the type names there, by the object's
// attributes. Lists and dicts in the value are changed. TypeError where an attribute is missing or does not fit.
[[nodiscard]] Value with_objects(Value value, const TypePtr& type);
// The value of to_value() as a script takes one of that type: with_objects(), members of enums and named tuples for what stands
// for them, and floats for ints, also within. What does not fit all the same is the caller's to refuse.
[[nodiscard]] Value as_type(Value value, const TypePtr& type);
[[nodiscard]] bool holds_object(const Type& type);

// What a tine._C.FunctionSource holds; TypeError for other objects.
[[nodiscard]] std::shared_ptr<const script::FunctionSource> function_source_of(PyObject* object);

// Ctrl-C for scripts that run on Python's main thread; null on others.
[[nodiscard]] ScriptPoll interrupt_poll() noexcept;

// Python's own search for an attribute; when it finds none, the error says what is not there yet of what PyTorch has.
[[nodiscard]] PyObject* find_attribute(PyObject* self, PyObject* name, std::string_view place);

// The text of a str, which the object keeps; throws for other objects.
[[nodiscard]] std::string_view utf8(PyObject* text);
[[nodiscard]] bool add_type(PyObject* module, PyType_Spec* spec, PyTypeObject** into);

// The module's parts of graph.cpp, script_objects.cpp and script_resolver.cpp, and all of it.
[[nodiscard]] bool init_graph(PyObject* module);
[[nodiscard]] bool init_script_objects(PyObject* module);
[[nodiscard]] bool init_script_resolver(PyObject* module);
[[nodiscard]] bool init_script(PyObject* module);

}  // namespace tine::python
