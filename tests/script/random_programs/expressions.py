"""Random expressions of a given type.

Each is worth the same in Python and in a script by how it is made, not by luck: no int leaves 64 bits, no float becomes
infinite, no divisor is 0, texts and lists stay short. An expression that is *stored* (in a variable, an attribute, an
element, an argument, a result) is small: ints and floats within 1,000,000, texts within 60 characters, lists within some 10
elements. The % of floats is not among them: it is TorchScript's, whose last digit is not Python's (docs/spec/language.md).
What may raise is written only where its result is certainly used (statements.py), because a script leaves out an operation
whose result nobody uses (docs/spec/language.md).
"""

from .conditions import Conditions
from .kinds import BOOL, FLOAT, INT, SCALARS, STR, TEXTS, WHOLE, asked, has_tensor, has_union, list_of

FLOATS = ["0.0", "0.5", "1.0", "-1.25", "2.0", "3.75", "0.1", "-7.5", "100.0"]


class Expressions(Conditions):
    """What a Body (statements.py) knows of expressions. self.rng, self.program and self.scopes are the Body's."""

    # -- names

    def visible(self):
        """The variables that can be read here, each with the type that it has here."""
        seen = {}
        for scope in self.scopes:
            seen.update(scope)
        return seen

    def paths(self, t):
        """What is read by a name, or by an attribute of a name, and is a t."""
        found = []
        for name, kind in self.visible().items():
            if kind == t:
                found.append(name)
            found += [f"{name}.{f}" for f, of in self.program.fields(kind).items() if of == t]
        return found

    def variables(self, *kinds):
        return [(name, t) for name, t in self.visible().items() if t.kind in kinds]

    def some(self, items):
        return self.rng.choice(items) if items else None

    def chance(self, p):
        return self.rng.random() < p

    def used(self, feature):
        self.program.features[feature] += 1

    # -- any type

    def expr(self, t, depth=None, declared=False):
        """A stored expression. declared: the type is written where it goes, so that None, [], {} and members of a Union fit."""
        depth = self.depth if depth is None else depth
        if t.kind in ("int", "float", "str"):
            text, small = self.raw(t, depth)
            return text if small else self.made_small(t, text)
        ways = [self.from_path] * 3
        if depth > 0:
            # Where both sides are members of a Union, the compiler asks for one type.
            ways += [self.from_call, self.from_element]
            ways += [self.from_ternary, self.from_refined] * (not has_union(t))
        ways += [getattr(self, f"make_{t.kind}")] * (2 if self.chance(0.6) else 5)
        while ways:
            way = self.rng.choice(ways)
            text = way(t, depth, declared)
            if text is not None:
                return text
            ways = [w for w in ways if w != way]
        return self.last_resort(t)

    def raw(self, t, depth):
        """(text, whether it is small) of an int, float or str."""
        if depth <= 0 or self.chance(0.25):
            path = self.some(self.paths(t)) if self.chance(0.8) else None
            return path or self.literal(t), True
        ways = [lambda: getattr(self, f"{t.kind}_raw")(depth - 1)] * 4
        for way in (self.from_call, self.from_ternary, self.from_refined, self.from_element):
            ways.append(lambda way=way: (way(t, depth, False), True))
        for _ in range(6):
            text, small = self.rng.choice(ways)()
            if text is not None:
                return text, small
        return self.literal(t), True

    def made_small(self, t, text):
        if t == INT:
            return self.rng.choice([f"({text} % 997)", f"max(-500, min({text}, 500))", f"(({text} % 61) - 30)"])
        if t == FLOAT:
            return self.rng.choice([f"max(-100.0, min({text}, 100.0))", f"math.fmod({text}, 64.0)"])
        return f"({text})[:{self.rng.randrange(3, 30)}]"

    def literal(self, t):
        if t in SCALARS and self.chance(0.1):
            self.used("global constant")
            return {INT: "LIMIT", FLOAT: "RATE", BOOL: "FLAG", STR: "WORD"}[t]
        if t == INT:
            return str(self.rng.choice([0, 1, 2, 3, 5, 7, 10, 40, -1, -2, -8]))
        if t == FLOAT:
            return self.rng.choice(FLOATS)
        if t == BOOL:
            return self.rng.choice(["True", "False"])
        return self.rng.choice(TEXTS)

    def last_resort(self, t):
        return self.literal(t) if t in SCALARS else getattr(self, f"make_{t.kind}")(t, 0, True)

    def from_path(self, t, depth, declared):
        return self.some(self.paths(t))

    def from_call(self, t, depth, declared):
        """A call of a function, method, property, static or class method."""
        found = []
        for f in self.program.functions:
            if f.result == t:
                found.append((f.name, f, "call of a function"))
        for name, kind in self.visible().items():
            cls = self.program.classes.get(kind.args[0]) if kind.kind == "object" else None
            if cls:
                found += [(f"{name}.{m.name}", m, "call of a method") for m in cls.methods if m.result == t]
                found += [(f"{name}.{p}", None, "property") for p, s in cls.properties.items() if s.result == t]
        for cls in self.program.classes.values():
            found += [(f"{cls.name}.{m.name}", m, "call of a static or class method") for m in cls.statics if m.result == t]
        callee = self.some([f for f in found if self.can_call(f[1])])
        if callee is None:
            return None
        name, signature, feature = callee
        self.used(feature)
        return name if signature is None else self.call(name, signature, depth)

    def can_call(self, f):
        if f is None:
            return True
        if self.calm or (self.silent and not f.silent):
            return False
        return self.cost + self.weight * f.cost < self.budget

    def call(self, name, f, depth, fresh=False):
        """fresh: each argument is a copy."""
        self.cost += self.weight * f.cost
        self.calls_noise |= not f.silent
        args, by_name = [], False
        for param, t, default in f.params:
            if default is not None and self.chance(0.4):
                self.used("default of a parameter")
                by_name = True
                continue
            by_name |= self.chance(0.15)
            value = self.expr(t, min(depth - 1, 2), declared=True)
            if fresh and t.kind == "tensor":
                value = f"({value}).clone()"
            if fresh and t.kind == "list":
                value = f"list({value})" if value != "[]" else value
            args.append(f"{param}={value}" if by_name else value)
        return f"{name}({', '.join(args)})"

    def from_ternary(self, t, depth, declared):
        if self.chance(0.6):
            return None
        self.used("ternary")
        c = self.expr(BOOL, depth - 1)
        return f"({self.expr(t, depth - 1)} if {c} else {self.expr(t, depth - 1)})"

    def from_refined(self, t, depth, declared):
        """x if x is not None else y, and the same of a Union's member."""
        found = self.some(self.variables("optional", "union"))
        if found is None:
            return None
        name, kind = found
        if kind.kind == "optional":
            narrowed, c = kind.args[0], self.rng.choice([f"{name} is not None", f"not {name} is None"])
        else:
            narrowed = self.rng.choice(kind.args)
            c = f"isinstance({name}, {asked(narrowed)})"
        self.scopes.append({name: narrowed})
        extra = f" and {self.expr(BOOL, depth - 1)}" if self.chance(0.3) else ""
        yes = self.expr(t, depth - 1)
        self.scopes.pop()
        self.used(f"{kind.kind} refined in an expression")
        return f"({yes} if {c}{extra} else {self.expr(t, depth - 1)})"

    def from_element(self, t, depth, declared):
        """An element of a list, tuple, record or dict, where there is one."""
        found = []
        for name, kind in self.visible().items():
            if kind == list_of(t):
                found.append(lambda n=name: self.element_of_list(n, t, depth))
            if kind.kind == "dict" and kind.args[1] == t:
                found.append(lambda n=name, k=kind.args[0]: self.element_of_dict(n, k, t, depth))
            parts = kind.args if kind.kind == "tuple" else tuple(self.program.record_fields(kind).values())
            for i, part in enumerate(parts):
                if part == t:
                    where = i if self.chance(0.7) else i - len(parts)
                    found.append(lambda n=name, w=where: (self.used("element of a tuple"), f"{n}[{w}]")[1])
        way = self.some(found)
        return way() if way else None

    def element_of_list(self, name, t, depth):
        self.used("element of a list")
        at = f"{self.expr(INT, depth - 1)} % len({name})" if self.chance(0.7) else self.rng.choice(["0", "-1"])
        c = self.rng.choice([f"len({name}) > 0", name])
        return f"({name}[{at}] if {c} else {self.expr(t, depth - 1)})"

    def element_of_dict(self, name, key, t, depth):
        self.used("element of a dict")
        k = self.expr(key, 0)
        if self.chance(0.5):
            return f"{name}.get({k}, {self.expr(t, depth - 1)})"
        return f"({name}[{k}] if {k} in {name} else {self.expr(t, depth - 1)})"

    # -- ints

    def int_raw(self, d):
        def operand():
            return self.raw(INT, d)[0]

        def small():
            return self.expr(INT, d)

        n = self.rng.choice([2, 3, 5, 7, 11, -3])
        ways = [
            lambda: (f"({operand()} {self.rng.choice('+-')} {operand()})", False),
            lambda: (f"({small()} * {small()})", False),
            lambda: (f"({operand()} {self.rng.choice(['//', '%'])} {n})", False),
            lambda: (f"({small()} {self.rng.choice('&|^')} {small()})", False),
            lambda: (f"({small()} << {self.rng.randrange(4)})", False),
            lambda: (f"({operand()} >> {self.rng.randrange(4)})", False),
            lambda: (f"({self.rng.choice('-~')}{small()})", True),
            lambda: (f"abs({operand()})", False),
            lambda: (f"{self.rng.choice(['min', 'max'])}({small()}, {small()})", True),
            lambda: (f"int({self.expr(self.rng.choice([FLOAT, BOOL]), d)})", True),
            lambda: (f"({self.expr(BOOL, d)} + {small()})", False),
            lambda: (f"len({self.expr(self.rng.choice([STR, list_of(INT), list_of(STR)]), d)})", True),
            lambda: (f"divmod({operand()}, {n})[{self.rng.randrange(2)}]", False),
            lambda: (f"{self.expr(STR, d)}.{self.rng.choice(['find', 'count', 'rfind'])}({self.rng.choice(TEXTS[1:])})", True),
            lambda: (f"ord({self.rng.choice(TEXTS[1:2])})", True),
            lambda: (f"math.{self.rng.choice(['floor', 'ceil', 'trunc'])}({self.expr(FLOAT, d)})", True),
            self.int_of_a_tensor, self.int_of_a_list, self.int_of_an_enum, self.int_of_an_object,
        ]  # fmt: skip
        return self.rng.choice(ways)()

    def int_of_a_tensor(self):
        found = self.some(self.variables("tensor"))
        if not found:
            return None, True
        name, t = found
        ways = [f"{name}.numel()", f"{name}.dim()", f"{name}.size({self.rng.randrange(-1, len(t.args[0]))})"]
        ways += [f"{name}.shape[0]", f"len({name})"]
        if t == WHOLE:
            ways.append(f"int({name}[{self.rng.randrange(3)}])")
        self.used("size of a tensor")
        return self.rng.choice(ways), True

    def int_of_a_list(self):
        path = self.some(self.paths(list_of(INT)))
        if not path:
            return None, True
        how = self.rng.randrange(4)
        if how == 0:
            return f"sum({path})", False
        if how == 1:
            return f"({self.rng.choice(['max', 'min'])}({path}) if len({path}) > 0 else {self.literal(INT)})", True
        if how == 2:
            return f"{path}.count({self.expr(INT, 1)})", True
        x = self.fresh()
        self.scopes.append({x: INT})
        item = self.expr(INT, 1)
        self.scopes.pop()
        self.used("generator expression")
        return f"sum({item} for {x} in {path})" if self.chance(0.5) else f"sum([{item} for {x} in {path}])", False

    def int_of_an_object(self):
        found = self.some([n for n, t in self.variables("object") if "__len__" in self.program.classes[t.args[0]].signs])
        if not found or self.calm:
            return None, True
        self.used("operator of a class")
        self.cost += self.weight
        i = self.expr(INT, 1)
        return self.rng.choice([f"len({found})", f"{found}[{i}]", f"int({i} in {found})", f"(1 if {found} else 2)"]), False

    def int_of_an_enum(self):
        for name in self.program.enums:
            e = self.program.enums[name]
            if e.value == INT and self.chance(0.7):
                self.used("value of an enum")
                return f"({self.make_enum(self.program.type_of(e), 1, False)}).value", True
        return None, True

    # -- floats

    def float_raw(self, d):
        def operand():
            return self.raw(FLOAT, d)[0]

        def small():
            return self.expr(FLOAT, d)

        n = self.rng.choice(["2.0", "0.5", "-3.0", "7.0"])
        tensor = self.some([name for name, t in self.variables("tensor") if t.args[1] == "float32"])
        ways = [
            lambda: (f"({operand()} {self.rng.choice('+-')} {operand()})", False),
            lambda: (f"({small()} * {small()})", False),
            lambda: (f"({operand()} {self.rng.choice(['/', '//'])} {n})", False),
            lambda: (f"({self.expr(INT, d)} / {self.rng.choice([2, 3, -4])})", False),
            lambda: (f"({self.expr(INT, d)} {self.rng.choice('+-*')} {small()})", False),
            lambda: (f"(-{small()})", True),
            lambda: (f"abs({operand()})", False),
            lambda: (f"({small()} ** {self.rng.choice([2, 2.0, 3])})", False),
            # Of 0.0 and -0.0 the script takes the other one: the sum of both with 0.0 is the same.
            lambda: (f"({self.rng.choice(['min', 'max'])}({small()}, {small()}) + 0.0)", True),
            lambda: (f"float({self.expr(self.rng.choice([INT, BOOL]), d)})", True),
            lambda: (f"math.sqrt(abs({operand()}))", False),
            lambda: (f"math.{self.rng.choice(['sin', 'cos', 'tanh', 'atan'])}({small()})", True),
            lambda: (f"({operand()} + 1.0) / ({self.expr(FLOAT, d)} ** 2.0 + 1.0)", False),
        ]  # fmt: skip
        if tensor:
            self.used("number of a tensor")
            ways += [lambda: (f"float({tensor}.{self.rng.choice(['sum', 'max', 'min', 'mean'])}())", False)] * 3
        text, small_ = self.rng.choice(ways)()
        return f"({text})" if "/" in text else text, small_

    # -- texts

    def str_raw(self, d):
        def small():
            return self.expr(STR, d)

        i, j = sorted(self.rng.randrange(-3, 6) for _ in range(2))
        names = [name for t in (INT, FLOAT, STR, BOOL) for name in self.paths(t)]
        names += [name for name, t in self.visible().items() if self.program.printable(t) and not has_tensor(t)]
        fields = "".join(f"{{{self.rng.choice(names)}}}{self.rng.choice(['', '-', ' '])}" for _ in range(2)) if names else "x"
        ways = [
            lambda: (f"({small()} + {small()})", False),
            lambda: (f"({small()} * {self.rng.randrange(4)})", False),
            lambda: (f"{small()}.{self.rng.choice(['upper', 'lower', 'strip', 'swapcase', 'lstrip'])}()", False),
            lambda: (f"{self.rng.choice(['WORD', *TEXTS[1:5]])}.title()", True),
            lambda: (f"{small()}.replace({self.rng.choice(TEXTS[1:])}, {self.rng.choice(TEXTS)})", False),
            lambda: (f"{small()}[{i}:{j}]", False),
            lambda: (f"{small()}[{self.rng.choice(['::2', ':3', '1:', '::-1'])}]", False),
            lambda: (f"str({self.expr(self.rng.choice(SCALARS), d)})", True),
            lambda: (f'f"{fields}"', False),
            lambda: (f"str({self.rng.choice(names or ['LIMIT'])})", False),
            lambda: (f'"%s:%d" % ({small()}, {self.expr(INT, d)})', False),
            lambda: (f'"{{}}/{{}}".format({small()}, {self.expr(self.rng.choice(SCALARS), d)})', False),
            lambda: (f"{self.rng.choice(TEXTS)}.join({self.expr(list_of(STR), d)})", False),
            lambda: (f"{small()}.{self.rng.choice(['zfill', 'ljust', 'rjust', 'center'])}({self.rng.randrange(8)})", False),
            self.str_of_an_enum,
        ]  # fmt: skip
        return self.rng.choice(ways)()

    def str_of_an_enum(self):
        e = self.some(list(self.program.enums.values()))
        if not e:
            return None, True
        member = self.make_enum(self.program.type_of(e), 1, False)
        self.used("name of an enum")
        return (f"({member}).name" if e.value != STR or self.chance(0.5) else f"({member}).value"), True
