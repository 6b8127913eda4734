# Enums and named tuples of texts that are refused, in the form of wrong_forms.py.
class E(Enum):
    A: int  ### a member of an enum needs a value
# ---
class E(Enum):
    A = 1
    B = 'b'  ### this is str, those before are int
# ---
class E(Enum):
    A = True  ### must be an int, a float or a str
# ---
class E(Enum):
    A = 1
    A = 2  ### two members of `E` are called `A`
# ---
class E(Enum):
    A = 1
    B = 1  ### has the value of `A`
# ---
class E(Enum):  ### the enum `E` has no members
    pass
# ---
class P(NamedTuple):
    x = 1  ### the field `x` needs a type
# ---
class P(NamedTuple):
    x: int
    x: int  ### two fields of `P` are called `x`
# ---
class P(NamedTuple):
    x: int = 'a'  ### the default of `x` is str, but the field is int
# ---
class P(NamedTuple):
    x: int = 1
    y: int  ### follows one that has
# ---
class P(NamedTuple):
    x: int
    def f(self):  ### `P` has only fields
        return 1
# ---
class P(NamedTuple):
    x: Q  ### undefined type `Q`
# ---
class P(int):  ### classes of scripts have no base classes
    x: int
# ---
class P(NamedTuple):
    x: int
class P(NamedTuple):  ### `P` is defined twice
    x: int
