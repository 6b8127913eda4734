# Small programs: text. test_statements.py says how they are written.
# --- percent_s
def f(x: int) -> str:
    return "%s" % x
# f(3) => '3'
# --- percent_d
def f(x: int) -> str:
    return "%d" % x
# f(3) => '3'
# --- percent_two
def f(x: int, y: str) -> str:
    return "%d and %s" % (x, y)
# f(3, "q") => '3 and q'
# --- percent_f
def f(x: float) -> str:
    return "%f" % x
# f(2.5) => '2.500000'
# --- percent_2f
def f(x: float) -> str:
    return "%.2f" % x
# f(2.5) => '2.50'
# PyTorch: an error
# --- percent_percent
def f(x: int) -> str:
    return "%d%%" % x
# f(50) => '50%'
# --- percent_tensor
def f(x: Tensor) -> str:
    return "%s" % x
# f(torch.ones(2)) => 'tensor([1., 1.])'
# PyTorch: ' 1\n 1\n[ CPUFloatType{2} ]'
# --- percent_list
def f(x: List[int]) -> str:
    return "%s" % x
# f([1, 2]) => '[1, 2]'
# --- percent_e
def f(x: float) -> str:
    return "%e" % x
# f(2.5) => '2.500000e+00'
# --- percent_g
def f(x: float) -> str:
    return "%g" % x
# f(2.5) => '2.5'
# PyTorch: an error
# --- percent_x
def f(x: int) -> str:
    return "%x" % x
# f(255) => 'ff'
# PyTorch: an error
# --- percent_c
def f(x: str) -> str:
    return "%c" % x
# f("a") => 'a'
# --- percent_r
def f(x: str) -> str:
    return "%r" % x
# f("a") => "'a'"
# PyTorch: an error
# --- percent_i
def f(x: int) -> str:
    return "%i" % x
# f(2) => '2'
# --- percent_bool
def f(x: bool) -> str:
    return "%s" % x
# f(True) => 'True'
# --- percent_float_s
def f(x: float) -> str:
    return "%s" % x
# f(0.5) => '0.5'
# --- percent_d_float
def f(x: float) -> str:
    return "%d" % x
# f(2.7) => '2'
# --- percent_few
def f(x: int) -> str:
    return "%d %d" % x
# f(2) raises TypeError: not enough arguments for format string
# --- percent_many
def f(x: int) -> str:
    return "%d" % (x, x)
# f(2) raises TypeError: not all arguments converted during string formatting
# --- percent_variable_pattern
def f(p: str, x: int) -> str:
    return p % x
# f("<%d>", 2) => '<2>'
# --- percent_tuple_variable
def f(t: Tuple[int, str]) -> str:
    return "%d%s" % t
# f((2, "q")) => '2q'
# --- format_method
def f(x: int) -> str:
    return "{} {}".format(x, "a")
# f(3) => '3 a'
# --- format_variable_pattern
def f(p: str, x: int) -> str:
    return p.format(x)
# f("<{}>", 3) => '<3>'
# --- format_index
def f(x: int) -> str:
    return "{0} {1} {0}".format(x, "a")
# f(3) => '3 a 3'
# PyTorch: '{0} {1} {0}'
# --- format_keyword
def f(x: int) -> str:
    return "{a}".format(a=x)  ### 25: `format` takes no keywords in scripts; write an f-string
# --- format_spec
def f(x: float) -> str:
    return "{:.2f}".format(x)
# f(3.0) => '3.00'
# PyTorch: '{:.2f}'
# --- format_braces
def f(x: int) -> str:
    return "{{}} {}".format(x)
# f(3) => '{} 3'
# PyTorch: an error
# --- format_many
def f(x: int) -> str:
    return "{}".format(x, x)
# f(3) => '3'
# --- format_few
def f(x: int) -> str:
    return "{} {}".format(x)
# f(3) raises IndexError: Replacement index 1 out of range for positional args tuple
# --- format_list
def f(x: List[int]) -> str:
    return "{}".format(x)
# f([1, 2]) => '[1, 2]'
# --- format_tensor
def f(x: Tensor) -> str:
    return "{}".format(x.shape)
# f(torch.ones(2)) => '[2]'
# --- format_builtin
def f(x: int) -> str:
    return format(x)  ### 12: `format` is not available yet in scripts
# --- fstring
def f(x: int) -> str:
    return f"a{x}b{x + 1}"
# f(3) => 'a3b4'
# --- fstring_spec
def f(x: float) -> str:
    return f"{x:.2f}"  ### 16: formats, conversions and `=` in the fields of an f-string are not supported in scripts; convert the value first
# --- fstring_conversion
def f(x: str) -> str:
    return f"{x!r}"  ### 16: formats, conversions and `=` in the fields of an f-string are not supported in scripts; convert the value first
# --- fstring_equals
def f(x: int) -> str:
    return f"{x=}"  ### 16: formats, conversions and `=` in the fields of an f-string are not supported in scripts; convert the value first
# --- fstring_float
def f(x: float) -> str:
    return f"{x}"
