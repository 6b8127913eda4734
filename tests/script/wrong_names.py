# Each def here is refused. The line that is wrong ends in a comment with its column and the words of the error in full.
# The chunks are separated by lines of dashes and compiled one by one.
def undefined(x):
    return y + x  ### 12: undefined name `y`
# ---
def misspelled(value):
    return valeu  ### 12: undefined name `valeu`; did you mean `value`?
# ---
def misspelled_builtin(x: int):
    return rnage(x)  ### 12: undefined name `rnage`; did you mean `range`?
# ---
def misspelled_operator(x):
    return torch.reul(x)  ### 18: `torch` has no `reul` that a script can use; did you mean `relu`?
# ---
def misspelled_method(x):
    return x.veiw(2)  ### 14: Tensor has no method `veiw` in scripts; did you mean `view`?
# ---
def only_in_one_branch(x: int):
    if x > 1:
        y = 1
    return y  ### 12: `y` may be undefined here: it is assigned in only one branch of the `if` at wrong_names.py:2:5; give it a value before
# ---
def only_in_the_loop(n: int):
    for i in range(n):
        y = i
    return y  ### 12: `y` may be undefined here: it is assigned only inside the loop at wrong_names.py:2:5; give it a value before
# ---
def the_loops_variable(n: int):
    for i in range(n):
        pass
    return i  ### 12: `i` may be undefined here: it is assigned only inside the loop at wrong_names.py:2:5; give it a value before
# ---
def declared_only():
    x: int
    return x  ### 12: `x` is declared but has no value yet
# ---
def a_type_as_value(x):
    return int  ### 12: `int` is a type, not a value
# ---
def a_function_as_value(x):
    return other  ### 12: `other` is a function (only fork and the calls of rpc take functions), not a value
def other(x):
    return x
# ---
def a_module_as_value(x):
    return torch.jit  ### 12: `torch.jit` is a module of names, not a value
# ---
def a_method_as_value(xs: List[int]):
    return xs.append  ### 12: `append` is a method; call it: `append(...)`
# ---
def an_unknown_attribute_of_an_int(x: int):
    return x.foo  ### 12: int has no attribute or method `foo` in scripts
# ---
def undefined_type(x: Tensro):  ### 23: undefined type `Tensro`; did you mean `Tensor`?
    return x
# ---
def an_expression_as_type(x: 1 + 2):  ### 30: expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`
    return x
# ---
def union(x: Union[int, complex]):  ### 25: complex numbers are not supported in scripts
    return x
# ---
def sets(x):
    return set()  ### 12: sets are not supported in scripts; use a List, or a Dict with values that do not matter
# ---
def makes_an_exception(x):
    return ValueError('x')  ### 12: `ValueError` is an exception: it can only be raised
# ---
def raises_a_value(x: int):
    raise x  ### 11: expected an exception class, as in `raise ValueError("...")`
# ---
def twice(x):
    return x
def twice(x):  ### 5: `twice` is defined twice in this source
    return x
# ---
def f(x: str):
    return bytes(x)  ### 12: bytes are not supported in scripts; use a str or a uint8 Tensor
# ---
def f(xs: List[int]):
    return frozenset(xs)  ### 12: sets are not supported in scripts; use a List
# ---
def f(xs: List[int]):
    return map(str, xs)  ### 12: `map` is not supported in scripts; write a list comprehension
# ---
def f(xs: List[int]):
    return filter(bool, xs)  ### 12: `filter` is not supported in scripts; write a list comprehension with `if`
# ---
def f(xs: List[int]):
    return iter(xs)  ### 12: iterators are not supported in scripts; loop with `for`
# ---
def f(xs: List[int]):
    return next(xs)  ### 12: iterators are not supported in scripts; loop with `for`
# ---
def f():
    return input()  ### 12: scripts do not read the terminal; pass the value in
# ---
def f(name: str):
    return open(name)  ### 12: scripts do not open files; read in Python and pass the content in
# ---
def f(x: str):
    return eval(x)  ### 12: scripts are compiled ahead; there is no `eval`
