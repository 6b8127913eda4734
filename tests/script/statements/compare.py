# Small programs: compare. test_statements.py says how they are written.
# --- tuple_eq
def f(a: Tuple[int, int], b: Tuple[int, int]) -> bool:
    return a == b
# f((1, 2), (1, 2)) => True
# f((1, 2), (1, 3)) => False
# --- tuple_ne
def f(a: Tuple[int, str], b: Tuple[int, str]) -> bool:
    return a != b
# f((1, "a"), (1, "b")) => True
# --- tuple_lt
def f(a: Tuple[int, int], b: Tuple[int, int]) -> bool:
    return a < b
# f((1, 2), (1, 3)) => True
# --- tuple_mixed_eq
def f(a: Tuple[int, str], b: Tuple[int, float]) -> bool:
    return a == b  ### 12: `==` does not take str and float
# --- tuple_in_list
def f(xs: List[Tuple[int, int]]) -> bool:
    return (1, 2) in xs
# f([(1, 2)]) => True
# --- in_tuple
def f(x: int) -> bool:
    return x in (1, 2, 3)
# f(2) => True
# --- in_tuple_str
def f(x: str) -> bool:
    return x in ("a", "b")
# f("b") => True
# f("c") => False
# --- not_in_list
def f(x: str) -> bool:
    return x not in ["a", "b"]
# f("b") => False
# --- in_str
def f(x: str) -> bool:
    return x in "hello"
# f("ell") => True
# --- in_dict_keys
def f(d: Dict[str, int]) -> bool:
    return "a" in d.keys()
# f({"a": 1}) => True
# --- list_eq
def f(a: List[int], b: List[int]) -> bool:
    return a == b
# f([1], [1]) => True
# --- list_lt
def f(a: List[int], b: List[int]) -> bool:
    return a < b
# f([1], [2]) => True
# --- list_str_eq
def f(a: List[str], b: List[str]) -> bool:
    return a == b
# f(["1"], ["1"]) => True
# --- dict_eq
def f(a: Dict[str, int], b: Dict[str, int]) -> bool:
    return a == b
# f({"a": 1}, {"a": 1}) => True
# --- list_list_eq
def f(a: List[List[int]], b: List[List[int]]) -> bool:
    return a == b
# f([[1]], [[1]]) => True
# --- shape_eq_tuple
def f(x: Tensor) -> bool:
    return x.shape == (2, 3)
# f(torch.ones(2, 3)) => True
# --- shape_eq_list
def f(x: Tensor) -> bool:
    return x.shape == [2, 3]
# f(torch.ones(2, 3)) => True
# --- shape_eq_shape
def f(x: Tensor, y: Tensor) -> bool:
    return x.shape == y.shape
# f(torch.ones(2, 3), torch.ones(2, 3)) => True
# --- none_eq
def f(x: Optional[int]) -> bool:
    return x == None  ### 12: `==` does not take None; write `is None` or `is not None`
# --- optional_eq
def f(x: Optional[int], y: Optional[int]) -> bool:
    return x == y  ### 12: `==` does not take Optional[int] and Optional[int]; test `is not None` first
# --- is_bool
def f(b: bool) -> bool:
    return b is True
# f(True) => True
# --- is_not_bool
def f(b: bool) -> bool:
    return b is not False
# f(True) => True
# --- is_tensor_tensor
def f(x: Tensor, y: Tensor) -> bool:
    return x is y
# f(torch.ones(1), torch.ones(1)) => False
# --- is_same_tensor
def f(x: Tensor) -> bool:
    y = x
    return x is y
# f(torch.ones(1)) => True
# --- is_list
def f(x: List[int]) -> bool:
    y = x
    return x is y
# f([1]) => True
# --- is_not_tensor
def f(x: Tensor, y: Tensor) -> bool:
    return x is not y
# f(torch.ones(1), torch.ones(1)) => True
# --- str_lt
def f(a: str, b: str) -> bool:
    return a < b
# f("a", "b") => True
# --- chained
def f(a: int, b: int, c: int) -> bool:
    return a < b <= c != 5
# f(1, 2, 3) => True
# --- bool_arith
def f(a: bool, b: bool) -> int:
    return a + b
# f(True, True) => 2
# --- bool_xor
def f(a: bool, b: bool) -> bool:
    return a ^ b
# f(True, False) => True
# --- bool_and
def f(a: bool, b: bool) -> bool:
    return a & b
# f(True, False) => False
