# Classes of scripts that are refused, in the form of wrong_forms.py.
class A:
    def __init__(self):
        self.y = self.x  ### has no attribute or method `x`
        self.x = 1
# ---
class A:
    def __init__(self):
        self.x = 1
    def more(self):
        self.z = 2  ### has no attribute `z`
# ---
class A:
    def __init__(self, b: bool):
        if b:
            self.x = 1  ### the first assignment to an attribute cannot stand inside an `if` or a loop; give `self.x` a value before
# ---
class A:
    def __init__(self, n: int):
        for i in range(n):
            self.x = i  ### the first assignment to an attribute cannot stand inside an `if` or a loop
# ---
class A:
    def __init__(self):
        self.x = 1
        self.x = "a"  ### the attribute `x` is int and cannot be given a value of type str
# ---
class A:
    def __init__(self):
        self.x = None
    def set(self):
        self.x = 3  ### annotate it in __init__: `self.x: Optional[int] = None`
# ---
class A:
    x: int
    def __init__(self):
        self.x = "a"  ### the attribute `x` is int and cannot be given a value of type str
# ---
class A:
    x: int
    def __init__(self):
        self.y = self.x  ### it is declared, but `__init__` has not assigned to it here
# ---
class A:
    x: Nothing  ### undefined type `Nothing`
    def __init__(self):
        self.x = 1
# ---
class A(B):  ### classes of scripts have no base classes; keep an object of that class in an attribute
    def __init__(self):
        self.x = 1
# ---
@dataclass  ### a text has no dataclasses; write the class with its `__init__`
class A:
    x: int
# ---
class A:
    def f(self):
        pass
    def f(self):  ### `f` is defined twice in `A`
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
class A:  ### `A` is defined twice in this source
    def __init__(self):
        self.x = 2
# ---
def A():
    return 1
class A:  ### `A` is defined twice in this source
    def __init__(self):
        self.x = 2
# ---
class A:
    def f():  ### a method has at least the parameter `self`
        pass
# ---
class A:
    @classmethod
    def f():  ### a class method has at least the parameter `cls`
        pass
# ---
class A:
    def __init__(self, x: int):
        self.x = x
def f() -> int:
    return A().x  ### `A` needs a value for `x`: it takes 1 argument, got 0
# ---
class A:
    def __init__(self, x: int):
        self.x = x
def f() -> int:
    return A(1, 2).x  ### `A` takes 1 positional argument, got 2
# ---
class A:
    def __init__(self, x: int):
        self.x = x
def f() -> int:
    return A("a").x  ### `A` expects int for `x`, got str
# ---
class A:
    def __init__(self, count: int):
        self.count = count
def f() -> int:
    return A(1).cuont  ### has no attribute or method `cuont`; did you mean `count`?
# ---
class A:
    pass
def f() -> int:
    a = A(1)  ### `A` takes 0 arguments, got 1
    return 1
# ---
class A:
    def __init__(self):
        self.x = 1
def f() -> int:
    return A.x  ### `x` is an attribute of the objects of `A`, not of the class
# ---
class A:
    def __init__(self):
        self.x = 1
    def get(self) -> int:
        return self.x
def f() -> int:
    return A.gte(A())  ### the class `A` has no `gte`; did you mean `get`?
# ---
class A:
    def __init__(self):
        self.x = 1
    @property
    def double(self) -> int:
        return self.x * 2
def f(a: A):
    a.double = 3  ### the property `double` of `__main__.A` has no setter; define one: `@double.setter`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return a + 1  ### `+` does not take __main__.A and int; define `__add__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> bool:
    return a < a  ### define `__lt__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return a[0]  ### __main__.A cannot be indexed; define `__getitem__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A):
    a[0] = 1  ### define `__setitem__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return len(a)  ### __main__.A has no length; define `__len__` in the class `A`
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    if a:  ### define `__bool__` in the class `A`
        return 1
    return 2
# ---
class A:
    def __init__(self):
        self.x = 1
def f(a: A) -> int:
    return a(1)  ### has no attribute or method `__call__`
# ---
class A:
    def __init__(self):
        self.next: Optional["A"] = None
        self.x = 1
def f(a: A) -> int:
    return a.next.x  ### Optional[__main__.A] has no `x`
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
    return f(B())  ### `f` expects __main__.A for `a`, got __main__.B
# ---
def f():
    with 3:  ### `with` takes an object of a class that has `__enter__` and `__exit__`, not int
        pass
# ---
class A:
    def __init__(self):
        self.x = 1
    def __enter__(self):
        pass
def f():
    with A():  ### `__main__.A` has no `__exit__`
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
    with A():  ### `__exit__` takes four parameters
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
    with A():  ### the parameters of `__exit__` must be Any (or Optional)
        pass
# ---
def f():
    with torch.no_grad(1):  ### takes 0 arguments, got 1
        pass
# ---
def f():
    with torch.profiler.record_function(3):  ### the name must be a str, not int
        pass
# ---
def f():
    x = torch.no_grad()  ### this can only be used in `with`
# ---
@torch.jit.interface
class I:
    def one(self, x: int):  ### a method of an interface declares its result
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
    i: I = A()  ### an object of `__main__.A` cannot be a `__main__.I`: it has no method `one`
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
def f(i: I) -> int:
    return i.two()  ### `__main__.I` has no attribute or method `two`
# ---
@torch.jit.interface
class I:
    def one(self, other: "I") -> int:  ### the interface `I` names itself, which scripts do not have
        pass
def f(i: I) -> int:
    return 1
# ---
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        return x  ### the methods of an interface have no body
def f(i: I) -> int:
    return 1
# ---
@torch.jit.interface
class I:
    def one() -> int:  ### a method of an interface has at least the parameter `self`
        pass
def f(i: I) -> int:
    return 1
