"""Random well-typed programs, run as Python and as scripts.

    program.py    generate(seed): the text of a program; expressions.py, containers.py and statements.py are its parts
    check.py      difference(text): how its two runs differ
    shrink.py     a program that differs, made small
    __main__.py   many of them, in processes: `make random-programs`

Where docs/differences.md and docs/spec/language.md say that a script differs from Python, the programs do not go.
"""
