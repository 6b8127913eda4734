# Small programs: del. test_statements.py says how they are written.
# --- del_name
def f(x: int) -> int:
    y = x + 1
    del y
    return x
# f(3) => 3
# --- del_name_used_after
def f(x: int) -> int:
    y = x + 1
    del y
    return y  ### 12: `y` was deleted at small_program.py:3:9
# --- del_two
def f(x: int) -> int:
    y = x + 1
    z = y
    del y, z
    return x
# f(3) => 3
# --- del_parameter
def f(x: int) -> int:
    del x
    return 4
# f(3) => 4
# --- del_and_again
def f(x: int) -> int:
    y = x + 1
    del y
    y = 5
    return y
# f(3) => 5
# --- del_in_branch
def f(x: int) -> int:
    y = x + 1
    if x > 2:
        del y
        x += 1
    return x
# f(3) => 4
# f(1) => 1
# --- del_in_loop
def f(x: int) -> int:
    s = 0
    for i in range(x):
        t = i * 2
        s += t
        del t
    return s
# f(4) => 12
# --- del_dict_key
def f(d: Dict[str, int]) -> Dict[str, int]:
    del d["a"]
    return d
# f({"a": 1, "b": 2}) => {'b': 2}
# f({"b": 2}) raises KeyError: "'a'"
# --- del_dict_int_key
def f(k: int) -> Dict[int, int]:
    d = {1: 2, 3: 4}
    del d[k]
    return d
# f(3) => {1: 2}
# --- del_list_item
def f(xs: List[int]) -> List[int]:
    del xs[0]
    del xs[-1]
    return xs
# f([1, 2, 3, 4]) => [2, 3]
# f([]) raises IndexError: list assignment index out of range
# --- del_list_slice
def f(xs: List[int]) -> List[int]:
    del xs[1:3]  ### 9: `del` takes a single element in scripts; to keep the others, write `x = x[:i] + x[j:]`
    return xs
# --- del_several_kinds
def f(xs: List[int], d: Dict[str, int]) -> Tuple[List[int], Dict[str, int]]:
    y = 3
    del xs[0], d["a"], y
    return xs, d
# f([1, 2], {"a": 1, "b": 2}) => ([2], {'b': 2})
# --- del_attribute
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.x = 3
    def forward(self) -> int:
        del self.x  ### 13: an attribute of a module stays as long as the module; set it to None or to an empty value instead
        return 4
# --- del_tensor_item
def f(x: Tensor) -> Tensor:
    del x[0]  ### 9: `del` takes elements of lists and dicts, not those of Tensor
    return x
