"""tools/vendor takes the files that are named, checks their hash, and leaves whole folders or none."""

import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FILES = {"LICENSE": b"free\n", "src/a.c": b"int a;\n", "src/deep/b.c": b"int b;\n", "test/c.c": b"int c;\n"}
TAKEN = ["LICENSE", "src/a.c"]


def listing(files):
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def archive(path, files, folder="thing-1.0"):
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))


@pytest.fixture
def tree(tmp_path):
    """A tree that wants a source, and a folder of archives."""
    taken = {name: FILES[name] for name in TAKEN}
    source = {
        "version": "1.0", "licence": "MIT", "take": ["LICENSE", "src/*.c"],
        "sha256": hashlib.sha256(listing(taken).encode()).hexdigest(),
        "urls": ["https://first.example/1.0.tar.gz", "https://second.example/thing_1.0.orig.tar.gz"],
    }
    (tmp_path / "third_party").mkdir()
    (tmp_path / "third_party/sources.json").write_text(json.dumps({"thing": source}))
    (tmp_path / "archives").mkdir()
    return tmp_path


def vendor(tree, *arguments):
    command = [sys.executable, str(ROOT / "tools/vendor"), "--root", str(tree), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def there(tree):
    folder = tree / "third_party/thing"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_files_that_are_named_come_from_the_first_archive_that_has_them(tree):
    archive(tree / "archives/thing_1.0.orig.tar.gz", FILES, folder="anything")
    done = vendor(tree, "--from", str(tree / "archives"))
    assert done.returncode == 0 and "thing 1.0 (MIT)" in done.stdout, done.stderr
    assert there(tree) == set(TAKEN)
    assert [path.name for path in (tree / "third_party").iterdir() if path.name.startswith(".")] == []


def test_an_archive_with_another_text_is_refused_and_nothing_is_left(tree):
    archive(tree / "archives/1.0.tar.gz", {**FILES, "src/a.c": b"int evil;\n"})
    done = vendor(tree, "--from", str(tree / "archives"))
    assert done.returncode == 1 and there(tree) == set()
    assert "thing 1.0 cannot be had" in done.stderr and "1.0.tar.gz: its files have the hash" in done.stderr
    assert "second.example" in done.stderr


def test_an_archive_that_is_not_whole_is_refused(tree):
    path = tree / "archives/1.0.tar.gz"
    archive(path, FILES)
    path.write_bytes(path.read_bytes()[:-30])
    done = vendor(tree, "--from", str(tree / "archives"))
    assert done.returncode == 1 and "Traceback" not in done.stderr and there(tree) == set()


def test_a_source_that_was_edited_is_told_and_fetched_again(tree):
    archive(tree / "archives/1.0.tar.gz", FILES)
    assert "third_party/thing is missing; run tools/vendor" in vendor(tree, "--check").stderr
    assert vendor(tree, "--from", str(tree / "archives")).returncode == 0
    assert vendor(tree, "--check").returncode == 0
    (tree / "third_party/thing/src/a.c").write_bytes(b"int other;\n")
    assert "third_party/thing differs" in vendor(tree, "--check").stderr
    assert vendor(tree, "--from", str(tree / "archives")).returncode == 0
    assert (tree / "third_party/thing/src/a.c").read_bytes() == FILES["src/a.c"]


def test_nothing_is_fetched_when_everything_is_there(tree):
    archive(tree / "archives/1.0.tar.gz", FILES)
    assert vendor(tree, "--from", str(tree / "archives")).returncode == 0
    done = vendor(tree, "--from", str(tree / "no such folder"))
    assert done.returncode == 0 and done.stdout == ""


def test_the_sources_have_hashes_licences_and_addresses_without_a_machine():
    for name, source in json.loads((ROOT / "third_party/sources.json").read_text()).items():
        assert len(source["sha256"]) == 64 and source["licence"] and any(file.startswith("LICENSE") for file in source["take"]), name
        assert all(url.startswith(("https://github.com/", "https://deb.debian.org/")) for url in source["urls"])
