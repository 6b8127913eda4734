# Small programs: for else. test_statements.py says how they are written.
# --- for_else_plain
def f(n: int) -> int:
    for i in range(n):
        pass
    else:  ### 5: `else` of a loop is not supported in scripts; set a flag before `break` and test it after the loop
        return 5
    return 6
# --- for_else_break
def f(xs: List[int]) -> int:
    r = 0
    for x in xs:
        if x == 3:
            break
    else:  ### 5: `else` of a loop is not supported in scripts; set a flag before `break` and test it after the loop
        r = 1
    return r
# --- while_else
def f(n: int) -> int:
    r = 0
    while n > 0:
        n -= 1
        if n == 5:
            break
    else:  ### 5: `else` of a loop is not supported in scripts; set a flag before `break` and test it after the loop
        r = 1
    return r
