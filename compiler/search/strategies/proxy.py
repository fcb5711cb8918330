"""A warm start: many members are ranked by what costs next to nothing, and the first evaluations go to the best of them.

Abdelfattah, Mehrotra, Dudziak and Lane, "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021). What ranks is a cost that archc counts
(params, macs, flops, nodes), or a proxy of `proxy:NAME`. How well it agrees with the metric differs from space to space: the
report measures it. Another strategy goes on, which is told of the first trials.
"""

from collections.abc import Mapping
from random import Random

from archc.members import Member
from archc.search.jobs import candidate
from archc.search.named import make
from archc.search.protocol import Context, Json, Proposal, Strategy, Trial
from archc.search.tasks.base import AnyTask, Budget, evaluate, task
from archc.spaces.forest import Derivation

COSTS = ("params", "macs", "flops", "activation_bytes", "nodes")


class WarmStart:
    """Draws `pool` members, asks the `start` of them that rank highest, or lowest if `ascending`, then hands over to `then`.

    Proxies run in the driver's own process, when the first member is asked.
    """

    def __init__(
        self,
        context: Context,
        *,
        by: str = "params",
        pool: int = 200,
        start: int = 10,
        ascending: bool = False,
        then: str = "bayesian",
    ) -> None:
        if not 1 <= start <= pool or then.partition(":")[0] == "proxy":
            found = f"start={start}, pool={pool}, then={then}"
            raise ValueError(f"expected 1 <= start <= pool and another strategy to go on, found {found}")
        self._history, self._space = context.history, context.space
        self._by, self._size, self._start, self._sign = by, pool, start, -1.0 if ascending else 1.0
        self._task: AnyTask | None = None if by in COSTS else task(f"proxy:{by}")
        self._inner: Strategy = make(then, context, {})
        self._left: list[tuple[Derivation, float]] | None = None

    def ask(self, rng: Random) -> Proposal | None:
        """Return the member that ranks highest of those left, then what the other strategy asks. Raises Spent as that does."""
        if self._left is None:
            self._left = self._ranked(rng)
        while self._left:
            derivation, score = self._left.pop(0)
            member = Member(self._space, derivation)
            if not self._history.seen(member, 1.0):
                return Proposal(member, origin={"operator": "proxy", self._by: score})
        return self._inner.ask(rng)

    def tell(self, trial: Trial) -> None:
        """Let the other strategy learn of every trial."""
        self._inner.tell(trial)

    def state(self) -> Json:
        """Return what is left of the ranking, and the state of the other strategy."""
        left: Json = None
        if self._left is not None:
            left = [[list(entry.edges), list(entry.reals), score] for entry, score in self._left]
        return {"left": left, "then": self._inner.state()}

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case {"left": None, "then": inner}:
                self._left = None
            case {"left": [*entries], "then": inner}:
                self._left = [_entry(entry) for entry in entries]
            case _:
                raise ValueError(f"expected a ranking and the state of another strategy, found {state!r}")
        self._inner.restore(inner)

    def _ranked(self, rng: Random) -> list[tuple[Derivation, float]]:
        """Return the best of the pool; a member for which the proxy has no score is none of them."""
        drawn: dict[Member, float] = {}
        for member in self._space.sample(rng, self._size):
            seed = rng.getrandbits(48)
            score = None if member in drawn else self._score(member, seed)
            if score is not None:
                drawn[member] = score
        best = sorted(drawn, key=lambda member: (-self._sign * drawn[member], member.key))[: self._start]
        return [(member.derivation, drawn[member]) for member in best]

    def _score(self, member: Member, seed: int) -> float | None:
        if self._task is None:
            return float(member.cost(self._by))
        try:
            metrics: Mapping[str, float] = evaluate(self._task, candidate(member), Budget(seed=seed))
        except ValueError:
            return None
        return metrics[next(iter(self._task.metrics))]


def _entry(entry: Json) -> tuple[Derivation, float]:
    match entry:
        case [[*edges], [*reals], float() | int() as score]:
            numbers = tuple(edge for edge in edges if isinstance(edge, int))
            return Derivation(numbers, tuple(float(real) for real in reals if isinstance(real, float))), float(score)
        case _:
            raise ValueError(f"expected a derivation and its score, found {entry!r}")
