"""The words of messages, comments and documents: habits that a machine can see stay out. docs/glossary.md has the terms.

Each rule is a pattern with what to write instead. A line end within a sentence is a space, so wrapping hides nothing.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = [".ci", "CHANGELOG.md", "CMakeLists.txt", "Makefile", "README.md", "cmake", "docs", "examples", "include", "python",
         "src", "tools"]
GENERATED = {"src/value/torch_names.cpp", "include/tine/detail/torch_names.cpp"}

RULES = {
    # "is not a number". "There is no" and "no longer" are plain English.
    "is no": (r"(?<!\bthere )(?<!\bThere )\b(?:is|are|was|were|be) no (?!longer\b|more\b|less\b|way\b)[A-Za-z]+",
              "write `is not a ...`"),
    # "The thread that waits ...", not "Who waits ...".
    "who": (r"(?:^|[.:;!?] |// |# |\"\"\"|\" ?)Who(?:ever)? [a-z]+", "name the subject of the sentence"),
    # "After" for time, "behind" for place.
    "behind": (r"\b[Bb]ehind (?:it|them|that|this|those|these)\b(?! (?:RRef|table|lane))|\b[Bb]ehind the (?:call|end|post|lock|start|last)\b",
               "write `after` for time"),
    # A header says what is worth saying, in prose.
    "ritual": (r"(?m)^// (?:State|Threads|Ordering|Ownership|Errors|Cost|Source)  +\S", "write prose, and only what is worth saying"),
    "design": (r"\bDESIGN\b", "name a document of docs/"),
}

# (path, words): they mean a place, or quote somebody.
ACCEPTED = {
    "README.md": ["behind them"],  # the figures behind the choices
    "docs/decisions.md": ["behind it"],  # the figure behind a choice
    "docs/spec/agent.md": ["behind it"],  # the value behind an RRef
    "src/rpc/incoming.h": ["behind it"],  # the same
}


def files():
    listed = subprocess.run(["git", "ls-files", *ROOTS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if name in GENERATED or (ROOT / name).is_symlink():
            continue
        try:
            yield name, (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue


def found(rule, name, text):
    pattern, _ = RULES[rule]
    if rule != "ritual":
        # One space for each line end and the comment or string marks around it; as many line ends stay known.
        within = "[A-Za-z]" if rule == "is no" else "[a-z]"  # a capital may begin a sentence
        text = re.sub(rf"[ \"]*\n[ \t]*(?:///?|#|\*|\")*[ \t]*(?={within})", "\x00", text)
        pattern = pattern.replace(" ", "[ \\x00]")
    for hit in re.finditer(pattern, text):
        words = hit.group().replace("\x00", " ")
        if words.strip() not in ACCEPTED.get(name, ()):
            head = text[: hit.start()]
            yield f"{name}:{head.count(chr(10)) + head.count(chr(0)) + 1}: `{words.strip()}`"


@pytest.mark.parametrize("rule", RULES)
def test_no_text_has_the_habit(rule):
    hits = [hit for name, text in files() for hit in found(rule, name, text)]
    assert hits == [], f"{RULES[rule][1]} (or add the place to ACCEPTED)"


HABITS = {
    "is no": ["'x' is no number", "// what is no\n// number", "// it was no\n   // frame's", "values that are no\n// Python object"],
    "who": ["// Who waits for it.", "x. Who came first", '"""Whoever waits."""'],
    "behind": ["// the count drops behind it", "behind the call", "what comes behind them"],
    "ritual": ["// State      None.", "// Source     docs/spec/ir.md"],
    "design": ['DESIGN "Scripts"'],
}
PLAIN = {
    "is no": ["there is no number", "There are no\n// numbers", "is no longer", "is not a number", "is none of them"],
    "who": ["the worker who came", "// the thread that waits"],
    "behind": ["the value behind an RRef", "behind a firewall", "what it leaves behind."],
    "ritual": ["// State: the word of a future", "int x;  // Cost"],
    "design": ["// by design"],
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_finds_its_habit_and_lets_plain_words_pass(rule):
    assert [text for text in HABITS[rule] if not list(found(rule, "x.h", text))] == []
    assert [text for text in PLAIN[rule] if list(found(rule, "x.h", text))] == []


def test_what_is_accepted_is_there():
    for name, words in ACCEPTED.items():
        text = " ".join((ROOT / name).read_text().split())
        assert [said for said in words if said not in text] == []
