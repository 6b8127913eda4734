# Each def here is refused. The line that is wrong ends in a comment with its column and the words of the error in full.
# The chunks are separated by lines of dashes and compiled one by one.
def empty_quotes(x: ''):  ### 21: expected a type between the quotes
    return x
# ---
def a_number_as_type(x: 3):  ### 25: expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`
    return x
# ---
def a_call_in_brackets(x: f()[int]):  ### 27: expected the name of a type
    return x
# ---
def dict_without_types(x: Dict):  ### 27: `Dict` needs its key and value types, as in `Dict[str, Tensor]`
    return x
# ---
def tuple_without_types(x: Tuple):  ### 28: `Tuple` needs its element types, as in `Tuple[int, Tensor]`
    return x
# ---
def list_without_type(x: List):  ### 26: `List` needs its element type, as in `List[Tensor]`
    return x
# ---
def a_function_as_type(x: torch.relu):  ### 27: `torch.relu` is not a type
    return x
# ---
def a_type_that_takes_none(x: int[str]):  ### 31: `int` takes no types in brackets
    return x
# ---
def undefined_generic(x: Lsit[int]):  ### 26: undefined type `Lsit`; did you mean `List`?
    return x
# ---
def tuple_of_any_length(x: Tuple[int, ...]):  ### 39: a tuple has a fixed length in scripts; use `List[T]` for any number of elements
    return x
# ---
def list_of_two(x: List[int, str]):  ### 20: `List` takes 1 type, got 2
    return x
# ---
def dict_of_one(x: Dict[str]):  ### 20: `Dict` takes 2 types, got 1
    return x
# ---
def optional_of_two(x: Optional[int, str]):  ### 24: `Optional` takes 1 type, got 2
    return x
# ---
def future_of_two(x: Future[int, str]):  ### 22: `Future` takes 1 type, got 2
    return x
# ---
def a_slice_as_type(x: List[1:2]):  ### 29: expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`
    return x
# ---
def key_that_is_no_key(x: Dict[List[int], int]):  ### 27: the keys of a dict must be str, int, float, bool or an enum, not List[int]
    return x
# ---
def a_namespace_called(x):
    return torch.jit(x)  ### 12: `torch.jit` is a module of names, not a function
# ---
def int_of_a_list(xs: List[int]):
    return int(xs)  ### 16: `int` does not convert List[int]
# ---
def float_of_optional(x: Optional[float]):
    return float(x)  ### 18: `float` does not convert Optional[float]; test `is not None` first
# ---
def int_of_two(x: int):
    return int(x, 2)  ### 12: `int` takes 0 to 1 arguments, got 2
# ---
def int_by_keyword(x: int):
    return int(value=x)  ### 16: `int` takes no keyword `value`
# ---
def makes_a_tensor(x):
    return Tensor(x)  ### 12: `Tensor(...)` is not supported in scripts; use `torch.tensor`, `torch.zeros` or `torch.empty`
# ---
def tuple_of_a_list(xs: List[int]):
    return tuple(xs)  ### 18: a tuple's length is part of its type, so it cannot be made of List[int]; write `(x[0], x[1])`
# ---
def list_of_two_things(xs: List[int]):
    return list(xs, xs)  ### 12: `list` takes 0 to 1 arguments, got 2
# ---
def tuple_of_nothing():
    return tuple()  ### 12: `tuple` takes 1 argument, got 0
# ---
def makes_a_future(x):
    return Future(x)  ### 12: a Future cannot be made in a script; `torch.jit.fork` and `rpc.rpc_async` return one
# ---
def makes_an_rref(x):
    return RRef(x)  ### 12: an RRef cannot be made in a script; `rpc.remote` returns one
# ---
def calls_optional(x: int):
    return Optional(x)  ### 12: `Optional` cannot be called; it belongs into an annotation, as in `x: Optional[int]`
