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
