"""What counts as a failure of PyTorch's own tests."""

import run_torch_tests
from run_torch_tests import Expected, Result, about_the_list, chosen, counts_for, judge, parse


def outcomes(**by_test):
    return [Result(test, outcome, 0.1, "") for test, several in by_test.items() for outcome in several.split()]


def test_a_test_that_is_missing_or_new_is_a_failure():
    expected = {"A.test_1": Expected("pass", []), "A.test_2": Expected("pass", [])}
    assert about_the_list(["A.test_1", "A.test_2"], expected) == []
    missing, new = about_the_list(["A.test_1", "A.test_3"], expected)
    assert "A.test_2" in missing and "not in this PyTorch" in missing
    assert "A.test_3" in new and "not in the list" in new


def test_the_list_has_all_464_and_both_that_are_skipped():
    expected, release = run_torch_tests.read_expected()
    assert release == "2.13.0"
    assert len(expected) == 464
    assert sum(e.outcome == "skip" for e in expected.values()) == 2


def test_what_names_another_backend_does_not_run_over_this_one():
    expected = {"A.test_1": Expected("pass", ["not-tine"]), "A.test_2": Expected("pass", [])}
    assert not counts_for("tine", ["not-tine"]) and counts_for("tensorpipe", ["not-tine"])
    assert chosen(parse([]), "tine", list(expected), expected) == ["A.test_2"]
    assert chosen(parse([]), "tensorpipe", list(expected), expected) == ["A.test_1", "A.test_2"]


def test_another_outcome_than_expected_is_a_failure_a_skip_as_well():
    expected = {"a": Expected("pass", []), "b": Expected("skip", []), "c": Expected("pass", [])}
    assert judge(outcomes(a="pass", b="skip", c="pass"), expected) == []
    assert judge(outcomes(a="fail", b="pass", c="skip"), expected) == [
        "a: pass expected, fail seen",
        "b: skip expected, pass seen",
        "c: pass expected, skip seen",
    ]


def test_one_failure_of_several_runs_is_a_failure_but_for_a_shaky_test(capsys):
    expected = {"a": Expected("pass", []), "b": Expected("pass", ["shaky"])}
    assert judge(outcomes(a="pass fail"), expected) == ["a: pass expected, pass, fail seen"]
    assert judge(outcomes(b="pass fail pass"), expected) == []
    assert "2 of 3 pass" in capsys.readouterr().out
    assert judge(outcomes(b="fail fail"), expected) != []


def test_a_test_beyond_its_bound_is_ended_and_has_failed_with_its_stacks(capfd):
    arguments = ["--backend", "tensorpipe", "--filter", "RpcTest.test_worker_id", "--bound", "0", "--log-bytes", "100000"]
    assert run_torch_tests.main(arguments) == 1
    seen = capfd.readouterr().out
    assert "RpcTest.test_worker_id failed" in seen
    assert "Threads of process 0" in seen and "init_rpc" in seen
    assert "RpcTest.test_worker_id: pass expected, fail seen" in seen


def test_a_filter_that_matches_nothing_is_a_failure():
    assert run_torch_tests.main(["--backend", "tensorpipe", "--filter", "no_such_test"]) == 1