# ---
def needed_in_the_next_turn(n: int):
    x = 1
    while n > 0:
        n -= 1
        y = x
        if n > 3:
            z = 1
        x = z  ### 13: `z` may be undefined here: it is assigned in only one branch of the `if` at wrong_forms.py:6:9; give it a value before
    return x
# ---
def slice_alone(x: int):
    return (x:2)  ### 14: expected `)` to close the `(` at wrong_forms.py:2:12, found `:`
# ---
def condition_of_a_tuple(t: Tuple[int, int]):
    if t:  ### 8: expected a condition (bool, int, float, str, list, dict or Tensor), got Tuple[int, int]
        return 1
    return 2
# ---
def len_of_an_int(x: int):
    return len(x)  ### 16: int has no length
# ---
def len_of_optional(x: Optional[List[int]]):
    return len(x)  ### 16: Optional[List[int]] has no length; test `is not None` first
# ---
def len_of_two(x: List[int]):
    return len(x, x)  ### 12: `len` takes 1 argument, got 2
# ---
def len_by_keyword(x: List[int]):
    return len(obj=x)  ### 16: `len` takes no keyword `obj`
# ---
def enumerate_from_a_float(xs: List[int]):
    for i, x in enumerate(xs, 1.5):  ### 31: `enumerate` must start at an int, not float
        pass
# ---
def enumerate_of_three(xs: List[int]):
    for i, x in enumerate(xs, 1, 2):  ### 17: `enumerate` takes 1 to 2 arguments, got 3
        pass
# ---
def zip_of_nothing():
    for x in zip():  ### 14: `zip` takes 1 to 255 arguments, got 0
        pass
# ---
def reversed_pairs(xs: List[int]):
    for x in reversed(zip(xs, xs)):  ### 14: `reversed` takes a list, a tuple, a range, a str, a Tensor or a container of modules, not `zip(...)`
        pass
# ---
def reversed_of_two(xs: List[int]):
    for x in reversed(xs, xs):  ### 14: `reversed` takes 1 argument, got 2
        pass
# ---
def too_few_variables(xs: List[int]):
    for a, b, c in enumerate(xs):  ### 9: expected 2 variables for this loop, got 3
        pass
# ---
def wait_all_of_ints(xs: List[int]):
    return rpc.api._wait_all(xs)  ### 12: undefined name `rpc`
# ---
def wait_for_two(f: Future[int]):
    return torch.jit.wait(f, f)  ### 12: `wait` takes 1 argument, got 2
# ---
def wait_for_optional(f: Optional[Future[int]]):
    return torch.jit.wait(f)  ### 27: `wait` takes a Future, got Optional[Future[int]]; test `is not None` first
# ---
def fork_of_nothing():
    return torch.jit.fork()  ### 12: `fork` takes a function or a module first, then its arguments
# ---
def fork_by_keyword(x):
    return torch.jit.fork(func=x)  ### 12: `fork` takes a function or a module first, then its arguments
# ---
def annotate_another_type(x: int):
    return torch.jit.annotate(str, x)  ### 36: expected str, got int
# ---
def annotate_one(x: int):
    return torch.jit.annotate(x)  ### 12: `annotate` takes 2 arguments, got 1
# ---
def isinstance_of_one(x: int):
    return isinstance(x)  ### 12: `isinstance` takes 2 arguments, got 1
# ---
def getattr_of_a_variable(x, name: str):
    return getattr(x, name)  ### 23: the name of the attribute must be a constant str in scripts
# ---
def getattr_of_a_tensor(x):
    return getattr(x, 'nope')  ### 20: `getattr` takes a module here, not Tensor
# ---
def hasattr_of_one(x):
    return hasattr(x)  ### 12: `hasattr` takes 2 arguments, got 1
# ---
def print_to(x: int):
    print(x, end='')  ### 14: `print` takes no keyword `end` in scripts; write an f-string
# ---
def format_by_keyword(x: int):
    return '{a}'.format(a=x)  ### 25: `format` takes no keywords in scripts; write an f-string
# ---
def calls_super(x):
    return super().forward(x)  ### 12: `super` is not supported in scripts; call a method of a submodule, or write the code here
