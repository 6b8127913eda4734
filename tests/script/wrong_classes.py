# Classes of scripts that are refused, in the form of wrong_forms.py.
class A:
    def __init__(self):
        self.y = self.x  ### 23: `__main__.A` has no attribute or method `x`
        self.x = 1
# ---
class A:
    def __init__(self):
        self.x = 1
    def more(self):
        self.z = 2  ### 14: `__main__.A` has no attribute `z`; create it in __init__
# ---
class A:
    def __init__(self, b: bool):
        if b:
            self.x = 1  ### 13: the first assignment to an attribute cannot stand inside an `if` or a loop; give `self.x` a value before
# ---
class A:
    def __init__(self, n: int):
        for i in range(n):
            self.x = i  ### 13: the first assignment to an attribute cannot stand inside an `if` or a loop; give `self.x` a value before
# ---
class A:
    def __init__(self):
        self.x = 1
        self.x = "a"  ### 18: the attribute `x` is int and cannot be given a value of type str
# ---
class A:
    def __init__(self):
        self.x = None
    def set(self):
        self.x = 3  ### 18: the attribute `x` is None and cannot be given a value of type int; annotate it in __init__: `self.x: Optional[int] = None`
# ---
class A:
    x: int
    def __init__(self):
        self.x = "a"  ### 18: the attribute `x` is int and cannot be given a value of type str
# ---
class A:
    x: int
    def __init__(self):
        self.y = self.x  ### 23: `__main__.A` has no attribute or method `x`; it is declared, but `__init__` has not assigned to it here
# ---
class A:
    x: Nothing  ### 8: undefined type `Nothing`
    def __init__(self):
        self.x = 1
# ---
class A(B):  ### 9: classes of scripts have no base classes; keep an object of that class in an attribute
    def __init__(self):
        self.x = 1
# ---
@dataclass  ### 2: a text has no dataclasses; write the class with its `__init__`
class A:
    x: int
# ---
class A:
    def f(self):
        pass
    def f(self):  ### 9: `f` is defined twice in `A`
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
class A:  ### 7: `A` is defined twice in this source
    def __init__(self):
        self.x = 2
# ---
def A():
    return 1
class A:  ### 7: `A` is defined twice in this source
    def __init__(self):
        self.x = 2
# ---
class A:
    def f():  ### 9: a method has at least the parameter `self`
        pass
# ---
class A:
    @classmethod
    def f():  ### 9: a class method has at least the parameter `cls`
        pass
# ---
class A:
    def __init__(self, x: int):
        self.x = x
def f() -> int:
    return A().x  ### 12: `A` needs a value for `x`: it takes 1 argument, got 0
# ---
class A:
    def __init__(self, x: int):
        self.x = x
def f() -> int:
    return A(1, 2).x  ### 17: `A` takes 1 positional argument, got 2
# ---
class A:
    def __init__(self, x: int):
        self.x = x
def f() -> int:
    return A("a").x  ### 14: `A` expects int for `x`, got str
# ---
class A:
    def __init__(self, count: int):
        self.count = count
def f() -> int:
    return A(1).cuont  ### 17: `__main__.A` has no attribute or method `cuont`; did you mean `count`?
# ---
class A:
    pass
def f() -> int:
    a = A(1)  ### 9: `A` takes 0 arguments, got 1
    return 1
# ---
class A:
    def __init__(self):
        self.x = 1
def f() -> int:
    return A.x  ### 14: `x` is an attribute of the objects of `A`, not of the class
# ---
class A:
    def __init__(self):
        self.x = 1
    def get(self) -> int:
        return self.x
def f() -> int:
    return A.gte(A())  ### 14: the class `A` has no `gte`; did you mean `get`?
# ---
class A:
    def __init__(self):
        self.x = 1
    @property
    def double(self) -> int:
        return self.x * 2
