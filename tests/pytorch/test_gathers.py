"""What a death, or a leave in good order, means to those who wait for all workers: PyTorch's gathers."""

import types

import pytest
from torch.distributed.rpc import api

from tine.pytorch import _agent_class, _group  # noqa: F401 - the first loads the agent


@pytest.fixture(params=["w0", "w1"], ids=["in the leader", "in a follower"])
def gather(request, monkeypatch):
    """A gather of w0, which leads, w1 and w2, in one of them."""
    here = types.SimpleNamespace(get_worker_info=lambda: types.SimpleNamespace(name=request.param), get_worker_infos=list, is_static_group=True)
    monkeypatch.setattr(_group, "_running", here)
    monkeypatch.setattr(_group, "_gone", {})
    monkeypatch.setattr(api, "_ALL_WORKER_NAMES", {"w0", "w1", "w2"})
    monkeypatch.setattr(api, "_all_gather_sequence_id_to_states", _group._Gathers())
    states = api._all_gather_sequence_id_to_states["w0w1w20"]
    return types.SimpleNamespace(states=states, here=request.param)


def error_of(gather):
    return gather.states.proceed_signal.error


def test_a_death_ends_it_at_once_and_is_named(gather):
    _group.worker_gone("w2", "worker 'w2' (id 2) died: its machine burnt", left=False)
    with pytest.raises(RuntimeError, match=r"^worker 'w2' \(id 2\) died: its machine burnt$"):
        gather.states.proceed_signal.wait(0)


def test_a_death_before_it_began_ends_it_as_well(gather):
    _group.worker_gone("w2", "worker 'w2' (id 2) died: its machine burnt", left=False)
    later = api._all_gather_sequence_id_to_states["w0w1w21"]
    with pytest.raises(RuntimeError, match=r"^worker 'w2' \(id 2\) died: its machine burnt$"):
        later.proceed_signal.wait(0)


def test_it_goes_on_when_one_leaves_that_has_had_its_part(gather):
    gather.states.gathered_objects["w2"] = None  # as the leader has it
    _group.worker_gone("w2", "shutting down", left=True)
    assert error_of(gather) is None


def test_the_leader_ends_it_when_one_leaves_that_has_not_come(gather):
    _group.worker_gone("w2", "shutting down", left=True)
    assert (error_of(gather) is not None) == (gather.here == "w0")


def test_a_follower_ends_it_when_the_leader_leaves(gather):
    if gather.here == "w1":
        _group.worker_gone("w0", "worker 'w0' (id 0) has left", left=True)
        assert error_of(gather) == "worker 'w0' (id 0) has left"


def test_a_worker_that_comes_back_is_no_longer_gone(gather):
    _group.worker_gone("w2", "worker 'w2' (id 2) died: its machine burnt", left=False)
    _group.worker_came("w2")
    assert api._all_gather_sequence_id_to_states["w0w1w21"].proceed_signal.error is None


def test_an_error_of_shutdown_names_who_died_before(gather):
    _group.worker_gone("w2", "worker 'w2' died: its machine burnt", left=False)
    error = _group.with_deaths(RuntimeError("worker 'w0' has left"))
    assert str(error) == "worker 'w0' has left; before that: worker 'w2' died: its machine burnt"
    named = RuntimeError("worker 'w2' died")
    assert _group.with_deaths(named) is named
