# Small programs: containers. test_statements.py says how they are written.
# --- list_methods
def f(xs: List[int]) -> List[int]:
    xs.append(5)
    xs.extend([6, 7])
    xs.insert(0, 9)
    xs.reverse()
    return xs
# f([1, 2]) => [7, 6, 5, 2, 1, 9]
# --- list_pop
def f(xs: List[int]) -> Tuple[int, int, List[int]]:
    a = xs.pop()
    b = xs.pop(0)
    return a, b, xs
# f([1, 2, 3]) => (3, 1, [2])
# --- list_remove
def f(xs: List[int]) -> List[int]:
    xs.remove(2)
    return xs
# f([1, 2, 3]) => [1, 3]
# f([1]) raises ValueError: list.remove(x): x not in list
# --- list_index
def f(xs: List[int]) -> int:
    return xs.index(2)
# f([1, 2, 3]) => 1
# f([1]) raises ValueError: 2 is not in list
# --- list_count
def f(xs: List[int]) -> int:
    return xs.count(2)
# f([2, 1, 2]) => 2
# --- list_copy
def f(xs: List[int]) -> List[int]:
    ys = xs.copy()
    ys.append(1)
    return xs
# f([2]) => [2]
# --- list_clear
def f(xs: List[int]) -> List[int]:
    xs.clear()
    return xs
# f([2]) => []
# --- list_sort
def f(xs: List[int]) -> List[int]:
    xs.sort()
    return xs
# f([3, 1, 2]) => [1, 2, 3]
# --- list_sort_reverse
def f(xs: List[int]) -> List[int]:
    xs.sort(reverse=True)
    return xs
# f([3, 1, 2]) => [3, 2, 1]
# --- list_sort_str
def f(xs: List[str]) -> List[str]:
    xs.sort()
    return xs
# f(["b", "a"]) => ['a', 'b']
# --- sorted_str
def f(xs: List[str]) -> List[str]:
    return sorted(xs)
# f(["b", "a"]) => ['a', 'b']
# --- sorted_reverse
def f(xs: List[int]) -> List[int]:
    return sorted(xs, reverse=True)
# f([1, 2]) => [2, 1]
# --- sorted_tuples
def f(xs: List[Tuple[int, str]]) -> List[Tuple[int, str]]:
    return sorted(xs)
# f([(2, "a"), (1, "b")]) => [(1, 'b'), (2, 'a')]
# --- sort_tuples
def f(xs: List[Tuple[int, str]]) -> List[Tuple[int, str]]:
    xs.sort()
    return xs
# f([(2, "a"), (1, "b")]) => [(1, 'b'), (2, 'a')]
# --- sort_tensors
def f(xs: List[Tensor]) -> List[Tensor]:
    xs.sort()
    return xs
# f([torch.tensor(2), torch.tensor(1)]) raises TypeError: '<' not supported between instances of 'Tensor' and 'Tensor'
# PyTorch: [tensor(1):int64, tensor(2):int64]
# --- sorted_keys
def f(d: Dict[str, int]) -> List[str]:
    return sorted(d.keys())
# f({"b": 1, "a": 2}) => ['a', 'b']
# --- list_add
def f(a: List[int], b: List[int]) -> List[int]:
    return a + b + [1]
# f([1], [2]) => [1, 2, 1]
# --- list_mul
def f(a: List[int]) -> List[int]:
    return a * 2 + [0] * 3
# f([1]) => [1, 1, 0, 0, 0]
# --- list_int_mul
def f(a: List[int]) -> List[int]:
    return 2 * a
# f([1]) => [1, 1]
# --- list_aug
def f(a: List[int]) -> List[int]:
    a += [1]
    a *= 2
    return a
# f([0]) => [0, 1, 0, 1]
# --- list_slice
def f(a: List[int]) -> List[int]:
    return a[1:] + a[:-1] + a[::2]
