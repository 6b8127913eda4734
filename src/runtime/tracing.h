// Tracing as bindings see it.
#pragma once

#include "src/runtime/script.h"
#include "src/trace/tracer.h"
