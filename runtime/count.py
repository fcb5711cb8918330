"""A forest -> how many texts it derives, and whether that is how many values there are."""

from dataclasses import dataclass
from decimal import MAX_EMAX, Context, Decimal, localcontext

from archc.grammars.forest import Call, Edge, Forest, Lexeme, Part
from archc.regular.automaton import TooLarge, intersection, is_empty
from archc.regular.census import first
from archc.regular.language import EMPTY, NOTHING, Chars, Regular, automaton, chars, literal, series, shortest, without
from archc.runtime.semiring import COUNTING, inside

LONG = 40
BEYOND = "more than 10**1000000"
AHEAD = 4096
"""So much fixed text is looked at to tell two alternatives apart."""

ENDS = chars((",", ","), ("]", "]"), ("}", "}"))
"""What may follow a value in JSON."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many values a type has, None for no end of them, or where it `is_beyond` the numbers that are worked out.

    It is `exact` when the grammar leaves no bound to validation and no text can be derived in two ways; otherwise there
    are at most so many, for these `reasons`.
    """

    number: int | None
    exact: bool
    reasons: tuple[str, ...] = ()
    is_beyond: bool = False

    def text(self) -> str:
        """Return the count in words, and why it is not exact."""
        if self.number is None:
            return BEYOND if self.is_beyond else "without end"
        written = digits(self.number)
        if len(written) > LONG:
            digit, _, power = f"{Decimal(self.number):.2e}".partition("e+")
            written = f"about {digit} * 10**{power}"
        if self.exact:
            return written
        return "\n".join([f"at most {written}", *(f"  not counted: {reason}" for reason in self.reasons)])


def digits(number: int) -> str:
    """Return `number` in decimal, however long it is."""
    return format(Decimal(number), "f")


def leading(number: int, many: int) -> tuple[str, int]:
    """Return the first digits of a positive number of at least so many, and by which power of ten the first one counts.

    It takes no time for the rest of them, however many these are, unless they decide: as in 99...99 and 100...00.
    """
    rest = max(number.bit_length() - 256, 0)
    with localcontext(Context(prec=120, Emax=MAX_EMAX)):
        ends = [Decimal(end) * Decimal(2) ** rest for end in (number >> rest, (number >> rest) + 1)]
    low, high = (("".join(map(str, end.as_tuple().digits[:many])), end.adjusted()) for end in ends)
    written = "" if low == high else digits(number)
    return (written[:many], len(written) - 1) if written else low


def count(forest: Forest) -> Count:
    """Return how many values there are."""
    try:
        number = inside(forest, COUNTING)[forest.root]
    except TooLarge:
        return Count(None, exact=False, reasons=(BEYOND,), is_beyond=True)
    reasons = [f"{account.subject}: {account.bound}" for account in forest.accounts if not account.decoding]
    if not is_unambiguous(forest):
        reasons.append("values that are of two alternatives count twice")
    return Count(number, forest.exact and not reasons, tuple(reasons))


def is_unambiguous(forest: Forest) -> bool:
    """Whether the alternatives of every state begin differently, or are regular and have no word in common."""
    begins = _begins(forest)
    return all(_apart(forest, state.edges, begins) for state in forest.states if len(state.edges) > 1)


def _begins(forest: Forest) -> list[Chars]:
    """Return the characters with which each state can begin; every state derives a character at least."""
    found = [NOTHING] * len(forest.states)
    moved = True
    while moved:
        moved = False
        for number in range(len(found) - 1, -1, -1):
            new = chars(*(span for edge in forest.states[number].edges for span in _first(edge.parts, found).ranges))
            moved = moved or new != found[number]
            found[number] = new
    return found


def _first(parts: tuple[Part, ...], begins: list[Chars]) -> Chars:
    spans: list[tuple[int, int]] = []
    for part in parts:
        if isinstance(part, Call):
            return chars(*spans, *begins[part.state].ranges)
        language = part.language if isinstance(part, Lexeme) else literal(part.text)
        spans.extend(first(language).ranges)
        if shortest(language) != 0:
            return chars(*spans)
    return chars(*spans, *ENDS.ranges)


def _apart(forest: Forest, edges: tuple[Edge, ...], begins: list[Chars]) -> bool:
    heads = sorted((_head(forest, edge, begins) for edge in edges), key=lambda head: head[0])
    open_: list[tuple[str, Chars, Regular | None]] = []
    for text, after, whole in heads:
        open_ = [known for known in open_ if text.startswith(known[0])]
        for before, following, other in open_:
            here = chars((text[len(before)], text[len(before)])) if len(text) > len(before) else after
            if without(here, following) != here and not _differ(whole, other):
                return False
        open_.append((text, after, whole))
    return True


def _head(forest: Forest, edge: Edge, begins: list[Chars]) -> tuple[str, Chars, Regular | None]:
    """Return the fixed text that begins an edge, what may come next, and all of it where it is regular."""
    text, parts = "", list(edge.parts[::-1])
    while parts and len(text) < AHEAD:
        part = parts[-1]
        if isinstance(part, Lexeme) or (isinstance(part, Call) and len(forest.states[part.state].edges) > 1):
            break
        parts.pop()
        if isinstance(part, Call):
            parts.extend(forest.states[part.state].edges[0].parts[::-1])
        else:
            text += part.text
    whole = None
    if not any(isinstance(part, Call) for part in edge.parts):
        whole = series(
            *(p.language if isinstance(p, Lexeme) else literal(p.text) for p in edge.parts if not isinstance(p, Call))
        )
    return text, _first(tuple(parts[::-1]), begins), whole


def _differ(one: Regular | None, other: Regular | None) -> bool:
    """Whether two languages surely have no word in common."""
    if one is None or other is None or EMPTY in (one, other):
        return False
    try:
        return is_empty(intersection(automaton(one), automaton(other)))
    except TooLarge:
        return False
