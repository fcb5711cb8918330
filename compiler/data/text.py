"""A data type -> how .arch writes it, shortened."""

from decimal import Decimal

from archc.data.kinds import Constant, Data, Fixed, Many, Named, Object, OneOf, Real, Row, Table, Text, Truth, Whole

FORMATS = {"date": "Date", "date-time": "DateTime", "time": "Time", "uuid": "Uuid", "uri": "Uri", "email": "Email"}
WIDTH = 60


def data_text(data: Data) -> str:
    """Return `data` on one line of about 60 columns at most."""
    text = _text(data)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _text(data: Data) -> str:
    match data:
        case Text() | Whole() | Real() | Fixed() | Truth() | Constant():
            return _scalar(data)
        case Many(item, low, high):
            inner = _text(item)
            return f"({inner})[{_bounds(low, high)}]" if isinstance(item, OneOf) else f"{inner}[{_bounds(low, high)}]"
        case Row(items):
            return f"({', '.join(map(_text, items))})"
        case Table(key, value, low, high):
            more = f", {_bounds(low, high)}" if low or high is not None else ""
            return f"Map({_text(key)}, {_text(value)}{more})"
        case Object(fields):
            return "{" + ", ".join(f"{entry.name}{'?' if entry.optional else ''}" for entry in fields) + "}"
        case OneOf(arms):
            return " | ".join(_text(arm.type) for arm in arms)
        case Named(name):
            return name


def _scalar(data: Text | Whole | Real | Fixed | Truth | Constant) -> str:
    match data:
        case Text(_, _, pattern, format):
            return f're"{pattern}"' if pattern is not None else FORMATS[format] if format else _string(data)
        case Whole(None, None, _):
            return "Int"
        case Whole(low, high, step):
            return _range(low, high) + (f" by {step}" if step not in (None, 1) else "")
        case Real(None, None):
            return "Float"
        case Real(low, high):
            return _range(low, high)
        case Fixed(places, low, high):
            return f"Decimal({places})" + (f" in {_range(low, high)}" if (low, high) != (None, None) else "")
        case Truth():
            return "Bool"
        case Constant(value):
            return _constant(value)


def _string(data: Text) -> str:
    return f"String({_bounds(data.low, data.high)})" if data.low or data.high is not None else "String"


def _constant(value: None | bool | int | Decimal | str) -> str:
    match value:
        case None:
            return "Null"
        case bool():
            return "true" if value else "false"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case _:
            return str(value)


def _range(low: int | Decimal | None, high: int | Decimal | None) -> str:
    return f"{'' if low is None else low}..{'' if high is None else high}"


def _bounds(low: int, high: int | None) -> str:
    return str(low) if low == high else f"{low or ('' if high is not None else 0)}..{'' if high is None else high}"
