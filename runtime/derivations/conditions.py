"""Text such as `params <= 5M and count(zero) == 0` -> bounds on costs."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from math import ceil, floor

from archc.ops import uncounted

COSTS = ("params", "macs", "flops", "activation_bytes", "nodes", "count(op)")
SCALES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
SECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
"""What a time may end in, and how many nanoseconds that is."""
FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "=="}
EXAMPLE = "params <= 5M"
LONGEST = 40

TOKEN = re.compile(
    r"""\s* (?: (count\(\s*\w+\s*\)) | (<=|>=|==|<|>) | ([0-9][0-9_]*(?:\.[0-9]+)?(?:[kKMBGT]|[num]?s)?)(?![\w.])
    | ([^\W\d]\w*) | ([\w.]+|\S) )""",
    re.VERBOSE,
)


class ConditionError(ValueError):
    """A condition that is none: what stands there, and what to write."""

    def __init__(self, message: str, hint: str = EXAMPLE) -> None:
        super().__init__(f"{message}; such as {hint!r}")
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Bounds:
    """A cost, and from where to where it may be; None is no bound. Times are in nanoseconds."""

    cost: str
    low: int | None = None
    high: int | None = None
    unit: str = ""

    def allows(self, value: int) -> bool:
        """Return whether a cost is within."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low == self.high and self.low is not None:
            return f"{self.cost} == {self.low:,}{self.unit}"
        if self.low is None or self.high is None:
            low = f" >= {self.low:,}{self.unit}" if self.low is not None else ""
            return self.cost + low + (f" <= {self.high:,}{self.unit}" if self.high is not None else "")
        return f"{self.low:,}{self.unit} <= {self.cost} <= {self.high:,}{self.unit}"


def bounds(text: str, *, times: Collection[str] = ()) -> tuple[Bounds, ...]:
    """Return the bounds that a condition puts on each cost, in the order in which it mentions them.

    A condition is comparisons joined by `and`, each of a cost and a number, or of a cost between two. Numbers may have
    a fraction and end in k, M, B (or G) or T. `times` are costs besides that are measured: their numbers end in ns, us, ms
    or s. Raises ConditionError on any other text, TypeError on what is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"expected a condition such as {EXAMPLE!r}, found {text!r}")
    found: dict[str, Bounds] = {}
    for words in _clauses(list(_words(text, times))):
        for cost, operator, number in _comparisons(words):
            if operator == "==" and _number(number, is_time=cost in times).denominator != 1:
                raise ConditionError(f"`{cost}` is a whole number, found `{number}`")
            known = found.get(cost, Bounds(cost, unit=" ns" if cost in times else ""))
            low, high = _ends(operator, _number(number, is_time=cost in times))
            found[cost] = replace(known, low=_tighter(max, known.low, low), high=_tighter(min, known.high, high))
    for bound in found.values():
        if bound.low is not None and bound.high is not None and bound.low > bound.high:
            text = f"{bound.low:,}{bound.unit} at least and {bound.high:,}{bound.unit} at most"
            raise ConditionError(f"`{bound.cost}` is asked to be {text}", f"{bound.cost} >= {bound.low}")
    return tuple(found.values())


Word = tuple[str, str]
"""What kind of word it is (cost, sign, number or other), and the word."""


def _words(text: str, times: Collection[str]) -> Iterator[Word]:
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        assert match is not None, text[at:]
        at = match.end()
        count, sign, number, name, other = match.groups()
        if other is not None:
            raise ConditionError(f"a condition compares costs with numbers, and here stands `{other}`")
        if name is not None:
            yield ("and", name) if name == "and" else ("cost", _cost(name, times))
        elif count is not None:
            yield "cost", f"count({_op(count[6:-1].strip())})"
        else:
            yield ("sign", sign) if sign is not None else ("number", number)


def _cost(name: str, times: Collection[str]) -> str:
    known = (*COSTS, *times)
    if name in known:
        return name
    if name in ("or", "not"):
        raise ConditionError("comparisons hold together, joined by `and`", "params <= 5M and nodes > 9")
    if name in SCALES:
        raise ConditionError(f"`{name}` stands right behind its number", f"params <= 5{name}")
    if name == "depth":
        raise ConditionError("depth is no cost: it is bounded where a space is declared, by `where depth <= 8`")
    near = get_close_matches(name, known, 1)
    hint = f"{near[0]} <= {'2ms' if near[0] in times else '5M'}" if near else EXAMPLE
    raise ConditionError(f"`{name}` is no cost; there are {', '.join(known)}", hint)


def _op(name: str) -> str:
    text, near = uncounted(name)
    if text:
        raise ConditionError(text, f"count({near or 'conv'}) <= 5")
    return name


def _clauses(words: list[Word]) -> Iterator[list[Word]]:
    clause: list[Word] = []
    for word in words:
        if word[0] == "and":
            yield clause
            clause = []
        else:
            clause.append(word)
    yield clause


def _comparisons(words: list[Word]) -> Iterator[tuple[str, str, str]]:
    """Yield cost, operator and number of `cost <= number`, `number <= cost` or `number <= cost <= number`."""
    match [kind for kind, _ in words], [text for _, text in words]:
        case ["cost", "sign", "number"], [cost, sign, number]:
            yield cost, sign, number
        case ["number", "sign", "cost"], [number, sign, cost]:
            yield cost, FLIPPED[sign], number
        case ["number", "sign", "cost", "sign", "number"], [low, sign, cost, other, high]:
            yield cost, FLIPPED[sign], low
            yield cost, other, high
        case _, texts:
            found = f"found `{' '.join(texts)}`" if texts else "found nothing"
            raise ConditionError(f"expected a comparison of a cost with a number, {found}")


def _number(text: str, *, is_time: bool) -> Fraction:
    if len(text) > LONGEST:
        raise ConditionError(f"a number has at most {LONGEST} characters")
    digits = text.rstrip("".join((*SCALES, *SECONDS)))
    scale = (SECONDS if is_time else SCALES).get(text[len(digits) :])
    if scale is None and is_time:
        raise ConditionError(f"a time ends in ns, us, ms or s, found `{text}`", "latency <= 2ms")
    if scale is None:
        raise ConditionError(f"only a latency is a time, found `{text}`")
    return Fraction(digits.replace("_", "")) * scale


def _ends(operator: str, number: Fraction) -> tuple[int | None, int | None]:
    """Return the least and the greatest whole number that a comparison allows."""
    match operator:
        case "<=":
            return None, floor(number)
        case "<":
            return None, ceil(number) - 1
        case ">=":
            return ceil(number), None
        case ">":
            return floor(number) + 1, None
        case _:
            return ceil(number), floor(number)


def _tighter(pick: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else pick(one, other)
