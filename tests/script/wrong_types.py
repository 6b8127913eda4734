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
    return callee(1, d=2)  ### 22: `callee` has no argument `d`
# ---
def callee(a: int, b: float = 1.0, *, c: str = 'x') -> int:
    return a
def twice_given():
    return callee(1, a=2)  ### 22: `callee` gets its argument `a` twice
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
    a, b, c = t  ### 15: expected 3 values to unpack, got 2 of type Tuple[int, str]
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
# ---
def f():
    return {1: 2, 3: 'a'}  ### 22: the values of a dict must have one type: this is str, those before are int
# ---
def f():
    return {1: 2, 'a': 3}  ### 19: the keys of a dict must have one type: this is str, those before are int
# ---
def f(t: Tuple[int, str]):
    return {x: 1 for x in t}  ### 16: the keys of this dict are int, but this is str
# ---
def f(t: Tuple[int, str]):
    return {1: x for x in t}  ### 16: the values of this dict are int, but this is str
# ---
def f(t: Tuple[int, str]):
    return list(t)  ### 17: the elements of a list must have one type; those here have several
# ---
def f(x: int):
    return len(*x)  ### 16: `*` spreads a tuple, not int
# ---
def f(x: Optional[Tuple[int, int]]):
    return len(*x)  ### 16: `*` spreads a tuple, not Optional[Tuple[int, int]]; test `is not None` first
# ---
def f(x):
    return x['a']  ### 14: a Tensor can be indexed by int, bool, slice, None, `...`, Tensor or a list, not by str
# ---
def f(x, i: Optional[int]):
    return x[i]  ### 14: a Tensor can be indexed by int, bool, slice, None, `...`, Tensor or a list, not by Optional[int]; test `is not None` first
# ---
def f(xs: List[int]):
    return xs[slice()]  ### 15: `slice` takes 1 to 3 arguments, by position
# ---
def f(xs: List[int]):
    return xs[slice(1, step=2)]  ### 15: `slice` takes 1 to 3 arguments, by position
# ---
def f(t: Tuple[int, int]):
    return t[::0]  ### 16: the step of a slice cannot be zero
# ---
def f(x):
    return x + ...  ### 16: `...` can only be used in an index of a Tensor
# ---
def f(x):
    return ...  ### 12: `...` can only be used in an index of a Tensor
# ---
def f(t: Tuple[int, int], xs: List[int]):
    return xs[*t]  ### 15: `*` unpacks among arguments, targets and the items of a list or tuple; a tuple of one item ends in a comma: `*x,`
# ---
def f():
    return torch.jit._unwrap_optional(None)  ### 39: None alone has no value to unwrap
# ---
def f(xs: List[int]):
    return torch.jit.fork(len, xs)  ### 27: expected a script function, an operator, a method or a module; `len` is none of these
# ---
def f(x: int):
    return torch.jit.fork(int, x)  ### 27: expected a script function, an operator, a method or a module; `int` is none of these
# ---
def f(x: int):
    return Any(x)  ### 12: objects of `Any` cannot be made in scripts; make them in Python and pass them in
# ---
def f(x):
    return torch.softmax(x)  ### 12: `torch.softmax` does not take (Tensor): it needs a value for `dim`
# ---
def f(x):
    return torch.softmax(x, dim='a')  ### 12: `torch.softmax` does not take (Tensor, dim=str): expected int for `dim`, got str
# ---
def f(x):
    return torch.softmax(x, 1, dim=1)  ### 12: `torch.softmax` does not take (Tensor, int, dim=int): `dim` is given twice
# ---
def f(x: int, y: str):
    return x < y  ### 12: `<` does not take int and str
# ---
def f(x: int, y: str):
    return x == y  ### 12: `==` does not take int and str
# ---
def f(x: int, y: str):
    return x in y  ### 12: `in` does not take int and str
# ---
def f(x: int, xs: List[str]):
    return x in xs  ### 12: `in` does not take int and List[str]
# ---
def f(x: int, y: int):
    return x in y  ### 12: `in` does not take int and int
# ---
def f(x: str):
    return -x  ### 12: `-` does not take str
# ---
def f(x: str):
    return ~x  ### 12: `~` does not take str
# ---
def f(x: str):
    return not x.q  ### 16: str has no attribute or method `q` in scripts
# ---
def f(x: str, y: str):
    return x - y  ### 12: `-` does not take str and str
# ---
def f(x: List[int], y: Dict[str, int]):
    return x + y  ### 12: `+` does not take List[int] and Dict[str, int]
# ---
def f(x: None):
    return x + 1  ### 12: `+` does not take None and int
# ---
def f(x: int):
    return x()  ### 12: a value of type int cannot be called
# ---
def f(x: Optional[int]):
    return x < 3  ### 12: `<` does not take Optional[int] and int; test `is not None` first
# ---
def f(x: Optional[int]):
    return -x  ### 12: `-` does not take Optional[int]; test `is not None` first
# ---
def f(x: Optional[int]):
    return f'{x}' + x  ### 12: `+` does not take str and Optional[int]; test `is not None` first
