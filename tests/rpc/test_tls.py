"""Encrypted workers: certificates made by `tine keys`, from the environment and from options."""
import os
import pathlib
import subprocess

import pytest
from cluster import Cluster, free_port, run

import tine
from tine.distributed import rpc

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or ROOT / "build" / "dev")


def make_keys(folder, *workers):
    done = subprocess.run([str(BUILD / "bin" / "tine"), "keys", str(folder), *workers], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(folder, name):
    return {
        "TINE_TLS_CERT": str(folder / f"{name}.pem"),
        "TINE_TLS_KEY": str(folder / f"{name}.key"),
        "TINE_TLS_CA": str(folder / "ca.pem"),
    }


CALLS = """
rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(transports="tcp"))
other = f"worker{(RANK + 1) % WORLD}"
assert rpc.rpc_sync(other, torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
big = torch.arange(300000)
assert rpc.rpc_sync(other, torch.mul, args=(big, 2)).sum().item() == 2 * big.sum().item()
kept = rpc.remote(other, torch.neg, args=(torch.ones(2),))
assert kept.to_here().tolist() == [-1, -1]
rpc.shutdown()
"""


def test_workers_encrypt_what_they_say_once_the_environment_names_certificates(tmp_path):
    make_keys(tmp_path / "keys", "worker0", "worker1", "worker2")
    envs = {rank: environment(tmp_path / "keys", f"worker{rank}") for rank in range(3)}
    run(3, CALLS, per_rank_env=envs)


def test_one_certificate_may_serve_every_worker(tmp_path):
    printed = make_keys(tmp_path / "keys")
    env = dict(line.split()[1].split("=", 1) for line in printed.splitlines() if line.startswith("  export "))
    assert env == environment(tmp_path / "keys", "any")
    run(2, CALLS, env=env)


def test_options_name_certificates_too(tmp_path):
    make_keys(tmp_path / "keys", "worker0", "worker1")
    run(
        2,
        f"""
        folder = {str(tmp_path / "keys")!r}
        tls = rpc.TlsOptions(f"{{folder}}/{{NAME}}.pem", f"{{folder}}/{{NAME}}.key", f"{{folder}}/ca.pem")
        rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(tls=tls, transports=["tcp"]))
        assert rpc.rpc_sync("worker0", torch.add, args=(torch.ones(2), 1)).tolist() == [2, 2]
        rpc.shutdown()
        """,
    )


@pytest.mark.parametrize("without", [0, 1])
def test_a_worker_without_a_certificate_and_one_with_tell_each_other_at_once(tmp_path, without):
    make_keys(tmp_path / "keys")
    with Cluster(
        2,
        """
        try:
            rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(init_timeout=3))
        except Exception as error:
            print(type(error).__name__, error)
        """,
        per_rank_env={1 - without: environment(tmp_path / "keys", "any")},
    ) as cluster:
        (_, listening, _), (_, connecting, _) = cluster.finish()
    assert "AuthError" in connecting and "TINE_TLS_CERT" in connecting, connecting
    assert ("takes encrypted connections alone" if without else "in plain text, and we speak TLS") in connecting
    # Rank 0 waits for others, and says then whom it refused.
    assert "did not connect" in listening and ("speaks TLS" if not without else "we speak TLS") in listening, listening


def test_a_certificate_for_another_worker_is_refused_before_anybody_is_asked(tmp_path):
    make_keys(tmp_path / "keys", "somebody")
    run(
        1,
        """
        try:
            rpc.init_rpc(NAME, world_size=2)
            sys.exit("joined")
        except PermissionError as error:
            assert "somebody.pem (for worker somebody" in str(error) and "is not for worker 'worker0'" in str(error), error
        """,
        env=environment(tmp_path / "keys", "somebody"),
    )


def test_options_that_are_no_files_are_refused():
    with pytest.raises(TypeError, match="cert: expected the path of a file, got 3"):
        rpc.TlsOptions(3, "k", "c")
    with pytest.raises(ValueError, match="key: expected the path of a file, got an empty text"):
        rpc.TlsOptions("c", "", "a")
    with pytest.raises(TypeError, match="tls: expected TlsOptions or None, got 'x'"):
        rpc.RpcBackendOptions(tls="x")
    options = rpc.TensorPipeRpcBackendOptions(tls=rpc.TlsOptions(pathlib.Path("c.pem"), "k", "a"))
    assert repr(options.tls) == "TlsOptions(cert='c.pem', key='k', ca='a')"
    options.tls = rpc.TlsOptions("/nowhere", "/nowhere", "/nowhere")
    options.init_method = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(PermissionError, match="certificate file /nowhere cannot be opened"):
        rpc.init_rpc("w", rank=0, world_size=2, rpc_backend_options=options)
    assert not rpc.is_initialized()


def test_a_part_that_is_missing_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("TINE_TLS_CERT", "c")
    with pytest.raises(tine.ValueError, match="TINE_TLS_KEY and TINE_TLS_CA are not set in the environment"):
        rpc.init_rpc("w", rank=0, world_size=2, rpc_backend_options=rpc.RpcBackendOptions(init_method="tcp://127.0.0.1:1"))


def test_a_worker_without_a_certificate_does_not_load_openssls_tls():
    run(
        2,
        """
        rpc.init_rpc(NAME)
        assert rpc.rpc_sync("worker0", torch.add, args=(torch.ones(1), 1)).item() == 2
        rpc.shutdown()
        assert "libssl" not in open("/proc/self/maps").read()
        """,
    )
