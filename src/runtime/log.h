// The log as bindings see it.
#pragma once

#include "src/base/log.h"