# ---
def is_scripting_of(x: int):
    return torch.jit.is_scripting(x)  ### 12: `is_scripting` takes 0 arguments, got 1
# ---
def attribute_of_a_tensor(x):
    x.weight = x  ### 5: only attributes of modules and of objects of classes can be assigned to, not those of Tensor
# ---
def annotated_attribute_of_another_type(x):
    x.weight: str = 1  ### 21: expected str, got int
# ---
def declared_as_something_else(x: int):
    y = 1
    y: str  ### 5: `y` holds a value of type int and cannot be declared as str
# ---
def declared_twice(x: int):
    y: int = x
    y: str = 'a'  ### 5: `y` is declared as int already
# ---
def a_slice_in_place(xs: List[int]):
    xs[0:1] += [1]  ### 5: only a single element can be changed in place; change the elements in a loop
# ---
def an_element_of_another_type(xs: List[int]):
    xs[0] += 1.5  ### 5: the elements are int, but this gives float
# ---
def text_in_place(x: str):
    x[0] += 'a'  ### 5: the elements of str cannot be changed
# ---
def raises_with_keyword():
    raise ValueError(message='no')  ### 22: an exception takes no keywords in scripts; give it a message
# ---
def unpacks_an_int(x: int):
    a, b = x  ### 12: a value of type int cannot be unpacked into 2 variables
# ---
def unpacks_one_of_two(t: Tuple[int, int]):
    (a,) = t  ### 12: expected 1 value to unpack, got 2 of type Tuple[int, int]
# ---
def slice_by_float(xs: List[int]):
    return xs[1.5:]  ### 15: the bounds of a slice must be ints, not float
# ---
def slice_by_none_step(xs: List[int], n: Optional[int]):
    return xs[::n]  ### 17: the step of a slice must be an int, not Optional[int]
# ---
def slice_of_a_list_by_tensor(xs: List[int], n):
    return xs[n:]  ### 15: the bounds of a slice must be ints, not Tensor
# ---
def two_indices(xs: List[int]):
    return xs[0, 1]  ### 12: List[int] takes a single index
# ---
def index_and_comma(xs: List[int]):
    return xs[0,]  ### 12: List[int] takes a single index
# ---
def tuple_sliced_by_a_variable(t: Tuple[int, int], n: int):
    return t[n:]  ### 14: the numbers of a tuple's slice must be constant ints
# ---
def tuple_index_below(t: Tuple[int, str]):
    return t[-3]  ### 14: Tuple[int, str] has 2 elements, so no index -3
# ---
def dict_sliced(d: Dict[str, int]):
    return d[1:2]  ### 14: a dict takes no slice
# ---
def indexes_an_int(x: int):
    return x[0]  ### 12: int cannot be indexed
# ---
def indexes_optional(x: Optional[List[int]]):
    return x[0]  ### 12: Optional[List[int]] cannot be indexed; test `is not None` first
# ---
def indexes_a_type(x):
    return List[int]  ### 12: a type can only be used in annotations, `isinstance` and `torch.jit.annotate`
# ---
def stores_text(x):
    x[0] = 'a'  ### 5: a str cannot be stored into a Tensor here; build a new one with torch.cat or torch.stack
# ---
def stores_at_two_indices(xs: List[int]):
    xs[0, 1] = 2  ### 5: List[int] takes a single index
# ---
def stores_a_slice(xs: List[int]):
    xs[0:1] = [2]  ### 8: assigning to a slice is not supported in scripts; assign the elements in a loop
# ---
def dict_of_two(d: Dict[str, int]):
    return dict(d, d)  ### 20: `dict` takes one dict or list of pairs, then keywords; got 2 arguments
# ---
def dict_of_ints(xs: List[int]):
    return dict(xs)  ### 17: `dict` takes a dict or pairs of key and value; the elements here are int
# ---
def attribute_of_a_method(x):
    return x.sum.name  ### 18: the method `sum` has no attributes
