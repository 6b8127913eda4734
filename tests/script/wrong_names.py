# Each def here is refused. The line that is wrong ends in a comment with what the error says.
# The chunks are separated by lines of dashes and compiled one by one.
def undefined(x):
    return y + x  ### undefined name `y`
# ---
def misspelled(value):
    return valeu  ### undefined name `valeu`; did you mean `value`?
# ---
def misspelled_builtin(x: int):
    return rnage(x)  ### undefined name `rnage`; did you mean `range`?
# ---
def misspelled_operator(x):
    return torch.reul(x)  ### `torch` has no `reul` that a script can use; did you mean `relu`?
# ---
def misspelled_method(x):
    return x.veiw(2)  ### Tensor has no method `veiw` in scripts; did you mean `view`?
# ---
def only_in_one_branch(x: int):
    if x > 1:
        y = 1
    return y  ### `y` may be undefined here: it is assigned in only one branch of the `if` at wrong_names.py:2:5
# ---
def only_in_the_loop(n: int):
    for i in range(n):
        y = i
    return y  ### `y` may be undefined here: it is assigned only inside the loop at wrong_names.py:2:5
# ---
def the_loops_variable(n: int):
    for i in range(n):
        pass
    return i  ### `i` may be undefined here
# ---
def declared_only():
    x: int
    return x  ### `x` is declared but has no value yet
# ---
def a_type_as_value(x):
    return int  ### `int` is a type, not a value
# ---
def a_function_as_value(x):
    return other  ### `other` is a function
def other(x):
    return x
# ---
def a_module_as_value(x):
    return torch.jit  ### `torch.jit` is a module of names, not a value
# ---
def a_method_as_value(xs: List[int]):
    return xs.append  ### `append` is a method; call it
# ---
def an_unknown_attribute_of_an_int(x: int):
    return x.foo  ### int has no attribute or method `foo` in scripts
# ---
def undefined_type(x: Tensro):  ### undefined type `Tensro`; did you mean `Tensor`?
    return x
# ---
def type_without_elements(x: List):  ### `List` needs its element type
    return x
# ---
def dict_without_value(x: Dict[str]):  ### `Dict` takes 2 types, got 1
    return x
# ---
def an_expression_as_type(x: 1 + 2):  ### expected a type
    return x
# ---
def union(x: Union[int, complex]):  ### complex numbers are not supported in scripts
    return x
# ---
def sets(x):
    return set()  ### sets are not supported in scripts
# ---
def makes_an_exception(x):
    return ValueError('x')  ### `ValueError` is an exception: it can only be raised
# ---
def raises_a_value(x: int):
    raise x  ### expected an exception class
# ---
class Thing(Other):  ### classes of scripts have no base classes
    def f(self): pass
# ---
def twice(x):
    return x
def twice(x):  ### `twice` is defined twice
    return x
