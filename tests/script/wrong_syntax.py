# What no script can be written like, in the form of wrong_forms.py.
x = 1  ### 1: expected `def` at the outermost level of a script, found `x`; statements belong into a function
def f():
    return x
# ---
def f(x: int) -> int:
    return x  # type: int  ### 23: a type in a comment is read after a parameter, in front of a function's body and after the assignment of a variable; elsewhere write an annotation, as in `x: List[int] = []`
# ---
def f(x: int,  # type: str  ### 24: the annotation of `x` and this comment are different; keep one
      y: int):
    return x
# ---
def f(x: int) -> int:
    # type: (int) -> str  ### 22: the annotation of the result and this comment are different; keep one
    return x
# ---
def f(x):
    # type: (int, int) -> int  ### 13: this comment has the types of 2 parameters, but `f` takes 1
    return x
# ---
def f(x):
    # type: (*int) -> int  ### 14: `*args` and `**kwargs` are not supported in scripts; name the parameters
    return x
# ---
def f(x):
    # type: (int str) -> int  ### 18: expected `)` after the parameters' types, found `str`
    return x
# ---
def f(x):
    # type: (int), -> int  ### 18: expected `->` between the parameters' types and that of the result, found `,`
    return x
# ---
def f(x):
    # type: (int) -> int int  ### 26: expected the expression to end here, found `int`
    return x
# ---
async def f(x):  ### 1: `async` is not supported in scripts; start work with `torch.jit.fork` and take its result with `torch.jit.wait`
    return x
# ---
def f(x):
    async with x:  ### 5: `async` is not supported in scripts; start work with `torch.jit.fork` and take its result with `torch.jit.wait`
        pass
# ---
@torch.jit.ignore 3  ### 19: expected the end of the line after the decorator, found `3`
def f(x):
    return x
# ---
import 3  ### 8: expected a name in the import, found `3`
# ---
import torch.3  ### 13: expected the end of the line after the import, found `.3`
# ---
import torch as 3  ### 17: expected a name after `as`, found `3`
# ---
import torch nn  ### 14: expected the end of the line after the import, found `nn`
# ---
from .torch import nn  ### 6: a relative import is not supported in scripts; name the module from its root
# ---
from torch import *  ### 19: `import *` is not supported in scripts; import the names one by one
# ---
from torch nn  ### 12: expected `import` in `from module import name`, found `nn`
# ---
from torch import 3  ### 19: expected a name to import, found `3`
# ---
from torch import (nn jit)  ### 23: expected `)` to close the import, found `jit`
# ---
def 3(x):  ### 5: expected a name after `def`, found `3`
    return x
# ---
def f[T](x: T):  ### 6: type parameters are not supported in scripts; write one function for each type
    return x
# ---
def f:  ### 6: expected `(` after the function's name, found `:`
    return 1
# ---
def f(x) -> int  ### 16: expected `:` after the function's head, found the end of the line
    return x
# ---
def f(*args):  ### 7: `*args` is not supported in scripts; name the parameters, or take a List
    return 1
# ---
def f(*, a: int, *, b: int):  ### 18: `*` appears twice in the parameters
    return a
# ---
def f(*):  ### 8: expected `,` and a parameter after `*`, found `)`
    return 1
# ---
def f(*,):  ### 9: expected a parameter after `*`
    return 1
# ---
def f(**kwargs):  ### 7: `**kwargs` is not supported in scripts; name the parameters, or take a Dict
    return 1
# ---
def f(x, /):  ### 10: `/` in the parameters is not supported in scripts; leave it out
    return x
# ---
def f(3):  ### 7: expected a name as a parameter, found `3`
    return 1
# ---
def f(x, x):  ### 10: the parameter `x` appears twice
    return x
# ---
def f(x: int = 1, y: int):  ### 19: the parameter `y` has no default but follows one that has
    return x
# ---
def f(x y):  ### 9: expected `)` after the parameters, found `y`
    return x
# ---
class 3:  ### 7: expected a name after `class`, found `3`
    def f(self): pass
# ---
class A(B C):  ### 11: expected `)` after the base classes, found `C`
    def f(self): pass
# ---
class A  ### 8: expected `:` after the class's head, found the end of the line
    def f(self): pass
# ---
class A: x = 1  ### 10: the body of a class begins on a line of its own
# ---
class A:
def f(self):  ### 1: expected an indented line as the body of the class, found `def`
    pass
