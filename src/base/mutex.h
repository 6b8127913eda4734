// Mutex, MutexLock, Condition and Role under tine's own names: include/tine/detail/mutex.h.
#pragma once

#include "tine/detail/mutex.h"

namespace tine {

using detail::Condition;
using detail::Mutex;
using detail::MutexLock;
using detail::Role;

}  // namespace tine
