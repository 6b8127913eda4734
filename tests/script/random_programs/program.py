"""Random programs: generate(seed) gives the text of a module with `main` and `arguments`, and counts what is in it.

Each name is used as it is typed, so a program that tine refuses is a finding, as one that differs from Python is.
"""

import ast
import collections
import random

from .kinds import (BOOL, FLOAT, GRID, INT, NONE, ROW, SCALARS, STR, TENSORS, WHOLE, Enumeration, Object, Record, Signature,
                    Type, copied, dict_of, list_of, needs_annotation, optional, tuple_of, union, written)  # fmt: skip
from .statements import Body

HEAD = """from __future__ import annotations
import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union
import tine as torch
from tine import Tensor

LIMIT = 6
RATE = 0.75
FLAG = True
WORD = "Wo rd9x"
"""


def generate(seed):
    """(text, Counter of features)."""
    program = Program(seed)
    return program.text(), program.features


class Program:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.features = collections.Counter()
        self.names = 0
        self.functions, self.classes, self.records, self.enums = [], {}, {}, {}
        self.modern = self.rng.random() < 0.5
        self.parts = []

    # -- what the bodies ask

    def type_of(self, definition):
        kinds = {Enumeration: "enum", Record: "record", Object: "object"}
        return Type(kinds[type(definition)], (definition.name,))

    def fields(self, t):
        if t.kind == "object":
            return self.classes[t.args[0]].fields
        return self.record_fields(t)

    def record_fields(self, t):
        return self.records[t.args[0]].fields if t.kind == "record" else {}

    def assignable(self, path, variables):
        """Whether a variable or attribute: not a field of a named tuple."""
        name, dot, _ = path.partition(".")
        return not dot or variables[name].kind == "object"

    def printable(self, t):
        return t.kind != "object" and all(map(self.printable, (a for a in t.args if isinstance(a, Type))))

    def some_type(self, rng):
        return rng.choice(rng.choices([SCALARS, TENSORS, self.palette, self.own], [3, 2, 3, 1])[0])

    @property
    def own(self):
        return [self.type_of(d) for d in [*self.enums.values(), *self.records.values(), *self.classes.values()]] or SCALARS

    # -- the parts of a program

    def text(self):
        rng = self.rng
        for i in range(rng.randrange(3)):
            self.enum(f"E{i}")
        self.palette = self.plain_types()
        for i in range(rng.randrange(3)):
            self.record(f"R{i}")
        for i in range(rng.randrange(3)):
            self.object(f"C{i}")
        self.palette += self.types_of_own()
        count = rng.randrange(2, 6)
        for i in range(count):
            self.function(f"f{i}")
        self.main()
        text = HEAD + "\n\n" + "\n\n\n".join(self.parts) + "\n"
        # Without the brackets that nobody needs.
        return ast.unparse(ast.parse(text)) + "\n"

    def plain_types(self):
        rng = self.rng
        few = [list_of(t) for t in rng.sample([*SCALARS, ROW], 3)]
        few += [dict_of(rng.choice([INT, STR]), t) for t in rng.sample([INT, FLOAT, STR, ROW], 2)]
        few += [optional(t) for t in rng.sample([INT, FLOAT, STR, ROW, list_of(INT)], 2)]
        few += [tuple_of(*rng.choices(SCALARS, k=rng.randrange(1, 4)))]
        few += [union(*rng.sample([INT, FLOAT, STR, list_of(INT), GRID], rng.randrange(2, 4)))]
        return few

    def types_of_own(self):
        """Containers of the program's own types."""
        rng, more = self.rng, []
        for t in self.own:
            more.append(rng.choice([list_of(t), optional(t), tuple_of(t, INT), dict_of(STR, t)]))
            if t.kind == "enum":
                more.append(dict_of(t, INT))
        if self.records or self.classes:
            t = rng.choice([t for t in self.own if t.kind != "enum"])
            more.append(union(t, rng.choice([INT, STR, ROW])))
            more.append(optional(t))
        more.append(list_of(tuple_of(INT, STR)))
        more.append(list_of(list_of(INT)))
        more.append(list_of(optional(rng.choice([INT, STR]))))
        return more

    def enum(self, name):
        value = self.rng.choice([INT, INT, STR, FLOAT])
        members = self.rng.sample(["RED", "GREEN", "BLUE"], self.rng.randrange(2, 4))
        values = {INT: ["1", "2", "7"], STR: ["'r'", "'g'", "''"], FLOAT: ["0.5", "1.0", "-2.0"]}[value]
        self.enums[name] = Enumeration(name, members, value)
        self.parts.append(f"class {name}(Enum):\n" + "\n".join(f"    {m} = {v}" for m, v in zip(members, values)))

    def record(self, name):
        rng = self.rng
        fields = {f"a{i}": rng.choice([*SCALARS, ROW, *self.palette, *self.own]) for i in range(rng.randrange(1, 4))}
        fields = {f: t for f, t in fields.items() if t != Type("record", (name,)) and t.kind != "union"} or {"a0": INT}
        last = list(fields)[-1]
        defaults = {last: Body(self, {}.items(), NONE).literal(fields[last])} if fields[last] in SCALARS else {}
        lines = self.heads([(f, t, defaults.get(f)) for f, t in fields.items()])
        self.parts.append("\n    ".join([f"class {name}(NamedTuple):", *lines]))
        self.records[name] = Record(name, fields, defaults)

    def object(self, name):
        rng = self.rng
        me = Type("object", (name,))
        fields = {"n": INT}
        for i in range(rng.randrange(1, 4)):
            fields[f"b{i}"] = rng.choice([*SCALARS, ROW, GRID, *self.palette, *self.own])
        if rng.random() < 0.4:
            data = [(f, t, None) for f, t in fields.items()]
            if fields[data[-1][0]] in SCALARS:
                data[-1] = (*data[-1][:2], Body(self, [], NONE).literal(data[-1][1]))
            lines = ["@dataclass", f"class {name}:"]
            lines += ["    " + line for line in self.heads(data)]
            cls = Object(name, Signature(name, data, me), fields)
            # What has a __eq__ of no use is compared nowhere.
            cls.equal = all(Body(self, [], NONE).comparable(t) for t in fields.values())
            self.features["dataclass"] += 1
        else:
            data, link = [], rng.random() < 0.4
            cls = Object(name, None, fields)
            lines = [f"class {name}:", *self.init(cls, link)]
            self.features["class"] += 1
        self.classes[name] = cls
        for i in range(rng.randrange(1, 4)):
            lines += ["", *self.method(cls, me, f"m{i}")]
        if rng.random() < 0.5:
            body = Body(self, [("self", me)], rng.choice(SCALARS), silent=True)
            t = body.result
            lines += ["", "    @property", f"    def p(self) -> {written(t)}:", *indented(body.finished(1))]
            cls.properties["p"] = Signature("p", [], t, body.cost)
        lines += self.signs(cls, me, data)
        self.parts.append("\n".join(lines))

    def init(self, cls, link):
        """`__init__`, some of whose attributes are parameters."""
        params, values = [], {}
        for f, t in cls.fields.items():
            if self.rng.random() < 0.6:
                params.append((f"to_{f}", t, None))
                values[f] = f"to_{f}"
        body = Body(self, [(p, t) for p, t, _ in params], NONE, silent=True)
        body.calm = True
        lines = []
        for f, t in cls.fields.items():
            annotation = f": {written(t, self.modern)}" if needs_annotation(t) or self.rng.random() < 0.3 else ""
            value = values.get(f) or body.expr(t, 2, declared=bool(annotation))
            lines.append(f"        self.{f}{annotation} = {value}")
        if link:
            cls.fields["link"] = optional(Type("object", (cls.name,)))
            lines.append(f'        self.link: Optional["{cls.name}"] = None')
            self.features["attribute of the class itself"] += 1
        if params and params[-1][1] in SCALARS:
            params[-1] = (*params[-1][:2], body.literal(params[-1][1]))
        cls.init = Signature(cls.name, params, Type("object", (cls.name,)), body.cost)
        return [f"    def __init__({', '.join(['self', *self.heads(params)])}):", *lines]

    def heads(self, params):
        return [f"{p}: {written(t, self.modern)}" + (f" = {d}" if d is not None else "") for p, t, d in params]

    def definition(self, name, params, result, lines):
        return "\n".join([f"def {name}({', '.join(self.heads(params))}) -> {written(result, self.modern)}:", *lines])

    def params(self, count):
        found = []
        for i in range(count):
            found.append((f"p{i}", self.some_type(self.rng), None))
        if found and found[-1][1] in SCALARS and self.rng.random() < 0.5:
            found[-1] = (*found[-1][:2], Body(self, [], NONE).literal(found[-1][1]))
        if found and found[-1][1].kind == "optional" and self.rng.random() < 0.5:
            found[-1] = (*found[-1][:2], "None")
        return found

    def method(self, cls, me, name):
        rng = self.rng
        params = self.params(rng.randrange(3))
        result = rng.choice([NONE, self.some_type(rng)])
        kind = rng.choice(["", "", "", "@staticmethod", "@classmethod"])
        scope = [(p, t) for p, t, _ in params] + ([("self", me)] if not kind else [])
        body = Body(self, scope, result, silent=rng.random() < 0.5, budget=200)
        lines = [f"    {kind}"] if kind else []
        first = {"": ["self"], "@staticmethod": [], "@classmethod": ["cls"]}[kind]
        head = f"    def {name}({', '.join([*first, *self.heads(params)])}) -> {written(result, self.modern)}:"
        text = body.finished(rng.randrange(1, 4))
        signature = Signature(name, params, result, body.cost, not body.calls_noise)
        (cls.statics if kind else cls.methods).append(signature)
        return [*lines, head, *indented(text)]

    def signs(self, cls, me, data):
        """Operators, and what `with` needs."""
        rng, lines = self.rng, []
        if rng.random() < 0.5:
            lines += ["", f"    def __lt__(self, other: {cls.name}) -> bool:", "        return self.n < other.n"]
            cls.signs["__lt__"] = Signature("__lt__", [("other", me, None)], BOOL)
        if rng.random() < 0.4 and not data:
            lines += ["", f"    def __eq__(self, other: {cls.name}) -> bool:", "        return self.n == other.n"]
            cls.equal = True
        if rng.random() < 0.5:
            body = Body(self, [("self", me), ("other", INT)], me, silent=True, budget=200)
            lines += ["", f"    def __add__(self, other: int) -> {cls.name}:", *indented(body.finished(1))]
            cls.signs["__add__"] = Signature("__add__", [("other", INT, None)], me, body.cost)
        if rng.random() < 0.4:
            lines += ["", "    def __len__(self) -> int:", "        return abs(self.n) % 5"]
            lines += ["", "    def __getitem__(self, i: int) -> int:", "        return self.n + i"]
            lines += ["", "    def __contains__(self, i: int) -> bool:", "        return i in [self.n, 3]"]
            cls.signs["__len__"] = Signature("__len__", [], INT)
        if rng.random() < 0.3:
            lines += ["", f"    def __enter__(self) -> {cls.name}:", "        self.n = (self.n + 1) % 101"]
            lines += ["        print('enter', self.n)", "        return self"]
            lines += ["", "    def __exit__(self, kind: Any, value: Any, tb: Any):", "        print('exit', self.n)"]
            cls.manager = True
        return lines

    def function(self, name):
        rng = self.rng
        params = self.params(rng.randrange(4))
        while (fits := rng.random() < 0.5) and not all(copied(t) for _, t, _ in params):
            params = self.params(rng.randrange(4))
        result = self.some_type(rng)
        body = Body(self, [(p, t) for p, t, _ in params], result, silent=fits, budget=400)
        lines = body.finished(rng.randrange(2, 7))
        if not fits and rng.random() < 0.4:
            last = body.lines.pop()
            body.print_all()
            body.lines.append(last)
        self.parts.append(self.definition(name, params, result, lines))
        self.functions.append(Signature(name, params, result, body.cost, not body.calls_noise))
        if rng.random() < 0.2:
            self.recursive(name + "r")

    def recursive(self, name):
        """A function that calls itself with an ever smaller number."""
        rng = self.rng
        result = rng.choice([INT, STR, FLOAT, list_of(INT)])
        params = [("depth", INT, None), ("p", result, None)]
        body = Body(self, [("p", result)], result, silent=True, budget=60)
        first = [f"def {name}({', '.join(self.heads(params))}) -> {written(result)}:", "    if depth <= 0 or depth > 5:"]
        first += [f"        return {body.expr(result, 2)}"]
        lines = body.finished(2)[:-1]
        last = f"    v = {name}(depth - 1, {body.expr(result, 1)})"
        body.scopes[0]["v"] = result
        lines = [*first, *lines, last, f"    return {body.expr(result, 2)}"]
        self.parts.append("\n".join(lines))
        self.functions.append(Signature(name, params, result, body.cost * 6, True))
        self.features["recursion"] += 1

    def main(self):
        rng = self.rng
        params = {"a": INT, "b": FLOAT, "s": STR, "t": ROW, "u": GRID, "w": WHOLE, "xs": list_of(INT), "d": dict_of(STR, INT)}
        params = rng.sample(list(params.items()), rng.randrange(3, 7))
        result = tuple_of(*(self.some_type(rng) for _ in range(3)))
        body = Body(self, params, result)
        lines = body.finished(rng.randrange(5, 12))
        last = body.lines.pop()
        body.print_all()
        body.lines.append(last)
        self.parts.append(self.definition("main", [(p, t, None) for p, t in params], result, lines))
        free = Body(self, [], NONE)
        values = [free.expr(t, 0, declared=True) for _, t in params]
        self.parts.append(f"def arguments():\n    return ({', '.join(values)},)")


def indented(lines):
    return ["    " + line for line in lines]
