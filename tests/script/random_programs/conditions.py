"""Random bools."""

from .kinds import BOOL, FLOAT, INT, STR, TEXTS, asked, list_of


class Conditions:
    """The bools of Expressions."""

    def make_bool(self, t, depth, declared):
        if depth <= 0:
            n = self.some(self.paths(INT))
            path = self.some(self.paths(BOOL)) if self.chance(0.5) else None
            return path or (f"({n} {self.rng.choice(['<', '>', '=='])} {self.literal(INT)})" if n else self.literal(BOOL))
        d = depth - 1

        def compared():
            t = self.rng.choice([INT, INT, FLOAT, STR])
            return f"({self.expr(t, d)} {self.rng.choice(['<', '<=', '>', '>=', '==', '!='])} {self.expr(t, d)})"

        def tuples():
            self.used("tuples compared")
            a, b = (f"({self.expr(INT, d)}, {self.expr(STR, 0)})" for _ in range(2))
            return f"({a} {self.rng.choice(['<', '<=', '>', '>=', '==', '!='])} {b})"

        def chained():
            return f"({self.expr(INT, d)} {self.rng.choice(['<', '<='])} {self.expr(INT, d)} < {self.expr(INT, d)})"

        def joined():
            return f"({self.expr(BOOL, d)} {self.rng.choice(['and', 'or'])} {self.expr(BOOL, d)})"

        def equal():
            found = self.variables("list", "dict", "tuple", "enum", "record", "object")
            t = self.some([t for _, t in found if self.comparable(t)])
            return t and f"({self.expr(t, d)} {self.rng.choice(['==', '!='])} {self.expr(t, d)})"

        def contained():
            t = self.rng.choice([INT, STR])
            ways = [f"{self.expr(t, d)} in {self.expr(list_of(t), d)}", f"{self.rng.choice(TEXTS)} in {self.expr(STR, d)}"]
            ways.append(f"{self.expr(t, d)} in ({self.expr(t, 0)}, {self.expr(t, 0)})")
            found = self.some(self.variables("dict"))
            if found:
                ways.append(f"{self.expr(found[1].args[0], 0)} {self.rng.choice(['in', 'not in'])} {found[0]}")
            return f"({self.rng.choice(ways)})"

        def none():
            found = self.some(self.variables("optional"))
            return found and f"({found[0]} {self.rng.choice(['is', 'is not'])} None)"

        def refined():
            found = self.some(self.variables("optional", "union"))
            if not found:
                return None
            name, t = found
            narrowed = self.rng.choice(t.args)
            c = f"{name} is not None" if t.kind == "optional" else f"isinstance({name}, {asked(narrowed)})"
            self.scopes.append({name: narrowed})
            rest = self.expr(BOOL, d)
            self.scopes.pop()
            self.used(f"{t.kind} refined by 'and'")
            return f"({c} and {rest})"

        def all_of():
            path, x = self.some(self.paths(list_of(INT))), self.fresh()
            if not path:
                return None
            self.scopes.append({x: INT})
            c = self.expr(BOOL, min(d, 1))
            self.scopes.pop()
            return f"{self.rng.choice(['any', 'all'])}([{c} for {x} in {path}])"

        def of_text():
            return f"{self.expr(STR, d)}.{self.rng.choice(['startswith', 'endswith'])}({self.rng.choice(TEXTS)})"

        def is_member():
            e = self.some([t for _, t in self.variables("enum")])
            return e and f"({self.expr(e, 0)} {self.rng.choice(['is', 'is not', '==', '!='])} {self.expr(e, 0)})"

        def of_tensors():
            t = self.some([t for _, t in self.variables("tensor")])
            return t and f"torch.equal({self.expr(t, d)}, {self.expr(t, d)})"

        def of_class():
            found = [(name, self.program.classes[t.args[0]]) for name, t in self.variables("object")]
            found = self.some([(n, c) for n, c in found if "__lt__" in c.signs and self.can_call(c.signs["__lt__"])])
            if not found:
                return None
            self.used("operator of a class")
            self.cost += self.weight * found[1].signs["__lt__"].cost
            return f"({found[0]} < {self.expr(self.program.type_of(found[1]), d)})"

        ways = [compared, compared, tuples]
        ways += [chained, joined, joined, equal, contained, none, none, refined, refined, all_of, of_text]
        ways += [is_member, of_tensors, of_class, lambda: f"(not {self.expr(BOOL, d)})", lambda: f"bool({self.expr(INT, d)})"]
        return self.rng.choice(ways)()

    def comparable(self, t):
        """Whether == of it is one bool: it holds no Tensors, and objects only of classes that have ==."""
        if t.kind == "object":
            return self.program.classes[t.args[0]].equal and not self.calm
        if t.kind == "record":
            return all(map(self.comparable, self.program.record_fields(t).values()))
        return t.kind == "enum" or (t.kind not in ("tensor", "union", "optional") and all(map(self.comparable, t.args)))
