"""A name that means nothing -> the names that were probably meant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

LONGEST = 48
MOST = 3
LIKE = 0.64
"""How much of two names is the same at least, of 1."""


@dataclass(slots=True)
class Spelling:
    """Finds names like a wrong one. After `budget` comparisons it finds none, so that a hostile file stays cheap."""

    budget: int = 50_000

    def nearest(self, name: str, known: Iterable[str] | Callable[[], Iterable[str]]) -> tuple[str, ...]:
        """Return the names of `known` that look like `name`, the likeliest first; letters of another case are alike."""
        if not 1 < len(name) <= LONGEST or self.budget <= 0:
            return ()
        entries = {
            entry for entry in (known() if callable(known) else known) if len(entry) <= LONGEST and entry != name
        }
        self.budget -= len(entries) + 100
        return _alike(name, sorted(entries))


def _alike(name: str, known: list[str]) -> tuple[str, ...]:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name.lower())
    scored: list[tuple[float, str]] = []
    for entry in known:
        matcher.set_seq1(entry.lower())
        if matcher.real_quick_ratio() >= LIKE and matcher.quick_ratio() >= LIKE and (ratio := matcher.ratio()) >= LIKE:
            scored.append((ratio, entry))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(entry for ratio, entry in scored[:MOST] if ratio >= 0.8 * scored[0][0])
