"""tools/deps, with apt-get, dpkg-query and sudo played by scripts: nothing is installed here."""

import os
import pathlib
import subprocess

import pytest

DEPS = pathlib.Path(__file__).parents[2] / "tools" / "deps"


class Machine:
    """A folder of commands in front of PATH, what they were called with, and what is installed."""

    def __init__(self, folder):
        self.folder = folder
        self.installed = folder / "installed"
        self.calls = folder / "calls"
        self.installed.write_text("")
        self.calls.write_text("")
        self.command("dpkg-query", f'sed "s/^/ii  /" {self.installed}')
        self.command("apt-get", f'echo "apt-get $*" >>{self.calls}; [[ -z $APT_FAILS ]] || {{ echo "E: no network"; exit 100; }}')
        self.command("sudo", f'echo sudo >>{self.calls}; exec "$@"')

    def command(self, name, text):
        path = self.folder / name
        path.write_text("#!/bin/bash\n" + text + "\n")
        path.chmod(0o755)

    def deps(self, *arguments, **extra):
        environment = {**os.environ, "PATH": f"{self.folder}:/usr/bin:/bin", "APT_FAILS": "", **extra}
        return subprocess.run(
            [str(DEPS), *arguments], capture_output=True, text=True, timeout=60, env=environment
        )

    def required(self):
        """What tools/deps asks for on a machine that has nothing."""
        done = self.deps()
        first = done.stdout.splitlines()[0]
        self.calls.write_text("")
        return first.removeprefix("tools/deps: installing ").split()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_missing_means_no_call_and_no_word(machine):
    machine.installed.write_text("\n".join(machine.required()) + "\n")
    done = machine.deps()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls.read_text() == ""


def test_only_what_is_missing_is_installed_after_one_update(machine):
    packages = machine.required()
    machine.installed.write_text("\n".join(set(packages) - {"ccache", "libfmt-dev"}) + "\n")
    done = machine.deps()
    assert done.returncode == 0
    assert done.stdout == "tools/deps: installing ccache libfmt-dev\ntools/deps: done\n"
    calls = [line for line in machine.calls.read_text().splitlines() if line != "sudo"]
    assert len(calls) == 2
    assert calls[0].endswith(" update")
    assert calls[1].endswith(" install -y --no-install-recommends ccache libfmt-dev")


def test_peers_the_second_compiler_and_tools_for_packages_are_asked_for_by_option(machine):
    assert not {"libtbb-dev", "clang-16", "abigail-tools"} & set(machine.required())
    assert "libtbb-dev" in machine.deps("--bench").stdout
    assert "clang-16" in machine.deps("--clang").stdout
    assert "abigail-tools" in machine.deps("--package").stdout


def test_a_failing_apt_is_shown_and_fails(machine):
    done = machine.deps(APT_FAILS="1")
    assert done.returncode == 1
    assert "E: no network" in done.stderr and "apt-get" in done.stderr


def test_an_unknown_option_is_named(machine):
    done = machine.deps("--everything")
    assert done.returncode == 2
    assert "unknown option '--everything'" in done.stderr
