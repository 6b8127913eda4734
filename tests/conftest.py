"""For all Python tests: they send themselves and their processes Ctrl-C, also where SIGINT was ignored when they were
started (`make test &` in a script, nohup, some CI). A handler that is set here is not inherited as "ignored"."""

import signal

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
