"""JSON text -> Json, with its mistakes by place, in bounded time and memory."""

import json
import re
from decimal import Decimal

from archc.data.kinds import Json

NESTING = 64
DIGITS = 400
LENGTH = 16 << 20

_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)

_PAIRS = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATES = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff]")


class JsonError(ValueError):
    """Text that is not JSON, or more of it than is read. `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class Scientific(Decimal):
    """A number that was written with an exponent."""

    __slots__ = ()


def read(text: str) -> Json:
    """Return the document in `text`; numbers with a fraction or an exponent become Decimal.

    Raises JsonError on anything but one JSON value (RFC 8259), on a key given twice, on nesting deeper than 64 and on
    numbers of more than 400 characters.
    """
    if len(text) > LENGTH:
        raise JsonError(f"the document has {len(text):,} characters; {LENGTH:,} are read", 0)
    _scan(text)
    try:
        found: Json = json.loads(
            text, parse_float=_decimal, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        raise JsonError(_sentence(error.msg), error.pos) from None
    except _Refused as error:
        raise JsonError(error.args[0], max(0, text.find(error.args[1]))) from None
    return found


class _Refused(Exception):
    """A part of the document that is JSON and still not read: a sentence, and the text that it speaks of."""


def _scan(text: str) -> None:
    """Raise JsonError on half a character and where brackets nest too deep, before any recursive reader sees the text."""
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        match found.group()[0]:
            case "[" | "{":
                depth += 1
                if depth > NESTING:
                    raise JsonError(f"the document nests deeper than {NESTING}", found.start())
            case "]" | "}":
                depth -= 1
            case _:
                _check_characters(found.group(), found.start())


def _check_characters(string: str, position: int) -> None:
    """Raise JsonError on a surrogate without its other half, which no text may hold."""
    bare = _PAIRS.sub("", string.replace("\\\\", ""))
    if _SURROGATES.search(bare):
        raise JsonError("a string holds half of a surrogate pair", position)


def _sentence(message: str) -> str:
    """Return what the reader of the standard library says, in the words of our messages."""
    words = {
        "Expecting value": "expected a value",
        "Expecting property name enclosed in double quotes": 'expected a key in double quotes, or "}"',
        "Illegal trailing comma before end of object": "expected a key after the comma",
        "Illegal trailing comma before end of array": "expected a value after the comma",
        "Expecting ':' delimiter": "expected `:` after the key",
        "Expecting ',' delimiter": "expected `,` or the closing bracket",
        "Unterminated string starting at": "this string is never closed",
        "Extra data": "expected the end of the document",
        "Invalid control character at": "a string holds no line break or other control character; they are written \\n, \\u001f",
        "Invalid \\escape": 'a backslash stands before one of " \\ / b f n r t u',
        "Invalid \\uXXXX escape": "\\u takes four hexadecimal digits",
        "Unexpected UTF-8 BOM (decode using utf-8-sig)": "expected a value, found a byte order mark",
    }
    return words.get(message.removesuffix(": "), "expected JSON")


def _decimal(text: str) -> Decimal:
    if len(text) > DIGITS:
        raise _Refused(f"a number has {len(text)} characters; {DIGITS} are read", text)
    value = Scientific(text) if "e" in text or "E" in text else Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > DIGITS:
        raise _Refused(f"{text[:40]} is beyond the numbers that are read", text)
    return value


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise _Refused(f"a number has {len(text)} digits; {DIGITS} are read", text)
    return int(text)


def _constant(text: str) -> Json:
    raise _Refused(f"{text} is no JSON", text)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(f"the key {json.dumps(key)} is given twice", json.dumps(key))
        found[key] = value
    return found
