# Small programs: ternary. test_statements.py says how they are written.
# --- ternary_optional
def f(x: int) -> Optional[int]:
    return x if x > 2 else None
# f(1) => None
# --- ternary_int_float
def f(x: int) -> float:
    return x if x > 2 else 2.5
# f(3) => 3.0
# --- ternary_union
def f(x: int) -> str:
    y = x if x > 2 else "a"  ### 9: the two sides of this `if` expression are int and str; give them one type
    return str(y)
# --- ternary_lists
def f(x: int) -> List[int]:
    return [] if x > 2 else [1]
# f(3) => []
# --- ternary_refine
def f(x: Optional[int]) -> int:
    return x if x is not None else 0
# f(None) => 0
# --- ternary_nested
def f(x: int) -> int:
    return 1 if x == 1 else 2 if x == 2 else 3
# f(2) => 2
# --- ternary_tensor_number
def f(x: Tensor, b: bool) -> Tensor:
    return x if b else torch.zeros(1)
# f(torch.ones(1), False) => tensor([0.0])
# --- ternary_tuples
def f(b: bool) -> Tuple[int, int]:
    return (1, 2) if b else (3, 4)
# f(False) => (3, 4)
# --- ternary_is_scripting
def f(x: int) -> int:
    return x if torch.jit.is_scripting() else nowhere(x)
# f(1) => 1
# --- if_different_types
def f(x: int) -> str:
    if x > 2:
        y = 1
    else:
        y = "a"
    return str(y)  ### 16: `y` is int after one branch of the `if` at small_program.py:2:5 and str after the other; give it one type
# --- if_none_or_value
def f(x: int) -> Optional[Tensor]:
    if x > 2:
        y = None
    else:
        y = torch.ones(1)
    return y
# f(3) => None
# f(1) => tensor([1.0])
# --- or_value
def f(x: int) -> int:
    return x or 5  ### 12: `f` is declared to return int, but this is bool
# PyTorch: 1
# --- and_strings
def f(x: str) -> str:
    return x or "default"  ### 12: `f` is declared to return str, but this is bool
# --- walrus
def f(x: int) -> int:
    if (y := x + 1) > 2:  ### 11: `:=` is not supported in scripts; assign on a line of its own
        return y
    return 0