# ---
class A:
    x: int y: int  ### 12: expected the end of the line after the field, found `y`
# ---
class A:
    if True:  ### 5: expected a method or a field in the class, found `if`
        x: int
# ---
def f(x):
return x  ### 1: expected an indented block as the body of a function, found `return`
# ---
def f(n: int):
    while n > 0  ### 16: expected `:` after the condition, found the end of the line
        n -= 1
# ---
def f(n: int):
    while n > 0:
    n -= 1  ### 5: expected an indented block as the body of the loop, found `n`
# ---
def f(n: int):
    for i range(n):  ### 11: expected `in` in the loop's head, found `range`
        pass
# ---
def f(n: int):
    for i in range(n)  ### 22: expected `:` after the loop's head, found the end of the line
        pass
# ---
def f(n: int):
    for i in range(n):
    n += i  ### 5: expected an indented block as the body of the loop, found `n`
# ---
def f(n: int):
    for 3 in range(n):  ### 9: the target of a loop is a variable, an attribute, an element, or a tuple of these
        pass
# ---
def f(n: int):
    if n > 0  ### 13: expected `:` after the condition, found the end of the line
        n = 1
# ---
def f(n: int):
    if n > 0:
    n = 1  ### 5: expected an indented block as the body of the branch, found `n`
# ---
def f(n: int):
    if n = 0:  ### 10: expected `:` after the condition, found `=`; a comparison is written `==`
        n = 1
# ---
def f(n: int):
    if n > 0:
        n = 1
    else n < 0:  ### 10: expected `:` after `else`, found `n`
        n = 2
# ---
def f(n: int):
    if n > 0:
        n = 1
    else if n < 0:  ### 10: expected `:` after `else`, found `if`; write `elif`
        n = 2
# ---
def f(n: int):
    else:  ### 5: this `else` belongs to no `if`; it stands below one, indented as much
        n = 2
# ---
def f(n: int):
    n += 1
        n += 2  ### 9: this line is indented more than the one before for no reason
# ---
def f(n: int):
        n += 1
    n += 2  ### 5: this line's indentation matches no enclosing block
# ---
def f(n: int):
    if n > 0:
        n += 1
	n += 2  ### 2: this line's indentation mixes tabs and spaces differently from the lines above; indent with spaces alone
# ---
def f(n: int):
	n += 1
 n += 2  ### 2: this line's indentation mixes tabs and spaces differently from the lines above; indent with spaces alone
# ---
def f(n: int):
    def g(m: int): return m  ### 5: a function inside a function is not supported in scripts; define it outside and pass what it needs
    return g(n)
# ---
def f(n: int):
    @torch.jit.ignore  ### 5: a decorated definition inside a function is not supported in scripts; define it outside
    def g(m: int): return m
    return g(n)
# ---
def f(n: int):
    class A:  ### 5: a class inside a function is not supported in scripts; define it outside
        pass
    return n
# ---
def f(n: int):
    try:  ### 5: `try` is not supported in scripts; check before with `if`, or catch the error in Python around the call
        return n
    finally:
        print(n)
# ---
def f(n: int):
    match n:  ### 5: `match` is not supported in scripts; write `if` and `elif`
        case 1: return n
# ---
def f(n: int):
    for i in range(n):
        n += i
    else:  ### 5: `else` of a loop is not supported in scripts; set a flag before `break` and test it after the loop
        n = 0
# ---
def f(n: int):
    while n > 0:
        n -= 1
    else:  ### 5: `else` of a loop is not supported in scripts; set a flag before `break` and test it after the loop
        n = 1
# ---
def f():
    with torch.no_grad() torch.no_grad():  ### 26: expected `:` after the head of `with`, found `torch`
        pass
# ---
def f():
    with (torch.no_grad() as a torch.no_grad()):  ### 32: expected `)` after the items of `with`, found `torch`
        pass
# ---
def f():
    with torch.no_grad() as 3:  ### 29: the target of a `with` is a variable, an attribute, an element, or a tuple of these
        pass
# ---
def f():
    with torch.no_grad():
    pass  ### 5: expected an indented block as the body of the `with`, found `pass`
# ---
def f(n: int):
    print n  ### 11: expected the statement to end here, found `n`; write `print(...)`
# ---
def f(n: int):
    n += 1 n += 2  ### 12: expected the statement to end here, found `n`
# ---
def f():
    raise  ### 5: `raise` without an exception is not supported in scripts; name one, as in `raise ValueError("...")`