# ---
def f(x: str):
    return exec(x)  ### 12: scripts are compiled ahead; there is no `exec`
# ---
def f(x: int):
    return vars(x)  ### 12: `vars` is not supported in scripts; name the attributes
# ---
def f(x: int):
    return locals()  ### 12: `locals` is not supported in scripts
# ---
def f(x: int):
    return globals()  ### 12: `globals` is not supported in scripts; pass the value in
# ---
def f(x: int):
    return dir(x)  ### 12: `dir` is not available yet in scripts
# ---
def f(x: float):
    return math.erfcx(x)  ### 17: `math` has no `erfcx` that a script can use
# ---
def f(x):
    return torch.qqq(x)  ### 18: `torch` has no `qqq` that a script can use
# ---
def f(x):
    return x.qqq()  ### 14: Tensor has no method `qqq` in scripts
# ---
def f(xs: List[int]):
    return xs.qqq()  ### 15: List[int] has no method `qqq` in scripts
# ---
def f(xs: List[int]):
    return xs.lenght()  ### 15: List[int] has no method `lenght` in scripts
# ---
def f(x: str):
    return x.uper()  ### 14: str has no method `uper` in scripts; did you mean `upper`?
# ---
def f(d: Dict[str, int]):
    return d.itmes()  ### 14: Dict[str, int] has no method `itmes` in scripts; did you mean `items`?
# ---
def f(f: Future[int]):
    return f.add_done_callback(print)  ### 14: Future[int] has no method `add_done_callback` in scripts; scripts have no callbacks: fork a function that waits for it
# ---
def f(r: RRef[int]):
    return r.local()  ### 14: RRef[int] has no method `local` in scripts
# ---
def f(x):
    return torch.jit.frok(f, x)  ### 22: `torch.jit` has no `frok` that a script can use; did you mean `fork`?
# ---
def f(x):
    return torch.nn.functional.reul(x)  ### 32: `torch.nn.functional` has no `reul` that a script can use; did you mean `relu`?
# ---
def f(x: int):
    return x.bit_length()  ### 14: int has no method `bit_length` in scripts
# ---
def f(x: float):
    return x.is_integer()  ### 14: float has no method `is_integer` in scripts
# ---
def f(x: object):  ### 10: scripts are typed statically; name the type, or use Any
    return x
# ---
def f(x: set):  ### 10: sets are not supported in scripts; use a List, or a Dict with values that do not matter
    return x
# ---
def f(x: bytes):  ### 10: bytes are not supported in scripts; use a str or a uint8 Tensor
    return x
# ---
def f(x: int) -> Tensro:  ### 18: undefined type `Tensro`; did you mean `Tensor`?
    return x
# ---
def f(x: int):
    y: Lisst[int] = [x]  ### 8: undefined type `Lisst`; did you mean `List`?
    return y
# ---
def f(x):
    return isinstance(x, Tensr)  ### 26: undefined type `Tensr`; did you mean `Tensor`?
# ---
def f(x, b: bool):
    if b:
        g = torch.relu
    else:
        g = torch.tanh
    return g(x)  ### 12: `g` is a function, which a variable holds only up to the end of its block; call it there
# ---
def f():
    del x  ### 9: undefined name `x`
# ---
def f():
    x += 1  ### 5: undefined name `x`
# ---
def f(n: int):
    x = 1
    for i in range(n):  ### 5: `x` was deleted at wrong_names.py:5:13 (the loop's next iteration needs it)
        print(x)
        del x
# ---
import torch  ### 1: this source has no `def`
# ---
def f(xs: List[int], ys: List[int]):
    return [i for ys[i], i in zip(xs, xs)]  ### 22: `i` has no value yet
# ---
def f(xs: List[int]):
    return [x for 3 in xs]  ### 19: the target of a loop is a variable, an attribute, an element, or a tuple of these
# ---
def f(x):
    raise ValueEror("no")  ### 11: undefined name `ValueEror`; did you mean `ValueError`?
