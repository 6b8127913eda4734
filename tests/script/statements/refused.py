# Small programs: refused for what stands outside of them. test_statements.py says how they are written.
# --- index_of_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor, i: int) -> Tensor:
        return self.ms[i](x)  ### 24: the index into a module must be a constant int or str, so that its type is known
# --- index_out_of_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor) -> Tensor:
        return self.ms[2](x)  ### 24: tine.nn.containers.ModuleList has 2 modules, so no index 2
# --- key_of_no_module
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"plus": Plus()})
    def forward(self, x: Tensor) -> Tensor:
        return self.ms["plsu"](x)  ### 24: `tine.nn.containers.ModuleDict` has no attribute or method `plsu`; did you mean `plus`?
# --- list_of_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Plus()])
    def forward(self, x: Tensor) -> Tensor:
        ms = list(self.ms)  ### 19: modules stay in their container; loop over it
        return ms[0](x)
# --- dict_of_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": Plus()})
    def forward(self, x: Tensor) -> Tensor:
        ms = dict(self.ms.items())  ### 19: modules stay in their container; loop over it
        return ms["a"](x)
# --- number_in_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": Plus()})
    def forward(self, x: Tensor) -> bool:
        return 3 in self.ms  ### 16: `in` does not take int and tine.nn.containers.ModuleDict
# --- loop_over_a_module
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
    def forward(self, x: Tensor) -> Tensor:
        for m in self.a:  ### 18: a loop can run over a ModuleList, a Sequential or a ModuleDict; `test_statements.Plus` is none of these
            x = m(x)
        return x
# --- attribute_that_is_none
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = None
    def forward(self, x: int) -> int:
        self.seen = x  ### 21: the attribute `seen` is None and cannot be given a value of type int; annotate it in the class, not in __init__: `seen: Optional[int]`
        return x
# --- attribute_of_another_type
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 1
    def forward(self, x: str) -> int:
        self.count = x  ### 22: the attribute `count` is int and cannot be given a value of type str
        return 1
# --- attribute_that_is_new
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 1
    def forward(self, x: int) -> int:
        self.cuont = x  ### 14: `small_program.M` has no attribute `cuont`; did you mean `count`?
        return 1
# --- attribute_that_is_unknown
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 1
    def forward(self, x: int) -> int:
        return self.cuont + x  ### 21: `small_program.M` has no attribute or method `cuont`; did you mean `count`?
# --- constant_is_assigned
class M(nn.Module):
    __constants__ = ["count"]
    def __init__(self):
        super().__init__()
        self.count = 1
    def forward(self, x: int) -> int:
        self.count = x  ### 14: `count` is a constant of `small_program.M` (Final, or named in __constants__) and cannot be assigned to
        return x
# --- final_is_assigned
from typing import Final
class M(nn.Module):
    count: Final[int]
    def __init__(self):
        super().__init__()
        self.count = 1
    def forward(self, x: int) -> int:
        self.count += x  ### 14: `count` is a constant of `small_program.M` (Final, or named in __constants__) and cannot be assigned to
        return x
# --- final_list_of_two_types
from typing import Final
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.both: Final = [1, "a"]
    def forward(self, x: int) -> int:
        return x + len(self.both)  ### 29: attribute `both` of `M` is a list whose elements are of different types: int, str
# --- attribute_list_of_two_types
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.both = [1, "a"]
    def forward(self, x: int) -> int:
        return x + len(self.both)  ### 29: attribute `both` of `M` is a list whose elements are of different types: int, str
# --- attribute_that_is_an_object
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.thing = object()
    def forward(self, x: int) -> int:
        print(self.thing)  ### 20: attribute `thing` of `M` is a value of type object, which scripts cannot hold; pass what is needed of it as an argument, or keep numbers, strings, Tensors, lists, dicts and tuples of them in attributes
        return x