# ---
def attribute_of_optional_alone(x: Optional[Tensor]):
    return x.shape  ### 12: Optional[Tensor] has no `shape`; test `is not None` first
# ---
def an_operator_as_value(x):
    return torch.relu  ### 12: `torch.relu` is an operator, not a value
# ---
def a_form_as_value(x):
    return len  ### 12: `len` is a function of the language, not a value
# ---
def an_exception_as_value(x):
    return ValueError  ### 12: `ValueError` is an exception class, not a value
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_to_nobody():
    return rpc.rpc_async(func=callee)  ### 12: `rpc_async` needs a worker and a function: `rpc_async(to, func, args=(...))`
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_of_nothing(to: str):
    return rpc.remote(to)  ### 12: `remote` needs a worker and a function: `remote(to, func, args=(...))`
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_of_six(to: str):
    return rpc.rpc_async(to, callee, (1,), None, 1.0, 2)  ### 55: `rpc_async` takes at most 5 arguments: to, func, args, kwargs, timeout
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_keyword(to: str):
    return rpc.rpc_sync(to, callee, arg=(1,))  ### 37: `rpc_sync` has no argument `arg`; did you mean `args`?
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_twice(to: str):
    return rpc.rpc_sync(to, callee, (1,), args=(1,))  ### 43: `rpc_sync` gets its argument `args` twice
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_to_a_float(to: float):
    return rpc.rpc_sync(to, callee, (1,))  ### 25: the worker must be named by a str (or by its rank, an int, or by the owner of an RRef), not by float
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_args_no_tuple(to: str):
    return rpc.rpc_sync(to, callee, 1)  ### 37: `args` must be a tuple, not int; write one argument as `(x,)`
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_kwargs_of_a_list(to: str, d: List[int]):
    return rpc.rpc_sync(to, callee, kwargs=d)  ### 44: `kwargs` must be a dict, as in `kwargs={"alpha": 2}`, or a variable of type Dict[str, T], not List[int]
# ---
import torch.distributed.rpc as rpc
def rpc_keywords_of_an_operator_elsewhere(to: str, d: Dict[str, int]):
    return rpc.rpc_sync(to, torch.add, (1, 2), d)  ### 48: `torch.add` is an operator, whose keywords decide what it returns: write them in place, as in `kwargs={"alpha": 2}`
# ---
import torch.distributed.rpc as rpc
def callee(x: int, y: int) -> int:
    return x + y
def rpc_without_one(to: str):
    kwargs = {}
    return rpc.rpc_sync(to, callee, (1,), kwargs)  ### 12: `callee` needs a value for `y`: it takes 2 arguments, got 1
# ---
import torch.distributed.rpc as rpc
def callee(x: int, y: int) -> int:
    return x + y
def rpc_with_one_too_many(to: str, d: Dict[str, int]):
    return rpc.rpc_sync(to, callee, (1, 2, 3), d)  ### 44: `callee` takes 2 positional arguments, got 3
# ---
import torch.distributed.rpc as rpc
def callee(x: int, y: int = 2) -> int:
    return x + y
def rpc_with_an_unknown_keyword(to: str):
    return rpc.rpc_sync(to, callee, (1,), {"z": 2})  ### 49: `callee` has no argument `z`
# ---
import torch.distributed.rpc as rpc
def callee(x: int, y: int = 2) -> int:
    return x + y
def rpc_with_an_argument_twice(to: str):
    return rpc.rpc_sync(to, callee, (1,), {"x": 2})  ### 49: `callee` gets its argument `x` twice
# ---
import torch.distributed.rpc as rpc
def callee(x: int, y: int = 2) -> int:
    return x + y
def rpc_position_beside_a_dict(to: str, d: Dict[str, int]):
    return rpc.rpc_sync(to, callee, ("a",), d)  ### 38: `callee` expects int for `x`, got str
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_of_a_future(to: str, x: Future[int]):
    return rpc.rpc_sync(to, "callee", (x,))  ### 12: a Future cannot be sent to another worker, and an argument is a Future[int]; wait for it and send its value
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> Future[int]:
    return torch.jit.fork(inner, x)