def f(a: A):
    a.double = 3  ### 5: the property `double` of `__main__.A` has no setter; define one: `@double.setter`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return a + 1  ### 12: `+` does not take __main__.A and int; define `__add__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> bool:
    return a < a  ### 12: `<` does not take __main__.A and __main__.A; define `__lt__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return a[0]  ### 12: __main__.A cannot be indexed; define `__getitem__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    a[0] = 1  ### 5: the elements of __main__.A cannot be assigned to; define `__setitem__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return len(a)  ### 16: __main__.A has no length; define `__len__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    if a:  ### 8: expected a condition (bool, int, float, str, list, dict or Tensor), got __main__.A; define `__bool__` in the class `A`
        return 1
    return 2
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return a(1)  ### 12: `__main__.A` has no attribute or method `__call__`
# ---
class A:
    def __init__(self):
        self.next: Optional["A"] = None
        self.x = 1
def f(a: A) -> int:
    return a.next.x  ### 12: Optional[__main__.A] has no `x`; an attribute may change between its test and its use, so assign it to a variable first, `next = a.next`, and test that one: `if next is not None:`
# ---
class A:
    def __init__(self):
        self.x = 1
class B:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return 1
def g() -> int:
    return f(B())  ### 14: `f` expects __main__.A for `a`, got __main__.B
# ---
def f():
    with 3:  ### 10: `with` takes an object of a class that has `__enter__` and `__exit__`, not int
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
    def __enter__(self):
        pass
def f():
    with A():  ### 10: `__main__.A` has no `__exit__`; `with` needs `__enter__(self)` and `__exit__(self, type: Any, value: Any, tb: Any)`
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
    def __enter__(self):
        pass
    def __exit__(self):
        pass
def f():
    with A():  ### 10: `__exit__` takes four parameters: `def __exit__(self, type: Any, value: Any, tb: Any)`
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
    def __enter__(self):
        pass
    def __exit__(self, a: int, b: Any, c: Any):
        pass
def f():
    with A():  ### 10: the parameters of `__exit__` must be Any (or Optional), because it gets None for each: `def __exit__(self, type: Any, value: Any, tb: Any)`
        pass
# ---
def f():
    with torch.no_grad(1):  ### 10: `torch.no_grad` takes 0 arguments, got 1
        pass
# ---
def f():
    with torch.profiler.record_function(3):  ### 41: the name must be a str, not int
        pass
# ---
def f():
    x = torch.no_grad()  ### 9: this can only be used in `with`, as in `with torch.no_grad():`
# ---
@torch.jit.interface
class I:
    def one(self, x: int):  ### 9: a method of an interface declares its result: `def one(...) -> Tensor:`
        pass
def f(i: I) -> int:
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
class A:
    def __init__(self):
        self.x = 1
def f() -> int:
    i: I = A()  ### 12: an object of `__main__.A` cannot be a `__main__.I`: it has no method `one`
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
def f(i: I) -> int:
    return i.two()  ### 14: `__main__.I` has no attribute or method `two`
# ---
@torch.jit.interface
class I:
    def one(self, other: "I") -> int:  ### 27: the interface `I` names itself, which scripts do not have
        pass
def f(i: I) -> int:
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        return x  ### 9: the methods of an interface have no body; write `pass`
def f(i: I) -> int:
    return 1
# ---
@torch.jit.interface
class I:
    def one() -> int:  ### 9: a method of an interface has at least the parameter `self`
        pass
def f(i: I) -> int:
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
class A:
    def __init__(self):
        self.x = 1
    def one(self, x: str) -> int:
        return 1
def f() -> int:
    i: I = A()  ### 12: an object of `__main__.A` cannot be a `__main__.I`: its method is `__main__.A.one(__main__.A self, str x) -> int`, and the interface has `one(self, x: int) -> int`
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
def f() -> int:
    return I().one(1)  ### 12: objects of `I` cannot be made in scripts; make them in Python and pass them in
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
def f(i: I) -> int:
    return i.one("a")  ### 18: `one` expects int for `x`, got str
# ---
class A:
    def __init__(self):
        self.x = 1
    def __getitem__(self, i: int) -> int:
        return i
def f(a: A):
    return a[1:2]  ### 14: an object of a class takes no slice in scripts; give it the bounds
# ---
class A:
    def __init__(self):
        self.x = 1
    def __getitem__(self, i: int) -> int:
        return i
