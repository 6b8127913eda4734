# Each def here is refused. The line that is wrong ends in a comment with what the error says.
# The chunks are separated by lines of dashes and compiled one by one.
def adds_text(x):
    return x + 'a'  ### `+` does not take Tensor and str
# ---
def adds_number_to_text(x: int):
    return 'a' + x  ### `+` does not take str and int; convert with `str(...)`
# ---
def wrong_result(x: int) -> str:
    return x  ### `wrong_result` is declared to return str, but this is int
# ---
def two_results(x: int):
    if x > 1:
        return 'a'
    return 1  ### `two_results` returns int here but str at wrong_types.py:3:16
# ---
def not_every_path(x: int) -> int:  ### `not_every_path` returns int, but not on every path
    if x > 1:
        return 1
# ---
def nothing_at_the_end(x: int):  ### returns int on one path and nothing at its end
    if x > 1:
        return 1
# ---
def two_types(x: int):
    if x > 1:
        y = 1
    else:
        y = 'a'
    return y  ### `y` is int after one branch of the `if` at wrong_types.py:2:5 and str after the other
# ---
def changes_in_the_loop(n: int):
    x = 1
    for i in range(n):  ### `x` is int before an iteration of the loop and str after it
        x = 'a'
    return x
# ---
def declared(x: int):
    y: str = x  ### `y` is declared as str, but this is int
    return y
# ---
def declared_before(x: int):
    x = 'a'  ### `x` is declared as int and cannot be given a value of type str
    return x
# ---
def optional_arithmetic(x: Optional[int]):
    return x * 2  ### `*` does not take Optional[int] and int; test `is not None` first
# ---
def optional_condition(x: Optional[int]):
    if x:  ### a condition cannot be Optional[int]: write `is not None`
        return 1
    return 2
# ---
def compares_with_none(x: Optional[int]):
    return x == None  ### `==` does not take None; write `is None`
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def too_many():
    return callee(1, 2.0, 'y')  ### `callee` takes 2 positional arguments, got 3
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def too_few():
    return callee(b=2.0)  ### `callee` needs a value for `a`: it takes at least 1 argument, got 1
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def unknown_keyword():
    return callee(1, d=2)  ### `callee` has no argument `d`
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def twice_given():
    return callee(1, a=2)  ### `callee` gets its argument `a` twice
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def wrong_type(x):
    return callee([x])  ### `callee` expects int for `a`, got List[Tensor]
# ---
def operator_argument(x):
    return torch.relu(x, 2)  ### it takes at most 1 positional argument, got 2
# ---
def operator_type(x: str):
    return torch.relu(x)  ### expected Tensor for `self`, got str
# ---
def operator_keyword(x):
    return torch.cat([x], dmi=1)  ### it has no argument `dmi`; did you mean `dim`?
# ---
def no_overload(x: str):
    return torch.sum(x)  ### no form of `torch.sum` takes (str)
# ---
def mixed_list(x: int):
    return [x, 'a']  ### the elements of a list must have one type: this is str, those before are int
# ---
def wrong_element(xs: List[int]):
    xs.append('a')  ### the elements of List[int] are int, not str
# ---
def unannotated_list(n: int):
    xs = []
    xs.append(n)  ### `[]` alone is a List[Tensor], so annotate it: `xs: List[int] = []`
# ---
def wrong_index(xs: List[int]):
    return xs['a']  ### List[int] must be indexed by int, not by str
# ---
def wrong_key(d: Dict[str, int]):
    return d[1]  ### Dict[str, int] must be indexed by str, not by int
# ---
def tuple_index(t: Tuple[int, str]):
    return t[2]  ### has 2 elements, so no index 2
# ---
def variable_tuple_index(t: Tuple[int, str], i: int):
    return t[i]  ### must be a constant int, so that its type is known
# ---
def unpacks_too_many(t: Tuple[int, str]):
    a, b, c = t  ### expected 3 values to unpack, got 2
# ---
def loops_over_an_int(n: int):
    for i in n:  ### a loop can run over a range, list, dict, str, tuple or Tensor, not over int
        pass
# ---
def range_of_float(x: float):
    for i in range(x):  ### `range` takes ints, not float
        pass
# ---
def calls_an_int(n: int):
    return n(1)  ### a value of type int cannot be called
# ---
def forks_an_int(n: int):
    return torch.jit.fork(n)  ### expected a script function, a method or a module, got int
# ---
def waits_for_an_int(n: int):
    return torch.jit.wait(n)  ### `wait` takes a Future, got int
# ---
def callbacks(f: Future[int]):
    return f.then(print)  ### Future[int] has no method `then` in scripts; scripts have no callbacks
# ---
def default_of_wrong_type(x: int = 'a'):  ### the default of `x` is str, but the parameter is int
    return x
# ---
def default_is_an_expression(x: int = 1 + 2):  ### expected a constant
    return x
# ---
def recursion(n: int):
    if n > 0:
        return recursion(n - 1)  ### `recursion` calls itself before its result type is known
    return 0
# ---
def break_outside(x):
    break  ### `break` outside a loop
# ---
def attribute_of_optional(x: Optional[Tensor]):
    return x.sum()  ### Optional[Tensor] has no `sum`; test `is not None` first
# ---
def assigns_to_text(x: str):
    x[0] = 'a'  ### the elements of str cannot be assigned to
# ---
def two_sides(b: bool):
    return 1 if b else 'a'  ### the two sides of this `if` expression are int and str
# ---
def f(x: Union[int, str]):
    return x + 1  ### `+` does not take Union[int, str] and int; find out which of them it is with `isinstance`
# ---
def f(x: Union[int, str]):
    return x == 3  ### `==` does not take Union[int, str] and int; find out
# ---
def f(x: Union[int, str]):
    return len(x)  ### has no length; find out
# ---
def f(x: Union[List[int], Dict[str, int]]):
    return x[0]  ### cannot be indexed; find out
# ---
def f(x: Union[List[int], str]):
    return x.count(1)  ### has no `count`; find out
# ---
def f(x: Union[int, str]):
    return 1 if x else 2  ### a condition cannot be Union[int, str]; find out
# ---
def f(x: Any):
    return isinstance(x, tuple)  ### name their types
