"""Random statements that change what others may see: containers, objects, Tensors; and tasks."""

from .kinds import FLOAT, GRID, INT, ROW, SCALARS, STR, copied, list_of


class Changes:
    """These statements of a Body."""

    # -- changes in place

    def owned(self, *kinds):
        """(path, type) of the containers that can be changed: variables, and attributes of variables."""
        found = []
        for name, t in self.visible().items():
            found += [(name, t)] if t.kind in kinds else []
            found += [(f"{name}.{f}", of) for f, of in self.program.fields(t).items() if of.kind in kinds]
        return self.some(found)

    def change_list(self):
        found = self.owned("list")
        if not found:
            return None
        path, t = found
        of = t.args[0]
        item = self.expr(of, 2)
        i = f"{self.expr(INT, 1)} % len({path})"
        guarded = [f"{path}[{i}] = {item}", f"{path}.pop()", f"{path}.pop({i})", f"del {path}[{i}]", f"{path}[-1] = {item}"]
        guarded += [f"{path}[{i}] += {self.literal(of)}"] * (of in (INT, FLOAT))
        ways = [f"{path}.append({item})"] * 4 + [f"{path}.insert({self.expr(INT, 1)}, {item})", f"{path}.reverse()"]
        ways += [f"{path}.extend({self.rng.choice([f'{path}[:1]', f'[{item}]'])})", f"{path}.clear()"]
        if self.program.assignable(path, self.visible()):
            ways.append(f"{path} += [{item}]")
        ways += [f"{path}.sort()"] * (of in SCALARS)
        if self.chance(0.5):
            self.line(f"if len({path}) > 0:")
            self.line(f"    {self.rng.choice(guarded)}")
        else:
            self.line(self.rng.choice(ways))
        self.used("list changed in place")
        return True

    def change_dict(self):
        found = self.owned("dict")
        if not found:
            return None
        path, t = found
        k, v = self.expr(t.args[0], 1), self.expr(t.args[1], 2)
        guarded = [f"del {path}[{k}]", f"{path}.pop({k})", f"{path}[{k}] = {path}[{k}]"]
        if t.args[1] in (INT, FLOAT):
            guarded.append(f"{path}[{k}] += {self.literal(t.args[1])}")
        if self.chance(0.4):
            self.line(f"if {k} in {path}:")
            self.line(f"    {self.rng.choice(guarded)}")
        else:
            ways = [f"{path}[{k}] = {v}"] * 4 + [f"{path}.update({{{k}: {v}}})", f"{path}.setdefault({k}, {v})"]
            self.line(self.rng.choice([*ways, f"{path}.clear()"]))
        self.used("dict changed in place")
        return True

    def change_attribute(self):
        found = [(f"{name}.{f}", of) for name, t in self.variables("object") for f, of in self.program.fields(t).items()]
        found = self.some(found)
        if not found:
            return None
        path, t = found
        self.used("attribute assigned")
        if t in (INT, FLOAT, STR) and self.chance(0.4):
            return self.augment(path, t)
        self.line(f"{path} = {self.expr(t, declared=True)}")
        return True

    def change_tensor(self):
        found = self.owned("tensor")
        if not found:
            return None
        path, t = found
        if self.chance(0.3) and t in (GRID, ROW):
            name = self.fresh()
            view = self.rng.choice([f"{path}[0]", f"{path}[-1]", f"{path}.select(0, 1)"]) if t == GRID else path
            self.line(f"{name} = {view}")
            self.scopes[-1][name] = ROW
            self.used("Tensor that shares memory")
            path, t = self.rng.choice([(path, t), (name, ROW)])
        shape, dtype = t.args
        last = self.rng.randrange(-shape[-1], shape[-1])
        at = f"[{last}]" if len(shape) == 1 else self.rng.choice([f"[1, {last}]", f"[:, {last}]", "[0, 1:]", "[0][1:]"])
        if dtype == "int64":
            ways = [f"{path}[{last}] = {self.expr(INT, 2)}", f"{path}.fill_({self.expr(INT, 1)})"]
            ways += [f"{path}.copy_({self.expr(t, 2)})"]
            ways += [f"{path}[{path} > {self.literal(INT)}] = {self.literal(INT)}"]
        else:
            f = self.expr(FLOAT, 2)
            ways = [f"{path}{at} = {f}", f"{path}{at} += 1.0", f"{path}{at} *= 0.5", f"{path}.fill_({f})", f"{path}.neg_()"]
            ways += [f"{path}.mul_(-0.5)", f"{path}.copy_({self.expr(t, 2)})"]
            ways += [f"{path}.copy_(({path} + {self.expr(t, 2)}).clamp(-50, 50))"]
            ways += [f"{path}[{path} > 1.0] = {f}", f"{path}.zero_()", f"{path}.sub_(0.5)", f"{path}{at}.add_(1)"]
        self.line(self.rng.choice(ways))
        self.used("Tensor changed in place")
        return True

    # -- tasks. What they are given is copied, so nothing is shared while they run.

    def fork(self):
        found = [f for f in self.program.functions if f.silent and self.can_call(f) and all(copied(t) for _, t, _ in f.params)]
        f = self.some(found)
        if not f or self.calm:
            return None
        later = self.fresh()
        name = self.fresh()
        call = self.call(f.name, f, 2, fresh=True)
        arguments = call[len(f.name) + 1 : -1]
        task = f"torch.jit.fork({f.name}{', ' if arguments else ''}{arguments})"
        if self.chance(0.3):
            self.line(f"{later} = [{task} for {self.fresh()} in range({self.rng.randrange(1, 4)})]")
            self.cost += self.weight * f.cost * 2
            waited = self.rng.choice(["torch.jit.wait(task)", "task.wait()"])
            self.line(f"{name} = [{waited} for task in {later}]")
            self.bind(name, list_of(f.result))
            self.used("list of tasks")
            return True
        self.line(f"{later} = {task}")
        if self.chance(0.5):
            for _ in range(self.rng.randrange(3)):
                self.rng.choice([self.define, self.assign, self.change_tensor, self.call_alone])()
        self.line(f"{name} = {self.rng.choice([f'torch.jit.wait({later})', f'{later}.wait()'])}")
        self.bind(name, f.result)
        self.used("task")
        return True
