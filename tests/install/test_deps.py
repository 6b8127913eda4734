"""tools/deps, with apt-get, dpkg-query and sudo played by scripts: nothing is installed here."""

import os
import pathlib
import re
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
        self.command("sudo", f'echo sudo >>{self.calls}; [[ $1 != -n ]] || shift; [[ -z $NO_RIGHTS ]] || exit 1; exec "$@"')
        self.command("id", 'echo "${USER_ID:-0}"')

    def command(self, name, text):
        path = self.folder / name
        path.write_text("#!/bin/bash\n" + text + "\n")
        path.chmod(0o755)

    def deps(self, *arguments, **extra):
        environment = {**os.environ, "PATH": f"{self.folder}:/usr/bin:/bin", "APT_FAILS": "", "NO_RIGHTS": "", "USER_ID": "0", **extra}
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
    assert len(calls) == 2 and "sudo" not in machine.calls.read_text()
    assert calls[0].endswith(" update")
    assert calls[1].endswith(" install -y --no-install-recommends ccache libfmt-dev")


def test_a_user_with_rights_installs_through_sudo(machine):
    done = machine.deps(USER_ID="1000")
    assert done.returncode == 0
    assert "sudo" in machine.calls.read_text() and "apt-get" in machine.calls.read_text()


@pytest.mark.parametrize("has_sudo", [True, False])
def test_a_user_without_rights_is_given_the_command_for_an_administrator(machine, has_sudo):
    packages = machine.required()
    machine.installed.write_text("\n".join(set(packages) - {"ccache"}) + "\n")
    if not has_sudo:
        machine.command("sudo", "exit 127")
    done = machine.deps(USER_ID="1000", NO_RIGHTS="1")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (
        "tools/deps: packages are missing and you may not install any. Ask an administrator to run:\n"
        "  apt-get update && apt-get install --no-install-recommends ccache\n"
    )
    assert "apt-get" not in machine.calls.read_text()


def test_a_user_without_rights_needs_none_where_nothing_is_missing(machine):
    machine.installed.write_text("\n".join(machine.required()) + "\n")
    done = machine.deps(USER_ID="1000", NO_RIGHTS="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_peers_the_second_compiler_and_tools_for_packages_are_asked_for_by_option(machine):
    assert not any(name.startswith(("libtbb", "clang-1", "abigail")) for name in machine.required())
    assert "libtbb-dev" in machine.deps("--bench").stdout
    assert re.search(r"\bclang(-\d+)? libclang-rt(-\d+)?-dev\b", machine.deps("--clang").stdout)
    assert "abigail-tools" in machine.deps("--package").stdout


def test_a_failing_apt_is_shown_and_fails(machine):
    done = machine.deps(APT_FAILS="1")
    assert done.returncode == 1
    assert "E: no network" in done.stderr
    assert "to install by hand: apt-get update && apt-get install" in done.stderr


def test_an_unknown_option_is_named(machine):
    done = machine.deps("--everything")
    assert done.returncode == 2
    assert "unknown option '--everything'" in done.stderr