# f([0, 1, 2]) => [1, 2, 0, 1, 0, 2]
# --- list_slice_assign
def f(a: List[int]) -> List[int]:
    a[1:3] = [7, 8, 9]  ### 7: assigning to a slice is not supported in scripts; assign the elements in a loop
    return a
# --- list_item_aug
def f(a: List[int]) -> List[int]:
    a[0] += 5
    a[-1] *= 2
    return a
# f([0, 1, 2]) => [5, 1, 4]
# --- list_negative_assign
def f(a: List[int]) -> List[int]:
    a[-1] = 5
    return a
# f([0, 1, 2]) => [0, 1, 5]
# --- list_out_of_range
def f(a: List[int]) -> int:
    return a[5]
# f([0]) raises IndexError: list index out of range: 5 in a list of 1
# --- list_of_str_join
def f(a: List[str]) -> bool:
    return "x" in a
# f(["x"]) => True
# --- list_truth
def f(a: List[int]) -> int:
    if a:
        return 1
    return 0
# f([]) => 0
# --- not_list
def f(a: List[int]) -> bool:
    return not a
# f([]) => True
# --- dict_methods
def f(d: Dict[str, int]) -> Tuple[int, int, int]:
    return d["a"], d.get("b", 7), d.setdefault("c", 9)
# f({"a": 1}) => (1, 7, 9)
# --- dict_get_optional
def f(d: Dict[str, int]) -> Optional[int]:
    return d.get("q")
# f({"a": 1}) => None
# --- dict_pop
def f(d: Dict[str, int]) -> Tuple[int, Dict[str, int]]:
    return d.pop("a"), d
# f({"a": 1, "b": 2}) => (1, {'b': 2})
# --- dict_pop_default
def f(d: Dict[str, int]) -> int:
    return d.pop("z", 5)
# f({"a": 1}) => 5
# --- dict_popitem
def f(d: Dict[str, int]) -> Tuple[str, int]:
    return d.popitem()
# f({"a": 1}) => ('a', 1)
# --- dict_update
def f(d: Dict[str, int]) -> Dict[str, int]:
    d.update({"b": 3})
    return d
# f({"a": 1}) => {'a': 1, 'b': 3}
# --- dict_copy_clear
def f(d: Dict[str, int]) -> Tuple[int, int]:
    e = d.copy()
    d.clear()
    return len(d), len(e)
# f({"a": 1}) => (0, 1)
# --- dict_values
def f(d: Dict[str, int]) -> int:
    s = 0
    for v in d.values():
        s += v
    return s
# f({"a": 1, "b": 2}) => 3
# --- dict_items_loop
def f(d: Dict[str, int]) -> str:
    s = ""
    for k, v in d.items():
        s += k + str(v)
    return s
# f({"a": 1, "b": 2}) => 'a1b2'
# --- dict_item_aug
def f(d: Dict[str, int]) -> Dict[str, int]:
    d["a"] += 1
    return d
# f({"a": 1}) => {'a': 2}
# --- dict_missing
def f(d: Dict[str, int]) -> int:
    return d["q"]
# f({"a": 1}) raises KeyError: "'q'"
# --- dict_kwargs
def f() -> Dict[str, int]:
    return dict(a=1, b=2)
# f() => {'a': 1, 'b': 2}
# --- dict_of_pairs
def f() -> Dict[str, int]:
    return dict([("a", 1)])
# f() => {'a': 1}
# --- dict_of_dict
def f(d: Dict[str, int]) -> Dict[str, int]:
    return dict(d)
# f({"a": 1}) => {'a': 1}
# --- dict_of_dict_kwargs
def f(d: Dict[str, int]) -> Dict[str, int]:
    return dict(d, b=2)
# f({"a": 1}) => {'a': 1, 'b': 2}
# --- dict_of_zip
def f(a: List[str], b: List[int]) -> Dict[str, int]:
    return dict(zip(a, b))
# f(["x"], [1]) => {'x': 1}
# --- dict_empty
def f() -> Dict[str, Tensor]:
    d = dict()
    return d