# --- module_is_an_argument
def g(x: Tensor) -> Tensor:
    return x
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
    def forward(self, x: Tensor) -> Tensor:
        return g(self.a)  ### 18: `g` expects Tensor for `x`, got test_statements.Plus
# --- module_of_wrong_arguments
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
    def forward(self, x: Tensor) -> Tensor:
        return self.a(x, x)  ### 26: `forward` takes 1 positional argument, got 2
# --- module_of_a_wrong_argument
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
    def forward(self, x: int) -> Tensor:
        return self.a(x)  ### 23: `forward` expects Tensor for `x`, got int
# --- module_is_replaced
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
    def forward(self, x: Tensor) -> Tensor:
        self.a = Twice()  ### 18: the module class `Twice` cannot be made in a script; make it in Python and assign it to an attribute, or script an instance of it
        return x
# --- module_is_called_through_a_variable_of_two
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
        self.b = Twice()
    def forward(self, x: Tensor, first: bool) -> Tensor:
        m = self.a if first else self.b  ### 13: the two sides of this `if` expression are test_statements.Plus and test_statements.Twice; give them one type
        return m(x)
# --- global_number_is_called
K = 3
def f(x: int) -> int:
    return K(x)  ### 12: `K` is of type int, which cannot be called
# --- global_object
K = object()
def f(x: int) -> int:
    print(K)  ### 11: python value of type 'object' cannot be used as a value: `K`. Pass what is needed of it as an argument
    return x
# --- global_module
K = Plus()
def f(x: Tensor) -> Tensor:
    return K(x)  ### 12: `K` is a module outside of the function; script the module that holds it, or call it from Python
# --- global_tuple_with_an_object
K = (1, object())
def f(x: int) -> int:
    return x + K[0]  ### 16: the tuple `K` holds a value of type object, which scripts cannot hold; pass what is needed of it as an argument, or keep numbers, strings, Tensors, lists, dicts and tuples of them in attributes
# --- global_set
K = {1, 2}
def f(x: int) -> bool:
    return x in K  ### 17: python value of type 'set' cannot be used as a value: `K`. Pass what is needed of it as an argument
# --- global_plain_class
class Plain(int):
    pass
def f(x: int) -> int:
    return Plain(x)  ### 12: class `Plain`: classes of scripts have no base classes and no metaclass; keep an object of the base class in an attribute
# --- global_builtin_of_c
from time import sleep
def f(x: float) -> float:
    sleep(x)  ### 5: `sleep` is a Python callable of type builtin_function_or_method, which scripts cannot call
    return x
# --- unknown_in_a_module_of_python
def f(x: float) -> float:
    return math.sqtr(x)  ### 17: `math` has no `sqtr` that a script can use; did you mean `sqrt`?
# --- generator_is_called
def g(n: int):
    yield n
def f(n: int) -> int:
    for i in g(n):  ### 14: `g` is a generator; scripts have no `yield`: return a List
        n += i
    return n
# --- lambda_of_outside
g = lambda x: x + 1
def f(x: int) -> int:
    return g(x)  ### 12: a lambda cannot be scripted; write it as a `def`
# --- overloads
@torch.jit._overload
def g(x: int) -> int: ...
@torch.jit._overload
def g(x: str) -> str: ...
def g(x):
    return x
def f(x: float) -> float:
    return g(x)  ### 12: no overload of `g` takes these arguments; there are:
# --- overloads_are_no_value
@torch.jit._overload
def g(x: int) -> int: ...
@torch.jit._overload
def g(x: str) -> str: ...
def g(x):
    return x
def f(x: int):
    return g  ### 12: `g` is a function that has overloads, not a value
# --- unwrapped_none
def f(x: int) -> int:
    return torch.jit._unwrap_optional(None)  ### 39: None alone has no value to unwrap
# --- async_execution_of_a_number
import tine.distributed.rpc as rpc
@rpc.functions.async_execution
def g(x: int) -> int:
    return x
