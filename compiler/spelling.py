"""A name that means nothing -> the names that were probably meant."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

LONGEST = 48
MOST = 3


@dataclass(slots=True)
class Spelling:
    """Finds names like a wrong one. After `budget` comparisons it finds none, so that a hostile file stays cheap."""

    budget: int = 100_000
    answers: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def nearest(self, name: str, known: Iterable[str]) -> tuple[str, ...]:
        """Return the names of `known` that look like `name`, the likeliest first; letters of another case are alike."""
        if len(name) > LONGEST or self.budget <= 0:
            return ()
        entries = sorted({entry for entry in known if len(entry) <= LONGEST and entry != name})
        key = name, hash(tuple(entries))
        if key not in self.answers:
            self.budget -= len(entries)
            self.answers[key] = _alike(name, entries)
        return self.answers[key]


def _alike(name: str, known: list[str]) -> tuple[str, ...]:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name.lower())
    scored: list[tuple[float, str]] = []
    for entry in known:
        matcher.set_seq1(entry.lower())
        if matcher.real_quick_ratio() >= 0.6 and matcher.quick_ratio() >= 0.6 and (ratio := matcher.ratio()) >= 0.6:
            scored.append((ratio, entry))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(entry for ratio, entry in scored[:MOST] if ratio >= 0.8 * scored[0][0])
