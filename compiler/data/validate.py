"""Schema and a document -> what is wrong with it, or the document with defaults and computed fields filled in."""

from collections.abc import Mapping
from decimal import Decimal

from archc.data.json_text import DIGITS, NESTING, JsonError, read
from archc.data.judge import judge
from archc.data.kinds import Json, Schema
from archc.data.violations import DocumentError, Violation


def validate(schema: Schema, value: Json) -> tuple[Violation, ...]:
    """Return what is wrong with the document `value`, in the order of its type; nothing where it is of the type."""
    return judge(schema, value).violations


def filled(schema: Schema, value: Json) -> Json:
    """Return the document `value` with its defaults and computed fields filled in. Raises DocumentError."""
    judged = judge(schema, value)
    if judged.violations:
        raise DocumentError(judged.violations)
    return judged.value


def parse(schema: Schema, text: str) -> Json:
    """Return the document in `text` with its defaults and computed fields filled in.

    Raises DocumentError with all that is wrong with it.
    """
    try:
        value = read(text)
    except JsonError as error:
        raise DocumentError([Violation((), "A0521", error.message)]) from None
    return filled(schema, value)


def plain(value: object) -> Json:
    """Return what Python holds as a document: tuples as lists, a float as the decimal that it prints as.

    Raises TypeError for what is no JSON, ValueError for what holds itself.
    """
    return _plain(value, 0)


def _plain(value: object, depth: int) -> Json:
    if depth > 2 * NESTING:
        raise ValueError(f"this nests deeper than {2 * NESTING}")
    match value:
        case None | bool() | int() | str():
            return value
        case float() | Decimal():
            number = value if isinstance(value, Decimal) else Decimal(repr(value))
            if not number.is_finite() or abs(number.adjusted()) > DIGITS:
                raise TypeError(f"{value} is no number of a document")
            return number
        case list() | tuple():
            return [_plain(item, depth + 1) for item in value]
        case Mapping():
            return {_key(name): _plain(item, depth + 1) for name, item in value.items()}
        case _:
            raise TypeError(f"{type(value).__name__} is no part of JSON")


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the keys of a record are strings, and {name!r} is none")
    return name