# ---
def f(e: int):
    raise ValueError("no") from e  ### 33: `raise ... from` takes only None in scripts; put the cause into the message
# ---
def f(n: int):
    global n  ### 5: `global` is not supported in scripts; pass the value in and return the new one
# ---
def f(n: int):
    nonlocal n  ### 5: `nonlocal` is not supported in scripts; pass the value in and return the new one
# ---
def f(n: int):
    import math  ### 5: `import` inside a function is not supported in scripts; import at the top of the file
# ---
def f(n: int):
    from math import sqrt  ### 5: `import` inside a function is not supported in scripts; import at the top of the file
# ---
def f(n: int):
    del  ### 5: `del` needs a variable or an element, as in `del d[key]`
# ---
def f(n: int):
    del 3  ### 9: `del` takes variables and elements of lists and dicts
# ---
def f(n: int):
    del f(n)  ### 9: `del` takes variables and elements of lists and dicts
# ---
def f(t: Tuple[int, int]):
    a, b: int = t  ### 5: only a single variable can be annotated; assign and annotate one by one
# ---
def f(n: int):
    3 = n  ### 5: the target of an assignment is a variable, an attribute, an element, or a tuple of these
# ---
def f(n: int):
    n + 1 = 3  ### 5: the target of an assignment is a variable, an attribute, an element, or a tuple of these
# ---
def f(n: int):
    None = n  ### 5: the target of an assignment is a variable, an attribute, an element, or a tuple of these
# ---
def f(t: Tuple[int, int]):
    () = t  ### 5: the target of an assignment is empty
# ---
def f(t: Tuple[int, int, int]):
    *a, *b = t  ### 9: one `*` in a target takes all that the others leave, so there is no second
# ---
def f(n: int):
    f(n) += 1  ### 5: only a variable, an attribute or an element can be changed in place
# ---
def f(n: int):
    n++  ### 8: expected an expression, found the end of the line; write `+= 1`
# ---
def f(n: int):
    return lambda: n  ### 12: `lambda` is not supported in scripts; define a function and pass its name
# ---
def f(n: int):
    yield n  ### 5: `yield` is not supported in scripts; collect the values in a list and return it
# ---
def f(x: Future[int]):
    return await x  ### 12: `await` is not supported in scripts; write `torch.jit.wait(future)`, which suspends as well
# ---
def f(n: int):
    return (m := n)  ### 15: `:=` is not supported in scripts; assign on a line of its own
# ---
def f(n: int):
    return 1 if n  ### 18: expected `else` in `a if condition else b`, found the end of the line
# ---
def f(x):
    return x.[0]  ### 14: expected a name after `.`, found `[`
# ---
def f(x):
    return x.3  ### 13: expected the statement to end here, found `.3`
# ---
def f(x):
    return x[]  ### 14: expected an index between `[` and `]`
# ---
def f(x):
    return x[0 1]  ### 16: expected `]` after the index, found `1`
