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
