"""The helpers that a generated pydantic module may hold, each with what it needs; archc itself never runs them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Helper:
    """Source of one helper; `needs` are the imported names and the other helpers in it."""

    source: str
    needs: tuple[str, ...] = ()


IMPORTS = {
    "json": "",
    "date": "datetime",
    "Context": "decimal",
    "Decimal": "decimal",
    "localcontext": "decimal",
    "Fraction": "fractions",
    "Annotated": "typing",
    "Any": "typing",
    "Literal": "typing",
    "Self": "typing",
    "TypeAliasType": "typing_extensions",
    "AfterValidator": "pydantic",
    "BaseModel": "pydantic",
    "BeforeValidator": "pydantic",
    "ConfigDict": "pydantic",
    "Field": "pydantic",
    "PlainSerializer": "pydantic",
    "SerializerFunctionWrapHandler": "pydantic",
    "StrictBool": "pydantic",
    "StrictFloat": "pydantic",
    "StrictInt": "pydantic",
    "TypeAdapter": "pydantic",
    "model_serializer": "pydantic",
    "model_validator": "pydantic",
}
"""Where what generated modules import comes from; modules themselves have no home."""

HELPERS = {
    "EXACT": Helper(
        '''EXACT = Context(prec=100_000)
"""Sums and products of decimals are exact, however many digits they have."""
''',
        ("Context",),
    ),
    "decimals": Helper(
        '''def decimals(places: int) -> BeforeValidator:
    """Return what reads a number with `places` digits after the point; text is no number."""

    def read(value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError("expected a number")
        number = Decimal(str(value))
        if not number.is_finite() or abs(number.adjusted()) > 400:
            raise ValueError("expected a number of at most 400 digits")
        scaled = number.quantize(Decimal(1).scaleb(-places), context=EXACT)
        if scaled != number:
            raise ValueError(f"expected at most {places} digits after the point")
        return scaled

    return BeforeValidator(read)
''',
        ("BeforeValidator", "Decimal", "EXACT"),
    ),
    "calendar_day": Helper(
        '''def calendar_day(value: object) -> object:
    """Return the date that a text such as "2026-01-31" names, and a date as it is."""
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return date.fromisoformat(value)
    if type(value) is date:
        return value
    raise ValueError("expected a date such as 2026-01-31")
''',
        ("date",),
    ),
    "on_calendar_day": Helper(
        '''def on_calendar_day(text: str) -> str:
    """Return `text`, a date and a time, whose day must be in the calendar."""
    date.fromisoformat(text[:10])
    return text
''',
        ("date",),
    ),
    "nanoseconds": Helper(
        '''def nanoseconds(text: str) -> int:
    """Return the nanosecond that a time, or a date and time, names, whatever its offset."""
    moment, clock = text.partition("T")[::2] if "T" in text else ("", text)
    days = date.fromisoformat(moment).toordinal() if moment else 0
    seconds = days * 86_400 + int(clock[:2]) * 3600 + int(clock[3:5]) * 60 + int(clock[6:8])
    fraction = clock[8:].rstrip("Z")
    if not clock.endswith("Z"):
        fraction, offset = clock[8:-6], int(clock[-5:-3]) * 3600 + int(clock[-2:]) * 60
        seconds -= offset if clock[-6] == "+" else -offset
    return seconds * 10**9 + int(fraction[1:].ljust(9, "0") or "0")
''',
        ("date",),
    ),
    "not_null": Helper(
        '''def not_null(value: object) -> object:
    """Return `value`, which is not null: an optional field is left out instead."""
    if value is None:
        raise ValueError("expected a value, or no such field")
    return value
''',
    ),
    "whole_number": Helper(
        '''def whole_number(value: object) -> object:
    """Return `value`, which is a whole number and neither 1.0 nor a flag."""
    if type(value) is not int:
        raise ValueError("expected a whole number")
    return value
''',
    ),
    "true_or_false": Helper(
        '''def true_or_false(value: object) -> object:
    """Return `value`, which is a flag and no number."""
    if type(value) is not bool:
        raise ValueError("expected a flag")
    return value
''',
    ),
    "in_steps": Helper(
        '''def in_steps(low: int, by: int) -> AfterValidator:
    """Return what checks that a number is reached from `low` in steps of `by`."""

    def check(value: int) -> int:
        if (value - low) % by:
            raise ValueError(f"expected {low}, {low + by}, {low + 2 * by} and so on")
        return value

    return AfterValidator(check)
''',
        ("AfterValidator",),
    ),
    "as_decimal": Helper(
        '''def as_decimal(value: float | Decimal) -> Decimal:
    """Return the number that `value` is written as."""
    return Decimal(str(value))
''',
        ("Decimal",),
    ),
    "as_fraction": Helper(
        '''def as_fraction(value: float | Decimal) -> Fraction:
    """Return the number that `value` is written as, to calculate with exactly."""
    return Fraction(str(value))
''',
        ("Decimal", "Fraction"),
    ),
    "rounded_to": Helper(
        '''def rounded_to(value: Fraction | int, places: int = 0) -> Fraction:
    """Return `value` with `places` digits after the point, halves away from zero."""
    scale = Fraction(10) ** places
    units = (abs(Fraction(value)) * scale * 2 + 1) // 2
    return Fraction(units if value >= 0 else -units) / scale
''',
        ("Fraction",),
    ),
    "as_number": Helper(
        '''def as_number(value: Fraction | int) -> int | Decimal:
    """Return `value` as a decimal. Raises ValueError where that has no end."""
    if isinstance(value, int) or value.denominator == 1:
        return int(value)
    number = EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    if Fraction(number) != value:
        raise ValueError("a number has no end as a decimal")
    return number
''',
        ("Decimal", "EXACT", "Fraction"),
    ),
    "unique_keys": Helper(
        '''def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the entries of a JSON object, each key of which is given once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found
''',
        ("Any",),
    ),
    "read_json": Helper(
        '''def read_json(text: str | bytes) -> Any:
    """Return the JSON in `text`, its numbers exact. Raises ValueError where it is none, or nests too deep."""
    try:
        return json.loads(text, parse_float=Decimal, object_pairs_hook=unique_keys)
    except RecursionError:
        raise ValueError("the document nests too deep") from None
''',
        ("Any", "Decimal", "unique_keys", "json"),
    ),
    "json_text": Helper(
        '''def json_text(value: object) -> str:
    """Return `value` as compact JSON, a decimal with all its digits."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(key)}:{json_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_text, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
