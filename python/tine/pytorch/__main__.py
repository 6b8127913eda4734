"""python -m tine.pytorch program.py args... | -m module args... | build"""

import os
import runpy
import sys

USAGE = """usage: python -m tine.pytorch program.py [args]    run a program with tine in TENSORPIPE's place
       python -m tine.pytorch -m module [args]     the same for a module
       python -m tine.pytorch build                build the backend ahead"""


def main(arguments):
    import tine.pytorch
    from tine.pytorch._spawned import lead_children_here

    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments == ["build"]:
        try:
            print(tine.pytorch.build())
        except tine.pytorch.BuildError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        return 0

    tine.pytorch.install()
    lead_children_here()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            print(USAGE, file=sys.stderr)
            return 2
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    program = arguments[0]
    if not os.path.exists(program):
        print(f"error: the program {program!r} does not exist (looked in {os.getcwd()})", file=sys.stderr)
        return 2
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    runpy.run_path(program, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
