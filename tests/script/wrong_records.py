# Enums and named tuples of texts that are refused, in the form of wrong_forms.py.
class E(Enum):
    A: int  ### 5: a member of an enum needs a value: `A = 1`
# ---
class E(Enum):
    A = 1
    B = 'b'  ### 9: the values of an enum have one type in scripts: this is str, those before are int
# ---
class E(Enum):
    A = True  ### 9: the value of a member must be an int, a float or a str in scripts
# ---
class E(Enum):
    A = 1
    A = 2  ### 5: two members of `E` are called `A`
# ---
class E(Enum):
    A = 1
    B = 1  ### 9: the member `B` has the value of `A`
# ---
class E(Enum):  ### 7: the enum `E` has no members
    pass
# ---
class P(NamedTuple):
    x = 1  ### 5: the field `x` needs a type: `x: int`
# ---
class P(NamedTuple):
    x: int
    x: int  ### 5: two fields of `P` are called `x`
# ---
class P(NamedTuple):
    x: int = 'a'  ### 14: the default of `x` is str, but the field is int
# ---
class P(NamedTuple):
    x: int = 1
    y: int  ### 5: the field `y` has no default but follows one that has
# ---
class P(NamedTuple):
    x: int
    def f(self):  ### 9: `P` has only fields in scripts; write the method as a function
        return 1
# ---
class P(NamedTuple):
    x: Q  ### 8: undefined type `Q`
# ---
class P(int):  ### 9: classes of scripts have no base classes; keep an object of that class in an attribute
    x: int
# ---
class P(NamedTuple):
    x: int
class P(NamedTuple):  ### 7: `P` is defined twice in this source
    x: int
# ---
class P(NamedTuple):
    x: int
    count_of: int
def f(p: P):
    return p.cuont_of  ### 14: __main__.P has no field `cuont_of` in scripts; did you mean `count_of`?
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return p._replace(x=1)  ### 14: __main__.P has no field `_replace` in scripts; make another one, `P(...)`
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return p._fields  ### 14: __main__.P has no field `_fields` in scripts; its fields are known where the script is written, so name them
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    p.x = 1  ### 5: the fields of __main__.P cannot be assigned to; make another one, `P(...)`
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return P()  ### 12: `P` needs a value for `x`: it takes 1 argument, got 0
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return P(1, 2)  ### 17: `P` takes 1 positional argument, got 2
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return P("a")  ### 14: `P` expects int for `x`, got str
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return P(y=1)  ### 14: `P` has no argument `y`
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return P  ### 12: `P` is a type, not a value
# ---
class P(NamedTuple):
    x: int
def f(p: P):
    return p["x"]  ### 14: __main__.P must be indexed by int; a field is read as `.name`
# ---
class P(NamedTuple):
    x: int
class Q(NamedTuple):
    x: int
def f(p: P) -> Q:
    return p  ### 12: `f` is declared to return __main__.Q, but this is __main__.P
# ---
class P(NamedTuple):
    x: int
def f(p: P) -> P:
    return (1,)  ### 12: `f` is declared to return __main__.P, but this is Tuple[int]
# ---
class P(NamedTuple):
    x: int
def f(p: Optional[P]):
    return p.x  ### 12: Optional[__main__.P] has no `x`; test `is not None` first
# ---
class E(Enum):
    RED = 1
    GREEN = 2
def f(e: E):
    return E.GREN  ### 14: the enum __main__.E has no member `GREN`; did you mean `GREEN`?
# ---
class E(Enum):
    RED = 1
def f(e: E):
    return e.size  ### 14: __main__.E has no attribute `size` in scripts; a member of an enum has `name` and `value`
# ---
class E(Enum):
    RED = 1
def f(x: int):
    return E(x)  ### 12: a member of `E` is named in scripts, as `E.RED`
# ---
class E(Enum):
    RED = 1
def f(e: E):
    return E["RED"]  ### 12: a member of `E` is named in scripts, as `E.RED`
# ---
class E(Enum):
    RED = 1
def f(e: E):
    return e == 1  ### 12: `==` does not take __main__.E and int
# ---
class E(Enum):
    RED = 1
def f(e: E):
    return e < e  ### 12: `<` does not take __main__.E and __main__.E
# ---
class E(Enum):
    RED = 1
def f(e: E):
    return e + 1  ### 12: `+` does not take __main__.E and int
# ---
class E(Enum):
    RED = 1
def f(e: E):
    e.value = 3  ### 5: only attributes of modules and of objects of classes can be assigned to, not those of __main__.E
# ---
class E(Enum):
    RED = 1
def f(e: E) -> int:
    return e  ### 12: `f` is declared to return int, but this is __main__.E
# ---
class E(Enum):
    RED = 1
def g(e: E) -> int:
    return 1
def f():
    return g(1)  ### 14: `g` expects __main__.E for `e`, got int
# ---
class E(Enum):
    RED = 1
    def f(self):  ### 9: `E` has only members in scripts; write the method as a function
        return 1
# ---
class E(Enum):
    RED = [1]  ### 11: the value of a member must be an int, a float or a str in scripts
# ---
class E(Enum):
    RED = 1
    BLUE = 2
def f():
    return E["BLUE"]  ### 12: a member of `E` is named in scripts, as `E.BLUE`
# ---
class E(Enum):
    RED = 1
    BLUE = 2
def f(x: str):
    return E[x]  ### 12: a member of `E` is named in scripts, as `E.RED`