# f(0.5) => '0.5'
# --- fstring_tensor
def f(x: Tensor) -> str:
    return f"{x.shape}"
# f(torch.ones(2, 3)) => '[2, 3]'
# --- fstring_none
def f(x: Optional[int]) -> str:
    return f"{x}"
# f(None) => 'None'
# --- fstring_nested_quotes
def f(d: Dict[str, int]) -> str:
    return f"{d['a']}"
# f({"a": 1}) => '1'
# --- fstring_braces
def f(x: int) -> str:
    return f"{{{x}}}"
# f(1) => '{1}'
# --- fstring_tuple
def f(t: Tuple[int, str]) -> str:
    return f"{t}"
# f((1, "a")) => "(1, 'a')"
# PyTorch: '(1, a)'
# --- str_capitalize
def f(s: str) -> str:
    return s.capitalize()
# f("hELLO wORLD") => 'Hello world'
# f("") => ''
# --- str_title
def f(s: str) -> str:
    return s.title()
# f("hELLO wORLD's x1y") => "Hello World'S X1Y"
# --- str_swapcase
def f(s: str) -> str:
    return s.swapcase()
# f("hELLO") => 'Hello'
# --- str_center
def f(s: str) -> str:
    return s.center(8) + "|" + s.center(7, "*")
# f("ab") => '   ab   |***ab**'
# --- str_ljust
def f(s: str) -> str:
    return s.ljust(5, ".") + s.rjust(5, "-") + s.ljust(4) + "|"
# f("ab") => 'ab...---abab  |'
# --- str_zfill
def f(s: str) -> str:
    return s.zfill(5)
# f("42") => '00042'
# f("-42") => '-0042'
# PyTorch: '00-42'
# --- str_split
def f(s: str) -> List[str]:
    return s.split()
# f(" a b  c ") => ['a', 'b', 'c']
# --- str_split_sep
def f(s: str) -> List[str]:
    return s.split(",")
# f("a,b,,c") => ['a', 'b', '', 'c']
# --- str_split_max
def f(s: str) -> List[str]:
    return s.split(",", 1)
# f("a,b,,c") => ['a', 'b,,c']
# --- str_rsplit
def f(s: str) -> List[str]:
    return s.rsplit(",", 1)
# f("a,b,c") => ['a,b', 'c']
# --- str_rsplit_all
def f(s: str) -> List[str]:
    return s.rsplit(" ")
# f("a b c") => ['a', 'b', 'c']
# --- str_splitlines
def f(s: str) -> List[str]:
    return s.splitlines()
# f("a\nb\r\nc") => ['a', 'b', 'c']
# PyTorch: ['a', 'b', '', 'c']
# --- str_splitlines_keep
def f(s: str) -> List[str]:
    return s.splitlines(True)
# f("a\nb") => ['a\n', 'b']
# PyTorch: ['a', '\n', 'b']
# f("a\nb\r\nc") => ['a\n', 'b\r\n', 'c']
# PyTorch: ['a', '\n', 'b', '\r', '', '\n', 'c']
# --- str_partition
def f(s: str) -> Tuple[str, str, str]:
    return s.partition("-")
# f("a-b-c") => ('a', '-', 'b-c')
# f("abc") => ('abc', '', '')
# --- str_rpartition
def f(s: str) -> Tuple[str, str, str]:
    return s.rpartition("-")
# f("a-b-c") => ('a-b', '-', 'c')
# f("abc") => ('', '', 'abc')
# --- str_find
def f(s: str) -> int:
    return s.find("b")
# f("abcb") => 1
# f("x") => -1
# --- str_find_start
def f(s: str) -> int:
    return s.find("b", 2) * 100 + s.find("b", 0, 3)
# f("abcb") => 301
# --- str_rfind
def f(s: str) -> int:
    return s.rfind("b") * 100 + s.rfind("b", 0, 3)
# f("abcb") => 301
# --- str_index
def f(s: str) -> int:
    return s.index("b")
# f("abcb") => 1
# f("x") raises ValueError: substring not found
# --- str_rindex
def f(s: str) -> int:
    return s.rindex("b")
# f("abcb") => 3
# --- str_count
def f(s: str) -> int:
    return s.count("b")
# f("abcb") => 2
# --- str_count_range
def f(s: str) -> int:
    return s.count("b", 2) * 10 + s.count("b", 0, 2)
# f("abcb") => 11
# --- str_replace
def f(s: str) -> str:
    return s.replace("a", "xx") + s.replace("a", "y", 1)
# f("banana") => 'bxxnxxnxxbynana'
# --- str_startswith
def f(s: str) -> bool:
    return s.startswith("ab")
# f("abc") => True
# --- str_startswith_range
def f(s: str) -> bool:
    return s.startswith("b", 1)
# f("abc") => True
# --- str_endswith
def f(s: str) -> bool:
    return s.endswith("bc") and s.endswith("b", 0, 2)
# f("abc") => True
# --- str_strip
def f(s: str) -> str:
    return s.strip() + "|" + s.lstrip() + "|" + s.rstrip() + "|"
# f("  a ") => 'a|a |  a|'
# --- str_strip_chars
def f(s: str) -> str:
    return s.strip("xy") + s.lstrip("x") + s.rstrip("y")
