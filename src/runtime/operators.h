// The operator table as bindings see it: rows, schemas, resolution, calls.
#pragma once

#include "src/value/op_table.h"
#include "tine/runtime.h"
