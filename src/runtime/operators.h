// The operator table as bindings see it: rows, schemas, resolution, calls.
#pragma once

#include "src/value/fits.h"
#include "src/value/op_table.h"
#include "src/value/torch_names.h"
#include "tine/runtime.h"