def f(to: str) -> int:
    return rpc.rpc_sync(to, g, (1,))  ### 29: `g` is an async_execution function, which must return a Future for a call on another worker; it returns int
# --- rpc_of_a_lambda
import tine.distributed.rpc as rpc
def f(to: str) -> int:
    return rpc.rpc_sync(to, lambda: 1)  ### 29: `lambda` is not supported in scripts; define a function and pass its name
# --- interface_lacks_a_method
@torch.jit.interface
class I:
    def one(self, x: int) -> int:
        pass
class A:
    def one(self, x: int) -> int:
        return x
def f(x: int) -> int:
    i: I = A()
    return i.two(x)  ### 14: `small_program.I` has no attribute or method `two`
# --- named_tuple_of_a_set
from typing import NamedTuple, Set
class P(NamedTuple):
    xs: Set[int]
def f(p: P) -> int:  ### 10: scripts cannot have `P`, whose field `xs` scripts cannot hold: `Set` is not a type that scripts know; they have int, float, bool, str, Tensor, List, Dict, Tuple, Optional, Union, Future, RRef, Any, named tuples, enums, and scripted modules
    return 1
# --- annotation_of_a_plain_class
class Plain(int):
    pass
def f(x: Plain) -> int:  ### 10: class `Plain`: classes of scripts have no base classes and no metaclass; keep an object of the base class in an attribute
    return 1
# --- annotation_of_a_number
N = 3
def f(x: N) -> int:  ### 10: `N` is not a type
    return 1
# --- default_that_is_an_object
def f(x: int = object()) -> int:  ### 16: expected a constant, as in `3`, `-1.5`, `"sum"`, `None` or `(1, 2)`
    return x
# --- default_of_a_callee
def g(x: int = "a") -> int:  ### 16: the default of `x` is str, but the parameter is int
    return x
def f() -> int:
    return g()
# --- unused_result
@torch.jit.unused
def g(x: int) -> str:
    return "a"
def f(x: int) -> int:
    return g(x)  ### 12: `f` is declared to return int, but this is str
# --- property_is_called
class M(nn.Module):
    @property
    def half(self) -> int:
        return 1
    def forward(self) -> int:
        return self.half()  ### 21: `half` is of type int, which cannot be called; read it as `.half`
# --- static_method_of_wrong_arguments
class M(nn.Module):
    @staticmethod
    def g(x: int) -> int:
        return x
    def forward(self) -> int:
        return self.g("a")  ### 23: `g` expects int for `x`, got str
# --- method_is_a_value
class M(nn.Module):
    def g(self, x: int) -> int:
        return x
    def forward(self):
        return self.g  ### 16: `g` is a method; call it: `g(...)`
# --- training_is_assigned
class M(nn.Module):
    def forward(self) -> int:
        self.training = 3  ### 25: the attribute `training` is bool and cannot be given a value of type int
        return 1
# --- parameter_is_a_number
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
    def forward(self) -> Tensor:
        self.w = 3  ### 18: the attribute `w` is Tensor and cannot be given a value of type int
        return self.w
# --- index_before_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor) -> Tensor:
        return self.ms[-3](x)  ### 24: tine.nn.containers.ModuleList has 2 modules, so no index -3
# --- tuple_into_a_list_of_lists
def f(t: Tuple[int, int], xs: List[List[int]]):
    xs.insert(0, t)  ### 5: `insert` does not take (List[List[int]], int, Tuple[int, int]): expected List[int] for `el`, got Tuple[int, int]
# --- modules_of_one_name
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(Plus(), Plus(), Plus())
        self.b = nn.Sequential(Twice(), Plus(), Plus())
    def forward(self, x: Tensor, first: bool) -> Tensor:
        m = self.a if first else self.b  ### 13: the two sides of this `if` expression are tine.nn.containers.Sequential and another tine.nn.containers.Sequential; give them one type
        return m(x)