# f() => {}
# --- dict_empty_annotated
def f() -> Dict[str, int]:
    d: Dict[str, int] = dict()
    d["a"] = 1
    return d
# f() => {'a': 1}
# --- dict_len_bool
def f(d: Dict[str, int]) -> bool:
    return bool(len(d))
# f({}) => False
# --- dict_of_lists
def f() -> Dict[str, List[int]]:
    d: Dict[str, List[int]] = {}
    d["a"] = []
    d["a"].append(1)
    return d
# f() => {'a': [1]}
# --- dict_tensor_key
def f(x: Tensor) -> int:
    d = {x: 1}  ### 9: the keys of a dict must be str, int, float, bool or an enum, not Tensor
    return d[x]
# PyTorch: 1
# --- tuple_add
def f(a: Tuple[int, str]) -> Tuple[int, str, float]:
    return a + (2.5,)
# f((1, "a")) => (1, 'a', 2.5)
# --- tuple_mul
def f(a: Tuple[int, int]) -> Tuple[int, int, int, int]:
    return a * 2  ### 12: `f` is declared to return Tuple[int, int, int, int], but this is List[int]
# --- tuple_len
def f(a: Tuple[int, str]) -> int:
    return len(a)
# f((1, "a")) => 2
# --- tuple_slice
def f(a: Tuple[int, str, float]) -> Tuple[str, float]:
    return a[1:]
# f((1, "a", 2.5)) => ('a', 2.5)
# --- tuple_slice_step
def f(a: Tuple[int, str, float]) -> Tuple[int, float]:
    return a[::2]
# f((1, "a", 2.5)) => (1, 2.5)
# --- tuple_reverse
def f(a: Tuple[int, str]) -> Tuple[str, int]:
    return a[::-1]
# f((1, "a")) => ('a', 1)
# --- tuple_dynamic_index
def f(a: Tuple[int, int], i: int) -> int:
    return a[i]
# f((1, 2), 1) => 2
# --- tuple_of_list
def f(a: List[int]) -> Tuple[int, int]:
    return tuple(a)  ### 18: a tuple's length is part of its type, so it cannot be made of List[int]; write `(x[0], x[1])`
# --- tuple_of_list_literal
def f() -> Tuple[int, int]:
    return tuple([1, 2])  ### 18: a tuple's length is part of its type, so it cannot be made of List[int]; write `(x[0], x[1])`
# --- tuple_nested_unpack
def f(a: Tuple[int, Tuple[str, float]]) -> str:
    x, (y, z) = a
    return y
# f((1, ("a", 2.0))) => 'a'
# --- tuple_swap
def f(a: int, b: int) -> Tuple[int, int]:
    a, b = b, a
    return a, b
# f(1, 2) => (2, 1)
# --- tuple_empty
def f() -> Tuple[()]:
    return ()
# f() => ()
# --- tuple_item_assign_attr
def f(xs: List[int]) -> List[int]:
    xs[0], xs[1] = xs[1], xs[0]
    return xs
# f([1, 2]) => [2, 1]
# --- chain_assign
def f() -> Tuple[int, int]:
    a = b = 3
    a += 1
    return a, b
# f() => (4, 3)
# --- list_any
def f() -> List[Any]:
    xs: List[Any] = [1, "a"]
    return xs
# f() => [1, 'a']
# --- list_optional
def f() -> List[Optional[int]]:
    xs: List[Optional[int]] = [1, None]
    return xs
# f() => [1, None]
# --- list_mixed_num
def f() -> List[float]:
    return [1.0, 2]
# f() => [1.0, 2.0]
# --- constants_as_keys_of_floats
def f(d: Dict[int, float]) -> Tuple[Optional[float], float, float, float]:
    a = d.get(2)
    b = d.get(3, 1)
    c = d.pop(2)
    return a, b, c, d.setdefault(7, 2)
# f({2: 0.5}) => (0.5, 1.0, 0.5, 2.0)