# f("xyaxy") => 'ayaxyxyax'
# --- str_is
def f(s: str) -> List[bool]:
    return [s.isalpha(), s.isdigit(), s.isalnum(), s.isspace(), s.isupper(), s.islower(), s.istitle(), s.isidentifier(), s.isdecimal(), s.isnumeric(), s.isprintable()]
# f("abc") => [True, False, True, False, False, True, False, True, False, False, True]
# f("ABC") => [True, False, True, False, True, False, False, True, False, False, True]
# f("12") => [False, True, True, False, False, False, False, False, True, True, True]
# f("") => [False, False, False, False, False, False, False, False, False, False, True]
# f(" ") => [False, False, False, True, False, False, False, False, False, False, True]
# f("Ab Cd") => [False, False, False, False, False, False, True, False, False, False, True]
# f("_a1") => [False, False, False, False, False, True, False, True, False, False, True]
# PyTorch: [False, False, False, False, False, True, False, False, False, False, True]
# f("a\n") => [False, False, False, False, False, True, False, False, False, False, False]
# f("A1") => [False, False, True, False, True, False, True, True, False, False, True]
# f("AbC") => [True, False, True, False, False, False, False, True, False, False, True]
# --- str_expandtabs
def f(s: str) -> str:
    return s.expandtabs() + "|" + s.expandtabs(4)
# f("a\tb\tc") => 'a       b       c|a   b   c'
# --- str_join
def f(xs: List[str]) -> str:
    return "-".join(xs)
# f(["a", "b"]) => 'a-b'
# --- str_upper_lower
def f(s: str) -> str:
    return s.upper() + s.lower() + s.casefold()
# f("aB") => 'ABabab'
# --- str_removeprefix
def f(s: str) -> str:
    return s.removeprefix("a")  ### 14: `str.removeprefix` is not available yet in scripts
# --- str_encode
def f(s: str) -> int:
    return len(s.encode())  ### 18: `str.encode` is not available yet in scripts
# --- str_mul
def f(s: str) -> str:
    return s * 3
# f("ab") => 'ababab'
# --- str_int_mul
def f(s: str) -> str:
    return 3 * s
# f("ab") => 'ababab'
# --- str_index_slice
def f(s: str) -> str:
    return s[0] + s[-1] + s[1:3] + s[::2] + s[::-1]
# f("abcdef") => 'afbcacefedcba'
# --- str_aug
def f(s: str) -> str:
    s += "x"
    s *= 2
    return s
# f("a") => 'axax'
# --- str_len_iter
def f(s: str) -> int:
    n = 0
    for c in s:
        if c == "a":
            n += 1
    return n + len(s)
# f("abca") => 6
# --- str_implicit_concat
def f() -> str:
    return "a" "b" 'c'
# f() => 'abc'
# --- str_multiline
def f() -> str:
    return """a
b"""
# f() => 'a\nb'
# --- str_raw
def f() -> str:
    return r"a\n"
# f() => 'a\\n'
# --- str_escapes
def f() -> str:
    return "a\tb\n\\ \x41 \u00e9"
# f() => 'a\tb\n\\ A é'
# --- str_of_things
def f(x: int, y: float, z: bool) -> str:
    return str(x) + str(y) + str(z) + str(None)
# f(1, 2.5, True) => '12.5TrueNone'
# --- str_of_list
def f(x: List[int]) -> str:
    return str(x) + str([1.5]) + str(["a"])
# f([1, 2]) => "[1, 2][1.5]['a']"
# PyTorch: '[1, 2][1.5][a]'
# --- str_of_dict
def f(x: Dict[str, int]) -> str:
    return str(x)
# f({"a": 1}) => "{'a': 1}"
# PyTorch: '{a: 1}'
# --- str_of_tuple
def f(x: Tuple[int, str]) -> str:
    return str(x)
# f((1, "a")) => "(1, 'a')"
# PyTorch: '(1, a)'
# --- str_of_tensor
def f(x: Tensor) -> str:
    return str(x)
# f(torch.tensor([1, 2])) => 'tensor([1, 2])'
# PyTorch: ' 1\n 2\n[ CPULongType{2} ]'
# --- str_of_dtype_device
def f(x: Tensor) -> str:
    return str(x.device)
# f(torch.ones(1)) => 'cpu'
# --- repr
def f(x: int) -> str:
    return repr(x)
# f(3) => '3'
# --- str_cmp
def f(a: str, b: str) -> List[bool]:
    return [a < b, a > b, a <= b, a >= b, a == b, a != b]
# f("a", "b") => [True, False, True, False, False, True]
# --- int_of_str
def f(s: str) -> int:
    return int(s)
# f("42") => 42
# f("x") raises ValueError: invalid literal for int() with base 10: 'x'
# --- float_of_str
def f(s: str) -> float:
    return float(s)
# f("4.5") => 4.5
# f("inf") => inf
# --- int_of_str_base
def f(s: str) -> int:
    return int(s, 16)  ### 12: `int` takes 0 to 1 arguments, got 2
