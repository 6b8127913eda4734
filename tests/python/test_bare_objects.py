"""Objects that were made by __new__ alone, or half made: an error at most, never a crash."""

from programs_of_futures import run_program

PROGRAM = """
    import copy, faulthandler, gc, pickle, sys, weakref
    import tine
    from tine import futures, jit, nn, distributed
    from tine.distributed import rpc
    faulthandler.enable()

    def extension_types():
        found, todo = set(), [object]
        while todo:
            for cls in type.__subclasses__(todo.pop()):
                todo.append(cls)
                module = cls.__dict__.get("__module__", "")
                if isinstance(module, str) and module.split(".")[0] == "tine": found.add(cls)
        return sorted(found, key=lambda cls: cls.__module__ + cls.__qualname__)

    def attempt(what):
        try:
            return what()
        except Exception:
            return None

    def use(bare):
        cls = type(bare)
        for name in dir(cls):
            member = attempt(lambda: getattr(bare, name))
            if callable(member) and name not in ("__init__", "__class__", "__init_subclass__", "__subclasshook__"):
                attempt(member)
                attempt(lambda: member(bare))
                attempt(lambda: member(None, None))
        for what in (repr, str, hash, len, iter, list, bool, bytes, float, int, memoryview, weakref.ref, copy.copy, copy.deepcopy,
                     pickle.dumps, vars, dir, lambda b: b == b, lambda b: b < b, lambda b: b + b, lambda b: b[0], lambda b: b(),
                     lambda b: setattr(b, "x", 1), lambda b: pickle.loads(pickle.dumps(b)), lambda b: b.__setstate__({}),
                     lambda b: b.__setstate__(()), lambda b: tine.tensor(b), lambda b: tine.add(b, b),
                     lambda b: jit.wait(b), lambda b: futures.collect_all([b])):
            attempt(lambda: what(bare))

    kinds = extension_types()
    made = []
    for cls in kinds:
        print(cls.__module__, cls.__qualname__, flush=True)  # the last one, if it crashes
        bare = attempt(lambda: cls.__new__(cls))
        for args in ((1,), (None, None), ("x", "y", "z")):
            if bare is None:
                bare = attempt(lambda: cls.__new__(cls, *args))
        if bare is not None:
            made.append(cls.__qualname__)
            use(bare)
        # and a subclass, as a user might write it
        sub = attempt(lambda: type("Sub", (cls,), {"__init__": lambda self, *a: None}))
        if sub is not None:
            for derived in (attempt(lambda: sub()), attempt(lambda: sub.__new__(sub))):
                if derived is not None:
                    use(derived)
        del bare
        gc.collect()
    for wanted in ("RRef", "WorkerInfo", "Future", "Tensor"):
        assert wanted in made, made
    print("all lived")
"""


def test_no_object_made_by_new_alone_crashes_whatever_is_done_with_it():
    assert run_program(PROGRAM, timeout=100).stdout.endswith("all lived\n")


def test_an_rref_and_a_worker_info_made_by_new_alone_say_so():
    run_program("""
        from tine.distributed import rpc
        for cls in (rpc.RRef, rpc.WorkerInfo):
            bare = cls.__new__(cls)
            for use in (repr, hash, lambda b: b == b, lambda b: b.__reduce_ex__(2)):
                try: use(bare)
                except TypeError as error: assert "__new__ alone" in str(error) and cls.__name__ in str(error), error
                else: raise SystemExit(f"{cls} {use}")
    """)