# ---
def f(x):
    return x[0  ### 13: this `[` is never closed
# ---
def f(d: Dict[str, int]):
    return f(**d)  ### 14: `**kwargs` is not supported in a call in scripts; write the keywords one by one
# ---
def f(x: int, y: int) -> int:
    return f(x=x, x=y)  ### 19: the keyword `x` is given twice
# ---
def f(x: int, y: int) -> int:
    return f(x=x, y)  ### 19: a positional argument follows a keyword argument; move it to the front
# ---
def f(xs: List[int]) -> int:
    return max(x for x in xs, 1)  ### 16: a generator expression beside other arguments needs brackets of its own
# ---
def f(x: int, y: int) -> int:
    return f(x y)  ### 16: expected `,` or `)` in the arguments that begin at wrong_syntax.py:2:13, found `y`
# ---
def f(x: int, y: int):
    return (x y)  ### 15: expected `)` to close the `(` at wrong_syntax.py:2:12, found `y`
# ---
def f(t: Tuple[int, int]):
    return *t  ### 12: `*` unpacks among arguments, targets and the items of a list or tuple; a tuple of one item ends in a comma: `*x,`
# ---
def f(t: Tuple[int, int]):
    x = *t + t  ### 9: `*` unpacks among arguments, targets and the items of a list or tuple; a tuple of one item ends in a comma: `*x,`
# ---
def f(xs: List[int]):
    return [x for x xs]  ### 21: expected `in` in the comprehension, found `xs`
# ---
def f(xs: List[int]):
    return [x for x in xs for y in xs]  ### 27: a comprehension over several loops is not supported in scripts; write nested `for` statements
# ---
def f(xs: List[int]):
    return [x for x in xs, 3]  ### 26: expected `]` to close the comprehension, found `,`
# ---
def f(xs: List[int]):
    return [1 2]  ### 15: expected `,` or `]` in the list that begins at wrong_syntax.py:2:12, found `2`
# ---
def f(n: int):
    return {n}  ### 12: sets are not supported in scripts; write a list `[...]`, or a dict `{key: value}`
# ---
def f(xs: List[int]):
    return {x for x in xs}  ### 15: a set comprehension is not supported in scripts; write a list comprehension `[... for ... in ...]` or a loop
# ---
def f(d: Dict[str, int]):
    return {**d}  ### 13: `*` and `**` do not unpack in scripts; name the elements one by one
# ---
def f(n: int):
    return {n 1}  ### 15: expected `:` between key and value of the dict, found `1`
# ---
def f(n: int):
    return {n: 1 2}  ### 18: expected `}` to close the dict, found `2`
# ---
def f(xs: List[int]):
    return {x: 1 for x in xs, 2}  ### 29: expected `}` to close the comprehension, found `,`
# ---
def f(n: int):
    m =  ### 8: expected an expression, found the end of the line
# ---
def f(n: int):
    return n +  ### 15: expected an expression, found the end of the line
# ---
def f(n: int):
    return not  ### 15: expected an expression, found the end of the line
# ---
def f(n: int):
    return n <> 1  ### 15: expected an expression, found `>`; write `!=`
# ---
def f(n: int):
    return n && 1  ### 15: expected an expression, found `&`; write `and`
# ---
def f(n: int):
    return !n  ### 12: expected an expression, found `!`; write `not`
# ---
def f(n: int):
    return n ? 1 : 2  ### 14: unexpected character `?`; write `a if condition else b`
# ---
def f(n: int):
    return `n`  ### 12: unexpected character ```
# ---
def f(n: int):
    return n)  ### 13: this `)` closes nothing
# ---
def f(n: int):
    return (n]  ### 14: expected `)` to close the `(` at wrong_syntax.py:2:12, found `]`
# ---
def f(n: int):
    return (n  ### 12: this `(` is never closed
# ---
def f(n: int):
    return n \ + 1  ### 14: a backslash continues a line only as its last character
# ---
def f():
    return 9223372036854775808  ### 12: this number does not fit into an int of 64 bits; write it as a float
# ---
def f():
    return 017  ### 12: a decimal number does not begin with 0; octal ones are written 0o17
# ---
def f():
    return 0x  ### 12: this number has no digits
# ---
def f():
    return 3px  ### 12: this is neither a number nor a name
# ---
def f():
    return 3j  ### 12: complex numbers are not supported in scripts
# ---
def f():
    return b"a"  ### 12: bytes are not supported in scripts; write a str
# ---
def f():
    return "\N{DASH}"  ### 13: named characters are not supported in scripts; write the character or \uXXXX
# ---
def f():
    return "\x4"  ### 13: this escape needs 2 hexadecimal digits
# ---
def f():
    return "\ud800"  ### 13: this escape does not name a character
# ---
def f():
    return "a  ### 12: this string is not closed on its line
# ---
def f():
    return """a  ### 12: this string is never closed
# ---
def f(n: int):
    return f"{n"  ### 14: this field is never closed
# ---
def f(n: int):
    return f"n}"  ### 15: this `}` closes no field; a brace in the text is written `}}`
# ---
def f(n: int):
    return f"{}"  ### 14: this field is empty
# ---
def f(n: int):
    return f"{n:3}"  ### 16: formats, conversions and `=` in the fields of an f-string are not supported in scripts; convert the value first
# ---
def f(n: int):
    return f"{n n}"  ### 17: expected the expression to end here, found `n`
# ---
def f(n: int):
    n--  ### 8: expected an expression, found the end of the line; write `-= 1`
# ---
def f(n: int):
    return n || 1  ### 15: expected an expression, found `|`; write `or`
# ---
def f(n: int):
    elif n > 1:  ### 5: this `elif` belongs to no `if`; it stands below one, indented as much
        n = 2
# ---
def f(n: int):
    while n = 0:  ### 13: expected `:` after the condition, found `=`; a comparison is written `==`
        n = 1
