// Linked into each C++ test under ThreadSanitizer. libstdc++ counts the references of an exception with atomics that the
// sanitizer does not see, so it takes the end of an exception for a race with the last look at it by another thread. The
// functions that have a name are in cmake/tsan.supp; the free of the memory has no frame of its own: it is hidden here.

#include <dlfcn.h>

extern "C" {
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);

[[gnu::visibility("default")]] void __cxa_free_exception(void* exception) noexcept;
void __cxa_free_exception(void* exception) noexcept {
  static const auto real = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_NEXT, "__cxa_free_exception"));
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  real(exception);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}
}