def inner(x: int) -> int:
    return x
def rpc_that_gives_a_future(to: str):
    return rpc.rpc_sync(to, callee, (1,))  ### 29: a call on another worker cannot give a Future[int]: a Future cannot be sent. Return its value, or decorate the callee with @rpc.functions.async_execution
# ---
import torch.distributed.rpc as rpc
def rpc_by_name_that_gives_a_future(to: str):
    x: Future[int] = rpc.rpc_sync(to, "callee", (1,))  ### 39: a call on another worker cannot give a Future[int]: a Future cannot be sent. Return its value, or decorate the callee with @rpc.functions.async_execution
# ---
import torch.distributed.rpc as rpc
def rpc_of_a_number(to: str):
    return rpc.rpc_sync(to, 3)  ### 29: expected a script function, a method or a module, got int
# ---
import torch.distributed.rpc as rpc
def rpc_of_an_operators_name(to: str):
    return rpc.rpc_sync(to, "aten::relu", ("a",))  ### 12: `aten::relu` does not take (str): expected Tensor for `self`, got str
# ---
import torch.distributed.rpc as rpc
def rpc_declared_otherwise(to: str):
    f: Future[int] = rpc.rpc_async(to, "aten::relu", (torch.ones(2),))  ### 22: `f` is declared as Future[int], but this is Future[Tensor]
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_kwargs_by_number(to: str):
    return rpc.rpc_sync(to, callee, kwargs={1: 1})  ### 44: the keys of `kwargs` are the names of arguments, so they must be str, not int: this is a Dict[int, int]
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_timeout(to: str):
    return rpc.rpc_sync(to, callee, (1,), timeout='1')  ### 51: the timeout must be a number of seconds, not str
# ---
import torch.distributed.rpc as rpc
def callee(x: int) -> int:
    return x
def rpc_argument(to: str):
    return rpc.rpc_sync(to, callee, ('a',))  ### 38: `callee` expects int for `x`, got str
# ---
def waits_for_ints(xs: List[int]):
    return torch.futures.wait_all(xs)  ### 35: `wait_all` takes a list of Futures, got List[int]
# ---
def waits_for_two_lists(xs: List[Future[int]]):
    return torch.futures.wait_all(xs, xs)  ### 12: `wait_all` takes 1 argument, got 2
# ---
def declared_in_one_branch_and_assigned_in_the_other(c: bool):
    if c:
        x: int
    else:
        x = 1
    return x  ### 12: `x` is declared but has no value yet
# ---
def declared_in_one_branch(c: bool):
    if c:
        x: int
    return x  ### 12: `x` is declared but has no value yet
# ---
def declared_in_the_loop(n: int):
    for i in range(n):
        x: int
    return x  ### 12: `x` may be undefined here: it is assigned only inside the loop at wrong_forms.py:2:5; give it a value before
# ---
import torch.distributed.rpc as rpc
@rpc.functions.async_execution
def callee(x: int) -> int:
    return x
def rpc_of_an_async_function(to: str):
    return rpc.rpc_sync(to, callee, (1,))  ### 29: `callee` is an async_execution function, which must return a Future for a call on another worker; it returns int
# ---
import torch.distributed.rpc as rpc
@rpc.functions.async_execution
def callee(x: int) -> Future[int]:
    return torch.jit.fork(inner, x)
def inner(x: int) -> int:
    return x
def rpc_of_an_async_function_gives_its_value(to: str) -> str:
    return rpc.rpc_sync(to, callee, (1,))  ### 12: `rpc_of_an_async_function_gives_its_value` is declared to return str, but this is int
# ---
def reversed_counts(xs: List[int]):
    for x in reversed(enumerate(xs)):  ### 14: `reversed` takes a list, a tuple, a range, a str, a Tensor or a container of modules, not `enumerate(...)`
        pass
