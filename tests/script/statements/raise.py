# Small programs: raise. test_statements.py says how they are written.
# --- raise_class
def f(x: int) -> int:
    if x > 2:
        raise ValueError
    return x
# f(3) raises ValueError:
# --- raise_message
def f(x: int) -> int:
    if x > 2:
        raise ValueError("too big")
    return x
# f(3) raises ValueError: too big
# --- raise_fstring
def f(x: int) -> int:
    if x > 2:
        raise ValueError(f"too big {x}")
    return x
# f(3) raises ValueError: too big 3
# --- raise_two_args
def f(x: int) -> int:
    if x > 2:
        raise ValueError("too big", x)
    return x
# f(3) raises ValueError: ('too big', 3)
# --- raise_format
def f(x: int) -> int:
    if x > 2:
        raise RuntimeError("too big {}".format(x))
    return x
# f(3) raises RuntimeError: too big 3
# --- raise_percent
def f(x: int) -> int:
    if x > 2:
        raise KeyError("too big %d" % x)
    return x
# f(3) raises KeyError: 'too big 3'
# --- raise_not_implemented
def f(x: int) -> int:
    if x > 2:
        raise NotImplementedError("no")
    return x
# f(3) raises NotImplementedError: no
# --- raise_type_error
def f(x: int) -> int:
    if x > 2:
        raise TypeError("no")
    return x
# f(3) raises TypeError: no
# --- raise_exception
def f(x: int) -> int:
    if x > 2:
        raise Exception("no")
    return x
# f(3) raises RuntimeError: no
# --- raise_custom
class MyError(Exception):
    pass
def f(x: int) -> int:
    if x > 2:
        raise MyError("no")
    return x
# f(3) raises RuntimeError: no
# --- raise_custom_value_error
class MyError(ValueError):
    pass
def f(x: int) -> int:
    if x > 2:
        raise MyError("no")
    return x
# f(3) raises ValueError: no
# --- raise_from
def f(x: int) -> int:
    if x > 2:
        raise ValueError("no") from None
    return x
# f(3) raises ValueError: no
# --- raise_attribute_error
def f(x: int) -> int:
    if x > 2:
        raise AttributeError("no")
    return x
# f(3) raises AttributeError: no
# --- raise_int_arg
def f(x: int) -> int:
    if x > 2:
        raise ValueError(x)
    return x
# f(3) raises ValueError: 3
# --- raise_bare
def f(x: int) -> int:
    if x > 2:
        raise  ### 9: `raise` without an exception is not supported in scripts; name one, as in `raise ValueError("...")`
    return x
# --- raise_variable
def f(x: int) -> int:
    if x > 2:
        e = ValueError("q")  ### 13: `ValueError` is an exception: it can only be raised
        raise e
    return x
# PyTorch: it is compiled, and f(3) raises an error
# --- raise_os_error
def f(x: int) -> int:
    if x > 2:
        raise OSError("no")
    return x
# f(3) raises OSError: no
# --- raise_index_error
def f(x: int) -> int:
    if x > 2:
        raise IndexError("no")
    return x
# f(3) raises IndexError: no
# --- raise_assertion
def f(x: int) -> int:
    if x > 2:
        raise AssertionError("no")
    return x
# f(3) raises AssertionError: no
# --- raise_stop
def f(x: int) -> int:
    if x > 2:
        raise StopIteration
    return x
# f(3) raises RuntimeError:
# --- raise_zero
def f(x: int) -> int:
    if x > 2:
        raise ZeroDivisionError("no")
    return x
# f(3) raises ZeroDivisionError: no
# --- raise_module_error
def f(x: int) -> int:
    if x > 2:
        raise torch.jit.Error("no")
    return x
# f(3) raises RuntimeError: no
# --- raise_joined
def f(x: int) -> int:
    if x > 2:
        raise ValueError("a" + str(x) +
                         "b")
    return x
# f(3) raises ValueError: a3b
# --- assert_plain
def f(x: int) -> int:
    assert x > 2
    return x
# f(3) => 3
# f(1) raises AssertionError:
# --- assert_message
def f(x: int) -> int:
    assert x > 2, "small"
    return x
# f(1) raises AssertionError: small
# --- assert_fstring
def f(x: int) -> int:
    assert x > 2, f"small {x}"
    return x
# f(1) raises AssertionError: small 1
# --- assert_format
def f(x: int) -> int:
    assert x > 2, "small {}".format(x)
    return x
# f(1) raises AssertionError: small 1
# --- assert_tuple_message
def f(x: int) -> int:
    assert x > 2, ("small", x)
    return x
# f(1) raises AssertionError: ('small', 1)
# --- assert_tensor
def f(x: Tensor) -> int:
    assert (x > 0).all()
    return 1
# f(torch.ones(2)) => 1
# --- assert_isinstance
def f(x: Any) -> int:
    assert isinstance(x, int)
    return x + 1
# f(3) => 4
# f("a") raises AssertionError:
# --- assert_none
def f(x: Optional[int]) -> int:
    assert x is not None, "none"
    return x + 1
# f(3) => 4
# f(None) raises AssertionError: none
# --- assert_and
def f(x: Optional[int], y: Optional[int]) -> int:
    assert x is not None and y is not None
    return x + y
# f(3, 4) => 7
# --- try_except
def f(x: int) -> int:
    try:  ### 5: `try` is not supported in scripts; check before with `if`, or catch the error in Python around the call
        return x
    except ValueError:
        return 0
# --- warn
def f(x: int) -> int:
    warnings.warn("careful")
    return x
# f(1) => 1
# f(1) warns 'UserWarning: careful\n'
# --- warn_fstring
def f(x: int) -> int:
    warnings.warn(f"careful {x}")
    return x
# f(1) => 1
# f(1) warns 'UserWarning: careful 1\n'
# --- warn_category
def f(x: int) -> int:
    warnings.warn("careful", UserWarning)  ### 30: `warnings.warn` gives a UserWarning in scripts; leave the category out
    return x
# --- warn_stacklevel
def f(x: int) -> int:
    warnings.warn("careful", stacklevel=2)
    return x
# f(1) => 1
# f(1) warns 'UserWarning: careful\n'
# --- warn_deprecation
def f(x: int) -> int:
    warnings.warn("careful", DeprecationWarning)  ### 30: `warnings.warn` gives a UserWarning in scripts; leave the category out
    return x
