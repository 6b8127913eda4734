#include "python/src/version.h"

#include <dlfcn.h>

#include <string_view>

// The version of the libtine.so that was loaded (cmake/TineFolder.cmake). TINE_VERSION is that of the headers.
extern "C" const char tine_version[];

namespace tine::python {
namespace {

const char* file_of(const void* place) {
  Dl_info info;
  return ::dladdr(place, &info) != 0 && info.dli_fname ? info.dli_fname : "a file without a name";
}

}  // namespace

const char kVersion[] = TINE_VERSION;

bool check_version() {
  if (std::string_view(tine_version) == kVersion) return true;
  PyErr_Format(
      PyExc_ImportError,
      "two versions of tine are mixed: the extension %s is %s, and the library %s that was loaded with it is "
      "%s; remove one of them, or take it out of LD_LIBRARY_PATH and LD_PRELOAD",
      file_of(kVersion), kVersion, file_of(tine_version), tine_version);
  return false;
}

}  // namespace tine::python
