"""Reinforcement learning: actors play, and ask the learner behind an RRef for every move.

    PYTHONPATH=build/python python3 examples/pytorch/actor_learner.py [--backend tensorpipe]

Each actor balances a pole on a cart, an environment of its own. The learner keeps the policy and draws the actions,
for each actor from a generator of its own; after a few episodes of each it takes one step of REINFORCE. A move is one
small call: what a step costs is the latency of RPC. Same seed, same returns.
"""
import math
from argparse import Namespace
from typing import Any

import torch
import torch.distributed.rpc as rpc
from torch import Tensor, nn

import world

ACTORS = ["actor0", "actor1"]
EPISODES, LONGEST = 4, 200


class Pole:
    """A pole of length 1 on a cart that is pushed left or right; it has fallen at 12 degrees or 2.4 from the middle."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def reset(self) -> Tensor:
        self.state = ((torch.rand(4, generator=self.generator) - 0.5) / 10).tolist()
        return torch.tensor(self.state)

    def push(self, action: bool) -> tuple[Tensor, bool]:
        x, speed, angle, turning = self.state
        force, sin, cos = (10.0 if action else -10.0), math.sin(angle), math.cos(angle)
        pushed = (force + 0.05 * turning**2 * sin) / 1.1
        turn = (9.8 * sin - cos * pushed) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        x, speed = x + 0.02 * speed, speed + 0.02 * (pushed - 0.05 * turn * cos / 1.1)
        angle, turning = angle + 0.02 * turning, turning + 0.02 * turn
        self.state = [x, speed, angle, turning]
        return torch.tensor(self.state), abs(x) > 2.4 or abs(angle) > math.radians(12)


class Actor:
    def __init__(self, number: int, seed: int) -> None:
        self.number, self.pole = number, Pole(seed)

    def play(self, learner: Any) -> list[int]:
        """The number of moves in each of a few episodes."""
        lengths: list[int] = []
        for _ in range(EPISODES):
            state, fallen, moves = self.pole.reset(), False, 0
            while not fallen and moves < LONGEST:
                state, fallen = self.pole.push(learner.rpc_sync().action(self.number, state))
                moves += 1
            lengths.append(moves)
        return lengths


class Learner:
    def __init__(self, args: Namespace) -> None:
        self.policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=0.02)
        self.generators = [torch.Generator().manual_seed(args.seed + i) for i in range(len(ACTORS))]
        self.chosen: list[list[Tensor]] = [[] for _ in ACTORS]
        self.me = rpc.RRef(self)
        self.actors = [rpc.remote(name, Actor, (i, args.seed + 100 + i)) for i, name in enumerate(ACTORS)]

    def action(self, actor: int, state: Tensor) -> int:
        """Called by the actors, in several threads at once: each has its own list and generator."""
        logs = torch.log_softmax(self.policy(state), dim=0)
        action = torch.multinomial(logs.detach().exp(), 1, generator=self.generators[actor]).item()
        self.chosen[actor].append(logs[action])
        return action

    def step(self, _: int) -> float:
        playing = [actor.rpc_async(timeout=0).play(self.me) for actor in self.actors]
        lengths: list[int] = sum(torch.futures.wait_all(playing), [])
        # A move is worth a point for each one after it.
        worth = torch.cat([torch.arange(n, 0, -1.0) for n in lengths])
        logs = torch.stack(sum(self.chosen, []))
        self.optimizer.zero_grad()
        (-logs * (worth - worth.mean()) / worth.std()).mean().backward()
        self.optimizer.step()
        self.chosen = [[] for _ in ACTORS]
        return sum(lengths) / len(lengths)


def run(name: str, args: Namespace) -> None:
    if name == "learner":
        world.loop(Learner(args).step, args, what="return")


if __name__ == "__main__":
    world.start(run, ["learner", *ACTORS], world.parser(__doc__, steps=30).parse_args())