# ---
def f(x: Optional[List[int]]):
    return [y for y in x]  ### 24: a loop cannot run over Optional[List[int]]; test `is not None` first
# ---
def f(x: int):
    return [y for y in x]  ### 24: a loop can run over a range, list, dict, str, tuple or Tensor, not over int
# ---
def f(x: str):
    return torch.zeros(x)  ### 12: `torch.zeros` does not take (str): expected List[int] for `size`, got str
# ---
def f(x: str):
    return torch.zeros(2, dtype=x)  ### 12: `torch.zeros` does not take (int, dtype=str): expected Optional[int] for `dtype`, got str
# ---
def f(x: List[str]):
    return torch.stack(x)  ### 12: `torch.stack` does not take (List[str]): expected List[Tensor] for `tensors`, got List[str]
# ---
def f(x):
    return x.softmax('a')  ### 12: `softmax` does not take (Tensor, str): expected int for `dim`, got str
# ---
def f(d: Dict[str, int]):
    return d.get(1)  ### 12: no form of `get` takes (Dict[str, int], int); there are:
# ---
def f(xs: List[int]):
    return xs.pop('a')  ### 12: `pop` does not take (List[int], str): expected int for `idx`, got str
# ---
def f(xs: List[int]):
    return xs.extend(['a'])  ### 12: `extend` does not take (List[int], List[str]): expected List[int] for `other`, got List[str]
# ---
def f(xs: List[int]):
    return isinstance(xs, 3)  ### 27: expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`
# ---
def f(x: Any):
    return x + 1  ### 12: `+` does not take Any and int; find out what it is with `isinstance` first
# ---
def f(x: Any):
    return x.foo  ### 12: Any has no `foo`; find out what it is with `isinstance` first
# ---
def f(x: Any):
    return x[0]  ### 12: Any cannot be indexed; find out what it is with `isinstance` first
# ---
def f(x: int):
    return (1, *x)  ### 16: `*` spreads a tuple, not int
# ---
def f(x: int):
    return abs('a')  ### 12: `abs` does not take (str): expected int for `a`, got str
# ---
def f(x: str):
    return max(x, 1)  ### 12: no form of `max` takes (str, int); there are:
# ---
def f(x: int):
    return float('a', x)  ### 12: `float` takes 0 to 1 arguments, got 2
# ---
def f(x: str):
    return round(x)  ### 12: `round` is not among the operators of scripts
# ---
def f(x: str):
    return sorted(x, key=len)  ### 26: `len` is a function of the language, not a value
# ---
def f(x: List[int]):
    return range(x)  ### 18: `range` takes ints, not List[int]
# ---
def f(x: int):
    return range()  ### 12: `range` takes 1 to 3 arguments, got 0
# ---
def f(x: int):
    return range(1, 2, 3, 4)  ### 12: `range` takes 1 to 3 arguments, got 4
# ---
def f(x: int):
    return range(stop=x)  ### 18: `range` takes no keyword `stop`
# ---
def f(x=3):  ### 9: the default of `x` is int, but the parameter is Tensor (a parameter without annotation is a Tensor)
    return x
# ---
def f(x: Optional[List[int]]):
    for y in x:  ### 14: a loop cannot run over Optional[List[int]]; test `is not None` first
        print(y)
# ---
def f(x: int):
    for a, b in [x]:  ### 9: a value of type int cannot be unpacked into 2 variables
        print(a)
# ---
def f(x: int) -> Tuple[int, str]:
    return x, x  ### 12: `f` is declared to return Tuple[int, str], but this is Tuple[int, int]
# ---
def f(x: int) -> List[str]:
    return [x]  ### 12: `f` is declared to return List[str], but this is List[int]
# ---
def f(x: int) -> Optional[str]:
    return x  ### 12: `f` is declared to return Optional[str], but this is int
# ---
def f(x: int) -> None:
    return x  ### 12: `f` is declared to return None, but this is int
# ---
def f(x: int) -> int:
    return  ### 5: `f` is declared to return int, but this is None
# ---
def f(x: int) -> Union[str, float, None]:
    return [x]  ### 12: `f` is declared to return Optional[Union[str, float]], but this is List[int]
# ---
def g(x: int) -> None:
    pass
def f(x: int):
    y: int = g(x)  ### 14: `y` is declared as int, but this is None
# ---
def g(x: int) -> None:
    pass
def f(x: int):
    return g(x) + 1  ### 12: `+` does not take None and int
# ---
def f(d: Dict[str, int]):
    d[1] = 2  ### 7: Dict[str, int] must be indexed by str, not by int
# ---
def f(d: Dict[str, int]):
    d['a'] = 'b'  ### 14: the elements of Dict[str, int] are int, not str
# ---
def f(d: Dict[str, int]):
    d['a'] += 'b'  ### 5: `+` does not take int and str; convert with `str(...)`, or write an f-string
# ---
def f(xs: List[int]):
    xs['a'] = 1  ### 8: List[int] must be indexed by int, not by str
# ---
def f(xs: List[int]):
    xs[0] = 'a'  ### 13: the elements of List[int] are int, not str
# ---
def f(t: Tuple[int, int]):
    t[0] = 1  ### 5: the elements of Tuple[int, int] cannot be assigned to