''',
        ("Decimal", "json"),
    ),
}

DECIMALS = '''Decimal{places} = Annotated[Decimal, decimals({places}), PlainSerializer(float, when_used="json")]
"""A number with exactly {places} digits after the point."""
'''

PRESENT = '''
    @model_serializer(mode="wrap")
    def _present(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is absent."""
        absent = {name for name, value in self.__dict__.items() if value is None} - self.model_fields_set
        absent |= {type(self).model_fields[name].alias or name for name in absent}
        return {key: value for key, value in write(self).items() if key not in absent}
'''


def needed(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the imported names and, in the order of HELPERS, the helpers that `names` come down to."""
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(HELPERS[name].needs if name in HELPERS else ())
    return [name for name in found if name in IMPORTS], [name for name in HELPERS if name in found]


def import_lines(names: Iterable[str]) -> list[str]:
    """Return the import statements of `names`, the standard library first."""
    homes: dict[str, list[str]] = {}
    bare: list[str] = []
    for name in names:
        if IMPORTS[name]:
            homes.setdefault(IMPORTS[name], []).append(name)
        else:
            bare.append(f"import {name}")
    lines = sorted(bare)
    outside = ("pydantic", "typing_extensions")
    lines += [_from(home, homes[home]) for home in sorted(homes) if home not in outside]
    third = [_from(home, homes[home]) for home in sorted(homes) if home in outside]
    return [*lines, "", *third] if lines and third else [*lines, *third]


def _from(home: str, names: list[str]) -> str:
    ordered = sorted(names, key=lambda name: (name != name.upper(), name[0].islower(), name))
    line = f"from {home} import {', '.join(ordered)}"
    if len(line) <= 120:
        return line
    return f"from {home} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"
