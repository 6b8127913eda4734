# Each def here is refused. The line that is wrong ends in a comment with its column and the words of the error in full.
# The chunks are separated by lines of dashes and compiled one by one.
def adds_text(x):
    return x + 'a'  ### 12: `+` does not take Tensor and str; convert with `str(...)`, or write an f-string
# ---
def adds_number_to_text(x: int):
    return 'a' + x  ### 12: `+` does not take str and int; convert with `str(...)`, or write an f-string
# ---
def wrong_result(x: int) -> str:
    return x  ### 12: `wrong_result` is declared to return str, but this is int
# ---
def two_results(x: int):
    if x > 1:
        return 'a'
    return 1  ### 12: `two_results` returns int here but str at wrong_types.py:3:16; write its result type, or return the same type everywhere
# ---
def not_every_path(x: int) -> int:  ### 5: `not_every_path` returns int, but not on every path; return a value or raise at its end
    if x > 1:
        return 1
# ---
def nothing_at_the_end(x: int):  ### 5: `nothing_at_the_end` returns int on one path and nothing at its end; return a value or raise there
    if x > 1:
        return 1
# ---
def two_types(x: int):
    if x > 1:
        y = 1
    else:
        y = 'a'
    return y  ### 12: `y` is int after one branch of the `if` at wrong_types.py:2:5 and str after the other; give it one type
# ---
def changes_in_the_loop(n: int):
    x = 1
    for i in range(n):  ### 5: `x` is int before an iteration of the loop and str after it; give it one type
        x = 'a'
    return x
# ---
def declared(x: int):
    y: str = x  ### 14: `y` is declared as str, but this is int
    return y
# ---
def declared_before(x: int):
    x = 'a'  ### 9: `x` is declared as int and cannot be given a value of type str
    return x
# ---
def optional_arithmetic(x: Optional[int]):
    return x * 2  ### 12: `*` does not take Optional[int] and int; test `is not None` first
# ---
def optional_condition(x: Optional[int]):
    if x:  ### 8: a condition cannot be Optional[int]: write `is not None`
        return 1
    return 2
# ---
def compares_with_none(x: Optional[int]):
    return x == None  ### 12: `==` does not take None; write `is None` or `is not None`
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def too_many():
    return callee(1, 2.0, 'y')  ### 27: `callee` takes 2 positional arguments, got 3
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def too_few():
    return callee(b=2.0)  ### 12: `callee` needs a value for `a`: it takes at least 1 argument, got 1
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def unknown_keyword():
    return callee(1, d=2)  ### 24: `callee` has no argument `d`
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def twice_given():
    return callee(1, a=2)  ### 24: `callee` gets its argument `a` twice
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def wrong_type(x):
    return callee([x])  ### 19: `callee` expects int for `a`, got List[Tensor]
# ---
def operator_argument(x):
    return torch.relu(x, 2)  ### 12: `torch.relu` does not take (Tensor, int): it takes at most 1 positional argument, got 2
# ---
def operator_type(x: str):
    return torch.relu(x)  ### 12: `torch.relu` does not take (str): expected Tensor for `self`, got str
# ---
def operator_keyword(x):
    return torch.cat([x], dmi=1)  ### 12: `torch.cat` does not take (List[Tensor], dmi=int): it has no argument `dmi`; did you mean `dim`?
# ---
def no_overload(x: str):
    return torch.sum(x)  ### 12: no form of `torch.sum` takes (str); there are:
# ---
def mixed_list(x: int):
    return [x, 'a']  ### 16: the elements of a list must have one type: this is str, those before are int
# ---
def wrong_element(xs: List[int]):
    xs.append('a')  ### 15: the elements of List[int] are int, not str
# ---
def unannotated_list(n: int):
    xs = []
    xs.append(n)  ### 15: the elements of List[Tensor] are Tensor, not int; `[]` alone is a List[Tensor], so annotate it: `xs: List[int] = []`
# ---
def wrong_index(xs: List[int]):
    return xs['a']  ### 15: List[int] must be indexed by int, not by str
# ---
def wrong_key(d: Dict[str, int]):
    return d[1]  ### 14: Dict[str, int] must be indexed by str, not by int
# ---
def tuple_index(t: Tuple[int, str]):
    return t[2]  ### 14: Tuple[int, str] has 2 elements, so no index 2
# ---
def variable_tuple_index(t: Tuple[int, str], i: int):
    return t[i]  ### 14: the index into Tuple[int, str] must be a constant int, so that its type is known
# ---
def unpacks_too_many(t: Tuple[int, str]):
    a, b, c = t  ### 5: expected 3 values to unpack, got 2 of type Tuple[int, str]
# ---
def loops_over_an_int(n: int):
    for i in n:  ### 14: a loop can run over a range, list, dict, str, tuple or Tensor, not over int
        pass
# ---
def range_of_float(x: float):
    for i in range(x):  ### 20: `range` takes ints, not float
        pass
# ---
def calls_an_int(n: int):
    return n(1)  ### 12: a value of type int cannot be called
# ---
def forks_an_int(n: int):
    return torch.jit.fork(n)  ### 27: expected a script function, a method or a module, got int
# ---
def waits_for_an_int(n: int):
    return torch.jit.wait(n)  ### 27: `wait` takes a Future, got int
# ---
def callbacks(f: Future[int]):
    return f.then(print)  ### 14: Future[int] has no method `then` in scripts; scripts have no callbacks: fork a function that waits for it
# ---
def default_of_wrong_type(x: int = 'a'):  ### 36: the default of `x` is str, but the parameter is int
    return x
# ---
def default_is_an_expression(x: int = 1 + 2):  ### 39: expected a constant, as in `3`, `-1.5`, `"sum"`, `None` or `(1, 2)`
    return x
# ---
def recursion(n: int):
    if n > 0:
        return recursion(n - 1)  ### 16: `recursion` calls itself before its result type is known; write it: `def recursion(...) -> Tensor:`
    return 0
# ---
def break_outside(x):
    break  ### 5: `break` outside a loop
# ---
def attribute_of_optional(x: Optional[Tensor]):
    return x.sum()  ### 12: Optional[Tensor] has no `sum`; test `is not None` first
# ---
def assigns_to_text(x: str):
    x[0] = 'a'  ### 5: the elements of str cannot be assigned to
# ---
def two_sides(b: bool):
    return 1 if b else 'a'  ### 12: the two sides of this `if` expression are int and str; give them one type
# ---
def f(x: Union[int, str]):
    return x + 1  ### 12: `+` does not take Union[int, str] and int; find out which of them it is with `isinstance` first
# ---
def f(x: Union[int, str]):
    return x == 3  ### 12: `==` does not take Union[int, str] and int; find out which of them it is with `isinstance` first
# ---
def f(x: Union[int, str]):
    return len(x)  ### 16: Union[int, str] has no length; find out which of them it is with `isinstance` first
# ---
def f(x: Union[List[int], Dict[str, int]]):
    return x[0]  ### 12: Union[List[int], Dict[str, int]] cannot be indexed; find out which of them it is with `isinstance` first
# ---
def f(x: Union[List[int], str]):
    return x.count(1)  ### 12: Union[List[int], str] has no `count`; find out which of them it is with `isinstance` first
# ---
def f(x: Union[int, str]):
    return 1 if x else 2  ### 17: a condition cannot be Union[int, str]; find out which of them it is with `isinstance` first
# ---
def f(x: Any):
    return isinstance(x, tuple)  ### 12: an Any cannot be asked whether it is a tuple of whatever elements; name their types, as in `Tuple[int, str]`