# ---
def f(x: int):
    x[0] = 1  ### 5: the elements of int cannot be assigned to
# ---
def f(x: int):
    x.y = 1  ### 5: only attributes of modules and of objects of classes can be assigned to, not those of int
# ---
def f(x: int):
    del x[0]  ### 9: `del` takes elements of lists and dicts, not those of int
# ---
def f(x: int):
    assert 'a' + x  ### 12: `+` does not take str and int; convert with `str(...)`, or write an f-string
# ---
def f(x: Tuple[int, int]):
    assert x  ### 12: expected a condition (bool, int, float, str, list, dict or Tensor), got Tuple[int, int]
# ---
def f(x: Tuple[int, int]):
    while x:  ### 11: expected a condition (bool, int, float, str, list, dict or Tensor), got Tuple[int, int]
        pass
# ---
def f(x: List[str]):
    x += [1]  ### 5: `+` does not take List[str] and List[int]
# ---
def f(x: int):
    x += 'a'  ### 5: `+` does not take int and str; convert with `str(...)`, or write an f-string
# ---
def f(x: int):
    x /= 2  ### 5: `x` is declared as int and cannot be given a value of type float
# ---
def f(x: int):
    continue  ### 5: `continue` outside a loop
# ---
def f(xs: List[int]):
    xs[0]: int = 3  ### 5: only a single variable can be annotated; assign and annotate one by one
# ---
def f(x: int):
    a, b, *c = x  ### 16: `*` in a target takes the rest of a tuple, not of int; write `x[0]` and `x[1:]`
# ---
def f(t: Tuple[int, int]):
    a, *b, c, d = t  ### 19: expected at least 3 values to unpack, got 2 of type Tuple[int, int]
# ---
def f(x: int = None):  ### 16: the default of `x` is None, but the parameter is int; write `x: Optional[int] = None`
    return x
# ---
def f(x: str = "a", y: float = "b"):  ### 32: the default of `y` is str, but the parameter is float
    return x
# ---
def f(x: Future):  ### 10: `Future` needs its element type, as in `Future[Tensor]`
    return x
# ---
def f(x: RRef):  ### 10: `RRef` needs its element type, as in `RRef[Tensor]`
    return x
# ---
def f(x: Union):  ### 10: `Union` needs its types, as in `Union[int, str]`
    return x
# ---
def f(x: int | 3):  ### 16: expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`
    return x
# ---
def f(x: Optional["Lst[int]"]):  ### 20: undefined type `Lst`; did you mean `List`?
    return x
# ---
def f(x: Callable):  ### 10: a function is not a value in scripts; name it where it is called, or take an object of an interface
    return x
# ---
def f(x: Callable[[int], int]):  ### 10: a function is not a value in scripts; name it where it is called, or take an object of an interface
    return x
# ---
def f(t: Tuple[int, int]):
    return t + 1  ### 12: `+` does not take Tuple[int, int] and int
# ---
def f(t: Tuple[float, float]):
    return t + 1.5  ### 12: `+` does not take Tuple[float, float] and float
# ---
def f(xs: List[int]):
    return xs + 1  ### 12: `+` does not take List[int] and int
# ---
def f(xs: List[int]):
    xs += 1  ### 5: `+` does not take List[int] and int
# ---
def f(xs: List[int]):
    return xs.extend(1)  ### 12: `extend` does not take (List[int], int): expected List[int] for `other`, got int
# ---
def f(t: Tuple[int, int], xs: List[List[int]]):
    return t in xs  ### 12: `in` does not take Tuple[int, int] and List[List[int]]
# ---
def f(xs: List[List[int]]):
    return 1 in xs  ### 12: `in` does not take int and List[List[int]]
# ---
def f(t: Tuple[int, int], d: Dict[str, List[int]]):
    return d.get('a', t)  ### 12: no form of `get` takes (Dict[str, List[int]], str, Tuple[int, int]); there are:
# ---
def f(x: int):
    return torch.dtype(x)  ### 12: a dtype cannot be made in scripts; name one, as in `torch.float32`
# ---
def f(x: "Union[()]"):  ### 11: `Union` needs its types, as in `Union[int, str]`
    return x
# ---
def f(x: Any):
    return len(x)  ### 16: Any has no length; find out what it is with `isinstance` first
# ---
def f(x: Any):
    for y in x:  ### 14: a loop cannot run over Any; find out what it is with `isinstance` first
        pass
# ---
def f(x: Any):
    if x:  ### 8: a condition cannot be Any; find out what it is with `isinstance` first
        pass
# ---
def f(x: Any):
    return -x  ### 12: `-` does not take Any; find out what it is with `isinstance` first
# ---
def f(t: Tuple[int, int]):
    return t["x"]  ### 14: Tuple[int, int] must be indexed by int
# ---
def f(x = None):  ### 11: the default of `x` is None, but the parameter is Tensor (a parameter without annotation is a Tensor); write `x: Optional[Tensor] = None`
    return x
# ---
def f(x: int):
    a, b = x  ### 12: a value of type int cannot be unpacked into 2 variables
