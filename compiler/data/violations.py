"""What is wrong with a document, as data, and in words; strings, numbers and other values without parts are judged here."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from archc.data.json_text import Scientific
from archc.data.kinds import Constant, Fixed, Json, Real, Text, Truth, Whole
from archc.data.predicates import key
from archc.data.text import data_text
from archc.regular.formats import EXAMPLES, has_format
from archc.regular.language import matches, regular

Step = str | int
"""One step of a path into a document: the name of a field, or the number of an item."""

SHOWN = 40


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a type does not admit: where in the document, a code, and what was expected and found."""

    path: tuple[Step, ...]
    code: str
    message: str

    @property
    def place(self) -> str:
        """The path as text, `lines[2].quantity`; empty for the document itself."""
        return path_text(self.path)

    def __str__(self) -> str:
        place = f"{self.place}: " if self.path else ""
        return f"{self.code}  {place}{self.message}"


class DocumentError(ValueError):
    """A document is not of its type. `violations` tell all that is known of it, in the order of the type."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("\n".join(map(str, self.violations)))


def path_text(path: Iterable[Step]) -> str:
    """Return a path as .arch would write it, with other keys in quotes."""
    found = ""
    for step in path:
        if isinstance(step, int):
            found += f"[{step}]"
        elif step.isidentifier() and step.isascii():
            found += f".{step}" if found else step
        else:
            found += f"[{quoted(step)}]"
    return found


def under(step: Step, violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return `violations` of a part as those of the whole."""
    return tuple(replace(violation, path=(step, *violation.path)) for violation in violations)


def quoted(text: str) -> str:
    """Return a string as JSON, its middle left out where it is long."""
    return json.dumps(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...", ensure_ascii=False)


def shown(value: Json) -> str:
    """Return a value as a sentence names it: itself where it is short, else what it is."""
    match value:
        case str():
            return quoted(value)
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case dict():
            return "a record" if value else "an empty record"
        case None | bool():
            return json.dumps(value)
        case _:
            text = str(value)
            return text if len(text) <= SHOWN else f"a number of {len(text)} characters"


def unlike(expected: str, value: Json) -> tuple[Violation, ...]:
    """Return the complaint that a value is of another kind."""
    return (Violation((), "A0522", f"expected {expected}, found {shown(value)}"),)


def count(low: int, high: int | None, one: str, many: str) -> str:
    """Return how many things are expected: `1 to 50 items`."""
    if high is None:
        return f"at least {low} {one if low == 1 else many}"
    span = str(low) if low == high else f"{low} to {high}" if low else f"at most {high}"
    return f"{span} {one if high == 1 else many}"


def scalar(data: Text | Whole | Real | Fixed | Truth | Constant, value: Json) -> tuple[Violation, ...]:
    """Return what is wrong with a value that has no parts."""
    match data:
        case Text():
            return _text(data, value) if isinstance(value, str) else unlike(data_text(data), value)
        case Truth():
            return () if isinstance(value, bool) else unlike("true or false", value)
        case Constant(expected):
            fits = key(expected) == key(value) and not (isinstance(expected, int) and isinstance(value, Decimal))
            return () if fits else (Violation((), "A0527", f"expected {shown(expected)}, found {shown(value)}"),)
        case _:
            return _number(data, value)


def _number(data: Whole | Real | Fixed, value: Json) -> tuple[Violation, ...]:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return unlike(data_text(data), value)
    if isinstance(data, Whole) and not isinstance(value, int):
        what = "a whole number, without a fraction or an exponent"
        return (Violation((), "A0526", f"expected {what}, found {shown(value)}"),)
    if isinstance(data, Fixed):
        places = -int(value.as_tuple().exponent) if isinstance(value, Decimal) else 0
        if places != data.places or isinstance(value, Scientific):
            example = shown(Decimal(1).scaleb(-data.places) if data.places else 1)
            digits = "1 digit" if data.places == 1 else f"{data.places} digits"
            what = f"{digits} after the point and no exponent, such as {example}"
            return (Violation((), "A0526", f"expected {what}, found {shown(value)}"),)
    if (data.low is not None and value < data.low) or (data.high is not None and value > data.high):
        return (Violation((), "A0525", f"expected {data_text(data)}, found {shown(value)}"),)
    if isinstance(data, Whole) and data.step not in (None, 1) and (value - (data.low or 0)) % (data.step or 1):
        return (Violation((), "A0525", f"expected {data_text(data)}, found {shown(value)}"),)
    return ()


def _text(data: Text, value: str) -> tuple[Violation, ...]:
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        return (Violation((), "A0521", "a string holds half of a surrogate pair"),)
    if len(value) < data.low or (data.high is not None and len(value) > data.high):
        what = count(data.low, data.high, "character", "characters")
        return (Violation((), "A0525", f"expected {what}, found {len(value)}: {shown(value)}"),)
    if data.pattern is not None and not matches(regular(data.pattern), value):
        return (Violation((), "A0526", f'expected a match of re"{data.pattern}", found {shown(value)}'),)
    if data.format is not None and not has_format(value, data.format):
        what = f"{data_text(data)}, such as {EXAMPLES[data.format]}"
        return (Violation((), "A0526", f"expected {what}, found {shown(value)}"),)
    return ()
