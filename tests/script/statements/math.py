# Small programs: math. test_statements.py says how they are written.
# --- math_1
def f(x: float) -> List[float]:
    return [math.sin(x), math.cos(x), math.tan(x), math.asin(x), math.acos(x), math.atan(x), math.sinh(x), math.cosh(x), math.tanh(x)]
# f(0.5) => [0.479425538604203, 0.8775825618903728, 0.5463024898437905, 0.5235987755982989, 1.0471975511965979, 0.4636476090008061, 0.5210953054937474, 1.1276259652063807, 0.46211715726000974]
# --- math_asinh
def f(x: float) -> List[float]:
    return [math.asinh(x), math.atanh(x), math.acosh(x + 1)]
# f(0.5) => [0.48121182505960347, 0.5493061443340548, 0.9624236501192069]
# --- math_exp
def f(x: float) -> List[float]:
    return [math.exp(x), math.expm1(x), math.log(x), math.log2(x), math.log10(x), math.log1p(x), math.sqrt(x)]
# f(0.5) => [1.6487212707001282, 0.6487212707001282, -0.6931471805599453, -1.0, -0.3010299956639812, 0.4054651081081644, 0.7071067811865476]
# --- math_gamma
def f(x: float) -> List[float]:
    return [math.gamma(x), math.lgamma(x), math.erf(x), math.erfc(x)]
# f(0.5) => [1.772453850905516, 0.5723649429247001, 0.5204998778130465, 0.4795001221869535]
# --- math_floor
def f(x: float) -> List[int]:
    return [math.floor(x), math.ceil(x)]
# f(0.5) => [0, 1]
# --- math_trunc
def f(x: float) -> int:
    return math.trunc(x)
# f(2.7) => 2
# --- math_modf
def f(x: float) -> Tuple[float, float]:
    return math.modf(x)
# f(2.75) => (0.75, 2.0)
# --- math_frexp
def f(x: float) -> Tuple[float, int]:
    return math.frexp(x)
# f(2.75) => (0.6875, 2)
# --- math_ldexp
def f(x: float) -> float:
    return math.ldexp(x, 3)
# f(2.75) => 22.0
# --- math_fmod
def f(x: float) -> List[float]:
    return [math.fmod(x, 2.0), math.remainder(x, 2.0), math.copysign(x, -1.0), math.atan2(x, 1.0), math.pow(x, 2.0), math.fabs(-x)]
# f(2.75) => [0.75, 0.75, -2.75, 1.2220253232109897, 7.5625, 2.75]
# --- math_gcd
def f(x: int, y: int) -> int:
    return math.gcd(x, y)
# f(12, 18) => 6
# --- math_lcm
def f(x: int, y: int) -> int:
    return math.lcm(x, y)  ### 12: `math.lcm` is not available yet in scripts
# --- math_factorial
def f(x: int) -> int:
    return math.factorial(x)
# f(5) => 120
# f(-1) raises ValueError: factorial() not defined for negative values
# --- math_is
def f(x: float) -> List[bool]:
    return [math.isnan(x), math.isinf(x), math.isfinite(x)]
# f(float("nan")) => [True, False, False]
# --- math_isclose
def f(x: float) -> bool:
    return math.isclose(x, 1.0)  ### 12: `math.isclose` is not available yet in scripts
# --- math_degrees
def f(x: float) -> List[float]:
    return [math.degrees(x), math.radians(x)]
# f(1.0) => [57.29577951308232, 0.017453292519943295]
# --- math_hypot
def f(x: float) -> float:
    return math.hypot(x, 4.0)
# f(3.0) => 5.0
# --- math_consts
def f() -> List[float]:
    return [math.pi, math.e, math.tau, math.inf]
# f() => [3.141592653589793, 2.718281828459045, 6.283185307179586, inf]
# --- math_int_args
def f(x: int) -> List[float]:
    return [math.sqrt(x), math.log(x), math.exp(x), math.sin(x)]
# f(4) => [2.0, 1.3862943611198906, 54.598150033144236, -0.7568024953079282]
# --- math_log_base
def f(x: float) -> float:
    return math.log(x, 2)
# f(8.0) => 3.0
# --- math_log_base_float
def f(x: float) -> float:
    return math.log(x, 10.0)
# f(100.0) => 2.0
# --- math_isqrt
def f(x: int) -> int:
    return math.isqrt(x)  ### 12: `math.isqrt` is not available yet in scripts
# --- math_comb
def f(x: int) -> int:
    return math.comb(x, 2)  ### 12: `math.comb` is not available yet in scripts
# --- math_prod
def f(x: List[int]) -> int:
    return math.prod(x)  ### 12: no form of `math.prod` takes (List[int]); there are:
# --- math_floor_int
def f(x: int) -> List[int]:
    return [math.floor(x), math.ceil(x)]
# f(5) => [5, 5]
# --- math_tensor
def f(x: Tensor) -> float:
    return math.sqrt(x)
# f(torch.tensor(4.0)) => 2.0
# --- math_floor_div
def f(x: int, y: int) -> List[float]:
    return [x / y, float(x // y), float(x % y), x ** y]
# f(-7, 2) => [-3.5, -4.0, 1.0, 49.0]
