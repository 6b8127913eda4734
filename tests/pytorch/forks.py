"""Workers that are forks of one warmed process: everything is imported once and no thread is started before, which
makes a worker cost milliseconds instead of two seconds. A fork ends as a spawned process does: its interpreter is finalized,
then static objects are destroyed. That is most of a small test's cost, so it can be left out (finalizing)."""

import atexit
import ctypes
import gc
import multiprocessing.context
import multiprocessing.popen_fork
import multiprocessing.util
import os

finalizing = True
only_parents = []  # descriptors that a fork closes


class FinalizingPopen(multiprocessing.popen_fork.Popen):
    def _launch(self, process):
        parent_read, child_write = os.pipe()
        child_read, parent_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (parent_read, parent_write, *only_parents):
                os.close(descriptor)
            code = 1
            try:
                code = process._bootstrap(parent_sentinel=child_read)
            finally:
                if finalizing:
                    ctypes.pythonapi.Py_Exit(code)
                atexit._run_exitfuncs()
                os._exit(code)
        os.close(child_write)
        os.close(child_read)
        self.finalizer = multiprocessing.util.Finalize(self, multiprocessing.util.close_fds, (parent_read, parent_write))
        self.sentinel = parent_read


class ForkedProcess(multiprocessing.context.ForkProcess):
    @staticmethod
    def _Popen(process):
        return FinalizingPopen(process)


def ready():
    """Once everything is imported."""
    gc.collect()
    gc.freeze()  # what was imported is not collected again at the end of each fork: 0.9 s each


def threads_of(pid):
    lines = []
    for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        try:
            with open(f"/proc/{pid}/task/{task}/comm") as comm, open(f"/proc/{pid}/task/{task}/wchan") as wchan:
                lines.append(f"  {task} {comm.read().strip()}: {wchan.read().strip() or 'running'}")
        except OSError:
            pass  # it ended meanwhile
    return lines