def f(a: A):
    return a["x"]  ### 12: `__getitem__` expects int for `i`, got str
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    for x in a:  ### 14: a loop cannot run over an object of `__main__.A`; loop over a list that it holds or returns
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    return 1 in a  ### 12: `in` does not take int and __main__.A
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    return -a  ### 12: `-` does not take __main__.A; define `__neg__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    a += 1  ### 5: `+` does not take __main__.A and int; define `__add__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    return int(a)  ### 16: `int` does not convert __main__.A
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    return a.get()  ### 14: `__main__.A` has no attribute or method `get`
# ---
class A:
    def __init__(self):
        self.x = 1
    def get(self, n: int) -> int:
        return n
def f(a: A):
    return a.get()  ### 12: `get` needs a value for `n`: it takes 1 argument, got 0
# ---
class A:
    def __init__(self):
        self.x = 1
    def get(self, n: int) -> int:
        return n
def f(a: A):
    return a.get  ### 12: `get` is a method; call it: `get(...)`
# ---
class A:
    def __init__(self):
        self.x = 1
def f():
    return A  ### 12: `A` is a type, not a value
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> Dict[A, int]:  ### 16: the keys of a dict must be str, int, float, bool or an enum, not __main__.A
    return {}
# ---
class A:
    def __init__(self):
        self.x = 1
    @property
    def double(self) -> int:
        return self.x * 2
def f(a: A):
    return a.double()  ### 14: `double` is of type int, which cannot be called; read it as `.double`
# ---
class A:
    def __init__(self) -> int:  ### 27: `__init__` returns None, not int
        self.x = 1
# ---
class A:
    def get(self):
        return self.x  ### 21: `__main__.A` has no attribute or method `x`
# ---
class A:
    @staticmethod
    def of(n: int) -> int:
        return n
def f():
    return A.of("a")  ### 17: `A.of` expects int for `n`, got str
# ---
class A:
    @classmethod
    def of(cls, n: int) -> int:
        return cls.get(n)  ### 20: the class `A` has no `get`
# ---
class A:
    def __init__(self):
        self.x = 1
    def __lt__(self, other: int) -> bool:
        return self.x < other
def f(a: A):
    return a < "a"  ### 12: `__lt__` expects int for `other`, got str
# ---
import torch.distributed.rpc as rpc
class A:
    def __init__(self):
        self.x = 1
def f(to: str):
    return rpc.rpc_sync(to, A)  ### 29: an object of a class cannot be made on another worker from a script; call a script function that makes it
# ---
import torch.distributed.rpc as rpc
class A:
    def __init__(self):
        self.x = 1
    def get(self) -> int:
        return self.x
def f(to: str, a: A):
    return rpc.rpc_sync(to, a.get)  ### 29: a method cannot be called on another worker from a script; call a script function
# ---
import torch.distributed.rpc as rpc
class A:
    def __init__(self):
        self.x = 1
def g(a: A) -> int:
    return a.x
def f(to: str, a: A):
    return rpc.rpc_sync(to, g, (a,))  ### 12: an object of a class cannot be sent to another worker, and an argument is a __main__.A; send its attributes, in a tuple, say
# ---
import torch.distributed.rpc as rpc
class A:
    def __init__(self):
        self.x = 1
def g() -> A:
    return A()
def f(to: str):
    return rpc.rpc_sync(to, g)  ### 29: an object of a class cannot be sent to another worker, and what this returns is a __main__.A; send its attributes, in a tuple, say
# ---
def f():
    with torch.profiler.record_function():  ### 10: `torch.profiler.record_function` takes 1 to 2 arguments, got 0
        pass
# ---
def f(x: Optional[int]):
    with x:  ### 10: `with` takes an object of a class that has `__enter__` and `__exit__`, not Optional[int]; test `is not None` first
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
def f(xs: List[A]):
    return sorted(xs)  ### 12: objects of `__main__.A` cannot be sorted; define `__lt__` in the class
# ---
class A:
    def __init__(self):
        self.x = 1
def f(xs: List[A]):
    xs.sort()  ### 5: objects of `__main__.A` cannot be sorted; define `__lt__` in the class
