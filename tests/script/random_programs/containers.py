"""Random expressions whose values are made of others: lists, dicts, tuples, named tuples, objects, enums, Tensors."""

from .kinds import BOOL, FLOAT, GRID, INT, ROW, STR, WHOLE, written


class Containers:
    """The other half of Expressions: make_K is a stored expression of a type of kind K, or None."""

    def make_list(self, t, depth, declared):
        of, d = t.args[0], depth - 1
        if of.kind == "optional":
            text = f"[{', '.join(self.expr(of, d, declared=True) for _ in range(self.rng.randrange(1, 4)))}]"
            self.used("list of Optionals")
            return text if declared else f"torch.jit.annotate({written(t)}, {text})"
        if declared and self.chance(0.1):
            return "[]"
        if depth <= 0 or self.chance(0.3):
            return f"[{', '.join(self.expr(of, d) for _ in range(self.rng.randrange(1, 4)))}]"
        path = self.some(self.paths(t))
        ways = [lambda: self.comprehension(of, d)] * 3
        if path:
            ways += [
                lambda: f"({path} + {self.expr(t, d)})[:{self.rng.randrange(2, 8)}]",
                lambda: f"({path} * {self.rng.randrange(3)})[:5]",
                lambda: f"list({path})",
                lambda: f"{path}[{self.rng.choice(['1:', ':2', ':', '-2:', '::2', '1:-1'])}]",
                lambda: f"list(reversed({path}))",
                lambda: f"{path}.copy()",
            ]
            if of in (INT, FLOAT, STR):
                ways.append(lambda: f"sorted({path})" if self.chance(0.6) else f"sorted({path}, reverse={self.expr(BOOL, 0)})")
        if of == INT:
            ways.append(lambda: f"list(range({', '.join(self.rng.choice(['3', '2, 6', '7, 1, -2', '0, 9, 4']).split(', '))}))")
        if of == STR:
            ways.append(lambda: f'{self.expr(STR, d)}.split(",")')
            ways.append(lambda: f"list({self.expr(STR, d)})[:6]")
        for name, kind in self.variables("dict"):
            if kind.args[0] == of:
                ways.append(lambda n=name: self.rng.choice([f"list({n}.keys())", f"list({n})", f"sorted({n}.keys())"]
                                                           if of in (INT, STR) else [f"list({n}.keys())"]))  # fmt: skip
            if kind.args[1] == of:
                ways.append(lambda n=name: f"list({n}.values())")
        if of == ROW and (grid := self.some(self.paths(GRID))):
            ways.append(lambda: f"[{grid}[0], {grid}[1]]")
        return self.rng.choice(ways)()

    def comprehension(self, of, d):
        x, source = self.fresh(), self.some(self.variables("list"))
        if source and self.chance(0.5):
            over, t = f"{source[0]}[:4]", source[1].args[0]
        elif self.chance(0.3):
            over, t = self.expr(STR, min(d, 1)), STR
        else:
            over, t = f"range({self.rng.randrange(1, 5)})", INT
        self.scopes.append({x: t})
        self.weight *= 4
        condition = f" if {self.expr(BOOL, min(d, 2))}" if self.chance(0.4) else ""
        item = self.expr(of, min(d, 2))
        self.weight //= 4
        self.scopes.pop()
        self.used("list comprehension")
        return f"[{item} for {x} in {over}{condition}]" + ("[:6]" if over[0] != "r" else "")

    def make_dict(self, t, depth, declared):
        key, value = t.args
        d = depth - 1
        if declared and self.chance(0.15):
            return "{}"
        path = self.some(self.paths(t))
        if path and self.chance(0.3):
            return self.rng.choice([f"{path}.copy()", f"dict({path})"])
        if depth > 0 and key in (INT, STR) and self.chance(0.4):
            x = self.fresh()
            self.scopes.append({x: INT})
            item = self.expr(value, min(d, 2))
            self.scopes.pop()
            self.used("dict comprehension")
            return f"{{{x if key == INT else f'str({x})'}: {item} for {x} in range({self.rng.randrange(1, 4)})}}"
        items = [f"{self.expr(key, 0)}: {self.expr(value, d)}" for _ in range(self.rng.randrange(1, 4))]
        return f"{{{', '.join(items)}}}"

    def make_tuple(self, t, depth, declared):
        items = [self.expr(part, depth - 1, declared) for part in t.args]
        return f"({', '.join(items)}{',' * (len(items) == 1)})"

    def make_optional(self, t, depth, declared):
        of = t.args[0]
        ways = []
        if declared:
            ways += [lambda: "None", lambda: self.expr(of, depth - 1), lambda: self.expr(of, depth - 1)]
        found = self.some([(n, kind) for n, kind in self.variables("dict") if kind.args[1] == of])
        if found:
            self.used("dict.get")
            ways += [lambda: f"{found[0]}.get({self.expr(found[1].args[0], 0)})"] * 2
        return self.rng.choice(ways)() if ways else None

    def make_union(self, t, depth, declared):
        return self.expr(self.rng.choice(t.args), depth - 1) if declared else None

    def make_none(self, t, depth, declared):
        return "None"

    def make_enum(self, t, depth, declared):
        e = self.program.enums[t.args[0]]
        if path := (self.some(self.paths(t)) if self.chance(0.5) else None):
            return path
        self.used("member of an enum")
        return f"{e.name}.{self.rng.choice(e.members)}"

    def make_record(self, t, depth, declared):
        record = self.program.records[t.args[0]]
        self.used("named tuple made")
        args = []
        by_name = self.chance(0.3)
        for name, of in record.fields.items():
            if name in record.defaults and self.chance(0.4):
                break
            args.append((f"{name}=" if by_name else "") + self.expr(of, depth - 1, declared=True))
        return f"{record.name}({', '.join(args)})"

    def make_object(self, t, depth, declared):
        cls = self.program.classes[t.args[0]]
        sign = cls.signs.get("__add__")
        path = self.some([p for p in self.paths(t)])
        if path and sign and depth > 0 and self.can_call(sign) and self.chance(0.3):
            self.cost += self.weight * sign.cost
            self.used("operator of a class")
            return f"({path} + {self.expr(sign.params[0][1], 1)})"
        # What __init__ makes is made even where nothing may change: it is new.
        calm, self.calm = self.calm, False
        able = self.can_call(cls.init)
        self.calm = calm
        if not able and path:
            return path
        self.used("object made")
        return self.call(cls.name, cls.init, depth)

    # -- Tensors. Their elements stay within some 100, so that nothing becomes infinite.

    def make_tensor(self, t, depth, declared):
        shape, dtype = t.args
        d = depth - 1
        if t == WHOLE:
            return self.whole_tensor(d)
        path = self.some(self.paths(t))
        if depth <= 0 or self.chance(0.2):
            if path and self.chance(0.7):
                return path
            return self.tensor_literal(shape)

        def operand():
            return self.expr(t, d)

        ways = [
            lambda: f"({operand()} {self.rng.choice('+-')} {operand()}).clamp(-50.0, 50.0)",
            lambda: f"({operand()} * {self.rng.choice(['0.5', '-1.0', '-0.25'])})",
            lambda: f"({operand()} + {self.rng.choice(['1', '0.5', '-2.0'])}).clamp(-50, 50)",
            lambda: f"{self.rng.choice(['torch.relu', 'torch.tanh', 'torch.abs', 'torch.neg'])}({operand()})",
            lambda: f"torch.where({operand()} {self.rng.choice('<>')} {operand()}, {operand()}, {operand()})",
            lambda: f"torch.{self.rng.choice(['maximum', 'minimum'])}({operand()}, {operand()})",
            lambda: f"{operand()}.clone()",
            lambda: f"torch.full({shape}, {self.expr(FLOAT, d)}).clamp(-50.0, 50.0)",
        ]
        if t == ROW:
            grid = self.some(self.paths(GRID)) or self.expr(GRID, d)
            ways += [lambda: f"{grid}[{self.rng.choice(['0', '1', '-1'])}]"] * 2
            reduced = self.rng.choice(["sum(0)", "mean(dim=0)", "max(dim=0).values", "select(0, 1)"])
            ways += [lambda: f"{grid}.{reduced}.clamp(-50, 50)"]
        elif t == GRID:
            ways += [lambda: f"torch.stack([{self.expr(ROW, d)}, {self.expr(ROW, d)}])"]
            ways += [lambda: f"{operand()}.{self.rng.choice(['view(6)', 'flatten()', 'reshape(-1)'])}.reshape(2, 3)"]
            ways += [lambda: f"{self.expr(ROW, d)}.expand(2, 3).clone()"]
        else:
            grid = self.some(self.paths(GRID)) or self.expr(GRID, d)
            ways += [lambda: f"{operand()}.t()", lambda: f"{operand()}.transpose(0, 1)"]
            ways += [lambda: f"{grid}[:, {self.rng.choice(['1:', ':2', '::2'])}]"]
        return self.rng.choice(ways)()

    def tensor_literal(self, shape):
        def row():
            return "[" + ", ".join(self.rng.choice(["0.0", "1.0", "-2.5", "3.25", "0.5"]) for _ in range(shape[-1])) + "]"

        return f"torch.tensor({row()})" if len(shape) == 1 else f"torch.tensor([{', '.join(row() for _ in range(shape[0]))}])"

    def whole_tensor(self, d):
        if d <= 0:
            return self.some(self.paths(WHOLE)) or f"torch.tensor([{', '.join(self.literal(INT) for _ in range(3))}])"
        return self.rng.choice([
            lambda: f"(({self.expr(WHOLE, d)} {self.rng.choice('+-*')} {self.expr(WHOLE, d)}) % 101)",
            lambda: f"({self.expr(WHOLE, d)} {self.rng.choice(['%', '//'])} 3)",
            lambda: f"torch.tensor([{self.expr(INT, d)}, {self.expr(INT, d)}, {self.expr(INT, d)}])",
            lambda: f"({self.expr(ROW, d)} > {self.expr(FLOAT, d)}).to(torch.int64)",
            lambda: f"{self.expr(WHOLE, d)}.clone()",
            lambda: f"(torch.arange(3) + {self.expr(INT, d)})",
        ])()  # fmt: skip
