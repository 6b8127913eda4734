# Small programs: globals. test_statements.py says how they are written.
# --- global_int
N = 5
def f(x: int) -> int:
    return x + N
# f(1) => 6
# --- global_float_str
P = 2.5
S = "abc"
def f(x: int) -> str:
    return S + str(x * P)
# f(2) => 'abc5.0'
# --- global_tuple
T = (1, "a", 2.5)
def f(x: int) -> str:
    return T[1] + str(T[0] + x)
# f(2) => 'a3'
# --- global_tuple_loop
T = (1, 2, 3)
def f(x: int) -> int:
    for t in T:
        x += t
    return x
# f(2) => 8
# --- global_list
L = [1, 2]
def f(x: int) -> int:
    return L[x]  ### 12: python value of type 'list' cannot be used as a value: `L` is a variable outside of the function and may change. Pass it in as an argument, or make it a module's attribute
# --- global_dict
D = {"a": 1}
def f(x: int) -> int:
    return D["a"]  ### 12: python value of type 'dict' cannot be used as a value: `D` is a variable outside of the function and may change. Pass it in as an argument, or make it a module's attribute
# --- global_bool
B = True
def f(x: int) -> int:
    if B:
        return x
    return nowhere(x)
# f(1) => 1
# --- global_none
Z = None
def f(x: int) -> int:
    if Z is None:
        return x
    return 0
# f(1) => 1
# --- global_tensor
W = torch.ones(2)
def f(x: Tensor) -> Tensor:
    return x + W  ### 16: python value of type 'Tensor' cannot be used as a value: `W` is a variable outside of the function and may change. Pass it in as an argument, or make it a module's attribute
# --- global_function
def g(x: int) -> int:
    return x + 1
h = g
def f(x: int) -> int:
    return h(x)
# f(1) => 2
# --- global_module_of_functions
import types
ns = types.ModuleType("ns")
def g(x: int) -> int:
    return x + 1
ns.g = g
ns.K = 4
def f(x: int) -> int:
    return ns.g(x) + ns.K
# f(1) => 6
# --- global_dtype
DT = torch.float64
def f() -> Tensor:
    return torch.zeros(2, dtype=DT)
# f() => tensor([0.0, 0.0]):float64
# --- global_device
DEV = torch.device("cpu")
def f() -> Tensor:
    return torch.zeros(2, device=DEV)
# f() => tensor([0.0, 0.0])
# --- closure_value
def make(n: int):
    def inner(x: int) -> int:
        return x + n
    return inner
f = make(5)
# f(1) => 6
# --- closure_function
def make():
    def g(x: int) -> int:
        return x * 2
    def inner(x: int) -> int:
        return g(x)
    return inner
f = make()
# f(2) => 4
# --- global_class_constant
class C:
    K = 5
def f(x: int) -> int:
    return C.K + x
# f(1) => 6
# --- math_alias
from math import sqrt, pi
import math as m
def f(x: float) -> float:
    return sqrt(x) + pi + m.floor(x)
# f(4.0) => 9.141592653589793
