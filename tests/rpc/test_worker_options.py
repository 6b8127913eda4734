"""What init_rpc's options do, seen from outside."""

import signal

from cluster import Cluster, run


def test_a_worker_that_is_silent_for_heartbeat_timeout_is_dead_to_callers_without_a_timeout():
    with Cluster(
        2,
        """
        import signal
        options = rpc.RpcBackendOptions(heartbeat_interval=0.2, heartbeat_timeout=0.6, rpc_timeout=0)
        rpc.init_rpc(NAME, rpc_backend_options=options)
        if RANK == 1: os.kill(os.getpid(), signal.SIGSTOP)
        try:
            while True:  # until it has stopped
                rpc.rpc_sync("worker1", torch.add, args=(torch.ones(1), 1))
        except ConnectionError as error:
            assert "silent for 600 ms" in str(error), error
            print("dead", flush=True)
        os._exit(0)
        """,
    ) as cluster:
        cluster.wait_for(0, "dead", timeout=30)  # the defaults would take thirty seconds and more
        cluster.signal(1, signal.SIGKILL)


def test_polling_can_be_switched_off_and_a_bound_of_one_call_makes_callers_wait():
    run(
        2,
        """
        options = rpc.TensorPipeRpcBackendOptions(polling=0, max_calls_in_flight=1)
        rpc.init_rpc(NAME, rpc_backend_options=options)
        if RANK == 0:
            calls = [rpc.rpc_async("worker1", torch.add, args=(torch.ones(1), i)) for i in range(50)]
            assert [c.wait().item() for c in calls] == [i + 1 for i in range(50)]
        rpc.shutdown()
        """,
    )
