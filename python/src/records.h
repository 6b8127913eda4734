// Named tuples and enums between Python and scripts: a class of Python's has one script type (tine/jit/_records.py), and a
// value of that type is shown as an object of that class. The caller holds the interpreter's lock.
#pragma once

#include <tine/type.h>

#include "python/src/python.h"

namespace tine::python {

// The classes that scripts have met, by the names of their types.
[[nodiscard]] TypeNames& known_types();
// The script type of a class of Python's; null for one that no script has met.
[[nodiscard]] TypePtr type_of_class(PyTypeObject* cls);

// An instance of the class; null with the indicator set. The items are taken from `tuple`, a plain one.
[[nodiscard]] PyObject* instance_of(const NamedTupleType& type, PyObject* tuple);
// The member as a Value; false if the object is none of an enum that a script has met.
[[nodiscard]] bool enum_to_value(PyObject* object, Value* value);

[[nodiscard]] bool init_records(PyObject* module);

}  // namespace tine::python
