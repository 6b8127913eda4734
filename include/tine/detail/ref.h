// Intrusive reference counts: RefCounted is the base of everything that a Value or a Future points to, Ref<T> owns one
// reference.
//
// A count starts at 1, which is the creator's reference. Ref<T>::adopt takes over a reference, Ref<T>::share adds one.
// retain() and release() may be called from any thread; the last release() happens after all others. Copying is one relaxed
// addition. A sole owner releases without a read-modify-write: if it sees a count of 1, nobody is left who could add to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "tine/detail/export.h"

namespace tine::detail {

class RefCounted;
// Deletes it. Where deletions nest more than 64 deep it is queued, and the outermost one on this thread deletes it: so a long
// chain of objects needs a bounded stack.
TINE_API void destroy(RefCounted* object) noexcept;

class TINE_API RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    // A count of 1 is this reference, so nobody is left who could add one.
    if (refs_.load(std::memory_order_acquire) == 1 || refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy(const_cast<RefCounted*>(this));
    }
  }
  // "True" stays true for the holder of that one reference; "false" may be out of date.
  [[nodiscard]] bool sole_owner() const noexcept { return refs_.load(std::memory_order_acquire) == 1; }
  // For a garbage collector, which knows whose references there may be.
  [[nodiscard]] uint32_t references() const noexcept { return refs_.load(std::memory_order_acquire); }

 protected:
  // For a caller that holds two references: gives one up if these are all there are. Else does nothing and returns false.
  [[nodiscard]] bool release_one_of_two() const noexcept {
    if (refs_.load(std::memory_order_acquire) != 2) return false;
    refs_.store(1, std::memory_order_relaxed);
    return true;
  }

  explicit RefCounted(uint32_t references = 1) noexcept : refs_(references) {}
  virtual ~RefCounted() = default;

 private:
  friend void destroy(RefCounted*) noexcept;
  friend void destroy_buried() noexcept;
  mutable std::atomic<uint32_t> refs_;
};

template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  Ref(std::nullptr_t) noexcept {}
  [[nodiscard]] static Ref adopt(T* p) noexcept {
    Ref r;
    r.p_ = p;
    return r;
  }
  [[nodiscard]] static Ref share(T* p) noexcept {
    if (p) p->retain();
    return adopt(p);
  }
  Ref(const Ref& o) noexcept : p_(o.p_) {
    if (p_) p_->retain();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> Ref(const Ref<U>& o)
  noexcept : p_(o.get()) {
    if (p_) p_->retain();
  }
  template <class U>
  requires std::is_convertible_v<U*, T*> Ref(Ref<U>&& o)
  noexcept : p_(o.leak()) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_) p_->release();
  }

  [[nodiscard]] T* get() const noexcept { return p_; }
  [[nodiscard]] T* leak() noexcept { return std::exchange(p_, nullptr); }
  T& operator*() const noexcept { return *p_; }
  T* operator->() const noexcept { return p_; }
  explicit operator bool() const noexcept { return p_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.p_ == b.p_; }

 private:
  T* p_ = nullptr;
};

template <class T, class... Args>
[[nodiscard]] Ref<T> make_ref(Args&&... args) {
  return Ref<T>::adopt(new T(std::forward<Args>(args)...));
}

}  // namespace tine::detail
