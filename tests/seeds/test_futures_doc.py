"""The examples of the torch.futures document, unchanged but for the import, and its promises."""

import threading
import time

import pytest

import tine as torch


def test_set_exception_example():
    fut = torch.futures.Future()
    fut.set_exception(ValueError("foo"))
    with pytest.raises(ValueError, match="^foo$"):
        fut.wait()


def test_set_result_example(capsys):
    def slow_set_future(fut, value):
        time.sleep(0.5)
        fut.set_result(value)

    fut = torch.futures.Future()
    t = threading.Thread(
        target=slow_set_future,
        args=(fut, torch.ones(2) * 3)
    )
    t.start()

    print(fut.wait())  # tensor([3., 3.])
    t.join()
    assert capsys.readouterr().out == "tensor([3., 3.])\n"


def test_then_example(capsys):
    def callback(fut):
        print(f"RPC return value is {fut.wait()}.")

    fut = torch.futures.Future()
    # The inserted callback will print the return value when
    # receiving the response from "worker1"
    cb_fut = fut.then(callback)
    chain_cb_fut = cb_fut.then(
        lambda x : print(f"Chained cb done. {x.wait()}")
    )
    fut.set_result(5)

    # Outputs are:
    # RPC return value is 5.
    # Chained cb done. None
    assert capsys.readouterr().out == "RPC return value is 5.\nChained cb done. None\n"
    assert chain_cb_fut.wait() is None


def test_collect_all_example(capsys):
    fut0 = torch.futures.Future()
    fut1 = torch.futures.Future()

    fut = torch.futures.collect_all([fut0, fut1])

    fut0.set_result(0)
    fut1.set_result(1)

    fut_list = fut.wait()
    print(f"fut0 result = {fut_list[0].wait()}")
    print(f"fut1 result = {fut_list[1].wait()}")
    # outputs:
    # fut0 result = 0
    # fut1 result = 1
    assert capsys.readouterr().out == "fut0 result = 0\nfut1 result = 1\n"


def test_done_says_whether_there_is_a_result_or_an_exception():
    result, error = torch.futures.Future(), torch.futures.Future()
    assert not result.done() and not error.done()
    result.set_result(1)
    error.set_exception(ValueError())
    assert result.done() and error.done()


def test_set_exception_triggers_all_attached_callbacks():
    fut, seen = torch.futures.Future(), []
    fut.then(lambda f: seen.append(1))
    fut.add_done_callback(lambda f: seen.append(2))
    fut.set_exception(ValueError("foo"))
    assert seen == [1, 2]


def test_an_exception_set_is_raised_by_wait_and_value():
    fut = torch.futures.Future()
    fut.set_exception(ValueError("foo"))
    for look in (fut.wait, fut.value):
        with pytest.raises(ValueError, match="^foo$"):
            look()


def test_a_future_cannot_be_marked_completed_twice():
    fut = torch.futures.Future()
    fut.set_result(1)
    with pytest.raises(RuntimeError, match="Future can only be marked completed once"):
        fut.set_result(2)


def test_multiple_callbacks_are_invoked_in_the_order_they_were_added():
    fut, seen = torch.futures.Future(), []
    for i in range(10):
        fut.then(lambda f, i=i: seen.append(i))
    fut.set_result(None)
    assert seen == list(range(10))


def test_the_callback_gets_the_reference_to_this_future():
    fut, seen = torch.futures.Future(), []
    fut.then(seen.append)
    fut.set_result(None)
    assert seen[0] is fut


def test_on_a_completed_future_the_callback_runs_immediately_inline():
    fut, seen = torch.futures.Future(), []
    fut.set_result(None)
    fut.then(lambda f: seen.append(threading.get_ident()))
    assert seen == [threading.get_ident()]


def test_wait_raises_what_the_callback_that_creates_the_value_has_thrown():
    fut = torch.futures.Future()
    cb_fut = fut.then(lambda f: 1 / 0)
    fut.set_result(None)
    with pytest.raises(ZeroDivisionError):
        cb_fut.wait()


def test_collect_all_completes_when_all_of_the_sub_futures_are_completed():
    futs = [torch.futures.Future() for _ in range(3)]
    fut = torch.futures.collect_all(futs)
    for f in futs:
        assert not fut.done()
        f.set_result(None)
    assert fut.done() and fut.wait() == futs


def test_wait_all_returns_the_list_of_the_completed_results():
    futs = [torch.futures.Future() for _ in range(3)]
    for i, f in enumerate(futs):
        f.set_result(i)
    assert torch.futures.wait_all(futs) == [0, 1, 2]


def test_wait_all_throws_if_wait_on_any_future_throws():
    futs = [torch.futures.Future() for _ in range(2)]
    futs[0].set_result(0)
    futs[1].set_exception(ValueError("foo"))
    with pytest.raises(ValueError, match="^foo$"):
        torch.futures.wait_all(futs)
