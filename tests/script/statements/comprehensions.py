# Small programs: comprehensions. test_statements.py says how they are written.
# --- dict_comp
def f(n: int) -> Dict[int, int]:
    return {i: i * i for i in range(n)}
# f(3) => {0: 0, 1: 1, 2: 4}
# --- dict_comp_str
def f(xs: List[str]) -> Dict[str, int]:
    return {x: len(x) for x in xs}
# f(["a", "bc"]) => {'a': 1, 'bc': 2}
# --- dict_comp_if
def f(n: int) -> Dict[int, int]:
    return {i: i * i for i in range(n) if i % 2 == 0}
# f(5) => {0: 0, 2: 4, 4: 16}
# --- dict_comp_items
def f(d: Dict[str, int]) -> Dict[int, str]:
    return {v: k for k, v in d.items()}
# f({"a": 1, "b": 2}) => {1: 'a', 2: 'b'}
# --- dict_comp_zip
def f(a: List[str], b: List[int]) -> Dict[str, int]:
    return {k: v for k, v in zip(a, b)}
# f(["x", "y"], [1, 2]) => {'x': 1, 'y': 2}
# --- dict_comp_enumerate
def f(a: List[str]) -> Dict[str, int]:
    return {k: i for i, k in enumerate(a)}
# f(["x", "y"]) => {'x': 0, 'y': 1}
# --- list_comp_two_loops
def f(n: int) -> List[int]:
    return [i * j for i in range(n) for j in range(n)]  ### 37: a comprehension over several loops is not supported in scripts; write nested `for` statements
# --- list_comp_if
def f(xs: List[int]) -> List[int]:
    return [x for x in xs if x > 1]
# f([1, 2, 3]) => [2, 3]
# --- list_comp_zip
def f(a: List[int], b: List[int]) -> List[int]:
    return [x * y for x, y in zip(a, b)]
# f([1, 2], [3, 4]) => [3, 8]
# --- list_comp_items
def f(d: Dict[str, int]) -> List[str]:
    return [k + str(v) for k, v in d.items()]
# f({"a": 1}) => ['a1']
# --- list_comp_nested
def f(xs: List[List[int]]) -> List[List[int]]:
    return [[y + 1 for y in x] for x in xs]
# f([[1], [2, 3]]) => [[2], [3, 4]]
# --- list_comp_tensor
def f(x: Tensor) -> List[Tensor]:
    return [y * 2 for y in x]
# f(torch.arange(3)) => [tensor(0):int64, tensor(2):int64, tensor(4):int64]
# --- list_comp_str
def f(s: str) -> List[str]:
    return [c + "." for c in s]
# f("ab") => ['a.', 'b.']
# --- list_comp_tuple
def f(t: Tuple[int, int, int]) -> List[int]:
    return [x + 1 for x in t]
# f((1, 2, 3)) => [2, 3, 4]
# --- list_comp_ternary
def f(xs: List[int]) -> List[int]:
    return [x if x > 0 else -x for x in xs]
# f([1, -2]) => [1, 2]
# --- list_comp_scope
def f(n: int) -> int:
    i = 7
    xs = [i for i in range(n)]
    return i + len(xs)
# f(3) => 10
# --- list_comp_dict_keys
def f(d: Dict[str, int]) -> List[str]:
    return [k for k in d]
# f({"a": 1}) => ['a']
# --- list_comp_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    def forward(self, x: Tensor) -> List[Tensor]:
        return [m(x) for m in self.ms]
# f(torch.zeros(1)) => [tensor([0.0]), tensor([0.0])]
# --- sum_generator
def f(xs: List[int]) -> int:
    return sum(x * 2 for x in xs)
# f([1, 2]) => 6
# --- sum_list_comp
def f(xs: List[int]) -> int:
    return sum([x * 2 for x in xs])
# f([1, 2]) => 6
# --- sum_generator_float
def f(xs: List[float]) -> float:
    return sum(x * 2 for x in xs)
# f([1.0, 2.0]) => 6.0
# --- any_generator
def f(xs: List[int]) -> bool:
    return any(x > 1 for x in xs)
# f([1, 2]) => True
# --- all_generator
def f(xs: List[int]) -> bool:
    return all(x > 1 for x in xs)
# f([1, 2]) => False
# --- any_comp
def f(xs: List[int]) -> bool:
    return any([x > 1 for x in xs])
# f([1, 2]) => True
# --- all_comp
def f(xs: List[int]) -> bool:
    return all([x > 1 for x in xs])
# f([1, 2]) => False
# --- max_generator
def f(xs: List[int]) -> int:
    return max(x * 2 for x in xs)
# f([1, 2]) => 4
# --- min_comp
def f(xs: List[int]) -> int:
    return min([x * 2 for x in xs])
# f([1, 2]) => 2
# --- list_generator
def f(xs: List[int]) -> List[int]:
    return list(x * 2 for x in xs)
# f([1, 2]) => [2, 4]
# --- dict_generator
def f(xs: List[int]) -> Dict[int, int]:
    return dict((x, x * 2) for x in xs)
# f([1, 2]) => {1: 2, 2: 4}
# --- dict_of_comp
def f(xs: List[int]) -> Dict[int, int]:
    return dict([(x, x * 2) for x in xs])
# f([1, 2]) => {1: 2, 2: 4}
# --- join_generator
def f(xs: List[int]) -> str:
    return ",".join(str(x) for x in xs)
# f([1, 2]) => '1,2'
# --- join_comp
def f(xs: List[int]) -> str:
    return ",".join([str(x) for x in xs])
# f([1, 2]) => '1,2'
# --- sorted_generator
def f(xs: List[int]) -> List[int]:
    return sorted(-x for x in xs)
# f([1, 2]) => [-2, -1]
# --- tuple_generator
def f(xs: List[int]) -> Tuple[int, int]:
    return tuple(x for x in xs)  ### 18: a tuple's length is part of its type, so it cannot be made of List[int]; write `(x[0], x[1])`
# --- cat_generator
def f(xs: List[Tensor]) -> Tensor:
    return torch.cat([x * 2 for x in xs])
# f([torch.ones(1), torch.ones(2)]) => tensor([2.0, 2.0, 2.0])
# --- sum_of_tensors
def f(xs: List[Tensor]) -> Tensor:
    return sum(xs)  ### 12: no form of `sum` takes (List[Tensor]); there are:
# --- sum_bools
def f(xs: List[bool]) -> int:
    return sum(xs)
# f([True, True, False]) => 2
# --- sum_with_start
def f(xs: List[int]) -> int:
    return sum(xs, 10)  ### 12: no form of `sum` takes (List[int], int); there are:
