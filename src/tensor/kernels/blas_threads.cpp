// OpenBLAS's own threads, of which tine has no use: a large product is split over tine's pool.
//
// OpenBLAS starts one for each processor when it is loaded, and each spins for 26 ms. The Python package tells it not to
// (python/tine/__init__.py); in a C++ program they are stopped by the first Runtime. OpenBLAS starts them again when another user of
// it (NumPy, say) asks it for several threads.
#include <dirent.h>

#include "src/tensor/kernels/blas.h"
#include "src/tensor/kernels/linear.h"

// Not in a build of OpenBLAS without threads, nor in that of PyPI.
extern "C" [[gnu::weak]] int blas_thread_shutdown_();

namespace tine::tensor {
namespace {

int threads_of_process() noexcept {
  DIR* const tasks = ::opendir("/proc/self/task");
  if (!tasks) return 0;
  int count = 0;
  while (const dirent* const task = ::readdir(tasks)) count += task->d_name[0] != '.' ? 1 : 0;
  ::closedir(tasks);
  return count;
}

}  // namespace

void use_one_blas_thread() noexcept {
  const int of_blas = openblas_get_num_threads();  // this one is counted
  if (of_blas == 1) return;
  // A product that OpenBLAS computes on its threads would never end. So they are stopped only where there is no thread but
  // those and this one, which is not in a product.
  const bool stop = blas_thread_shutdown_ && threads_of_process() == of_blas;
  openblas_set_num_threads(1);  // first: it starts them where they are not running
  if (stop) blas_thread_shutdown_();
}

}  // namespace tine::tensor
