"""The best trials -> what they decide more often than the space does, and which features helped or hurt."""

from collections.abc import Sequence
from dataclasses import dataclass

from archc.members import Space
from archc.search.protocol import History, Objective, Trial
from archc.spaces.forest import Derivation

BEST = 0.1
"""Which share of the trials are winners, and at least so many."""
FEWEST = 5
SHOWN = 12
FEATURES = 8


@dataclass(frozen=True, slots=True)
class Share:
    """An option of a site: how often winners decide it there, and how often all trials do; `times` is by winners."""

    site: str
    option: str
    winners: float
    everyone: float
    times: int


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of networks, by how many standard deviations it raises the score, and how many trials have it."""

    name: str
    effect: float
    trials: int


def shares(space: Space, best: Sequence[Trial], trials: Sequence[Trial]) -> list[Share]:
    """Return the decisions in which winners differ most from all trials."""
    winners = best[: max(FEWEST, round(len(best) * BEST))]
    own, whole = _counts(space, winners), _counts(space, [trial for trial in trials if trial.status != "lost"])
    found = []
    for (site, option), many in whole.items():
        if space.sites[site].is_continuous or len(space.sites[site].options) < 2:
            continue
        mine = own.get((site, option), 0)
        total = sum(count for (other, _), count in own.items() if other == site)
        everyone = many / sum(count for (other, _), count in whole.items() if other == site)
        if total:
            text = space.sites[site].options[option]
            found.append(Share(_place(space, site), text, mine / total, everyone, mine))
    found.sort(key=lambda entry: (-abs(entry.winners - entry.everyone), entry.site, entry.option))
    return found[:SHOWN]


def _counts(space: Space, trials: Sequence[Trial]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for trial in trials:
        for decision in _decisions(space, trial.derivation):
            found[decision] = found.get(decision, 0) + 1
    return found


def _decisions(space: Space, derivation: Derivation) -> list[tuple[int, int]]:
    forest = space.forest
    return [decision for edge in derivation.edges for decision in forest.decisions[forest.label[edge]]]


def _place(space: Space, site: int) -> str:
    """Return where a choice stands in the program, as a line."""
    from archc.grammar.source import position

    span = space.sites[site].span
    return f"line {position(span)[0]}" if span.source is not None else f"choice {site}"


def features(space: Space, objective: Objective, trials: Sequence[Trial]) -> list[Feature]:
    """Return the features that helped most and hurt most, by a Gaussian process on them; none of too few trials."""
    from archc.search.strategies.bayesian import influences

    history = History(space, objective)
    for trial in trials:
        history.put(trial)
    found = [Feature(one.feature, one.effect, one.trials) for one in influences(history, most=200)]
    half = FEATURES // 2
    return found if len(found) <= FEATURES else found[:half] + found[-half:]
