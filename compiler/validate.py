"""Schema and a document -> what is wrong with it, or the document with defaults and computed fields filled in."""

from archc.data import Json, Schema
from archc.json_text import JsonError, read
from archc.judge import judge
from archc.violations import DocumentError, Violation


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
