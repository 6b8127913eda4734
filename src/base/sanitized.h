// Whether this build runs under a sanitizer, which is to see each use of memory after its end.
#pragma once

namespace tine {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// Whether a child of fork(2) may start threads: ThreadSanitizer allows none.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadsInChild = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool kThreadsInChild = false;
#else
inline constexpr bool kThreadsInChild = true;
#endif
#else
inline constexpr bool kThreadsInChild = true;
#endif

}  // namespace tine
