"""The formats that a string may have, as patterns and as what a pattern cannot say."""

from calendar import monthrange
from datetime import date

from archc.regular.language import matches, regular

CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
CALENDAR = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
LETTERS = "[A-Za-z0-9!#$%&'*+/=?\\^_`{\\|}~\\-]"
LABEL = "[A-Za-z0-9]([A-Za-z0-9\\-]{0,61}[A-Za-z0-9])?"

PATTERNS = {
    "date": CALENDAR,
    "time": CLOCK,
    "date-time": f"{CALENDAR}T{CLOCK}",
    "uuid": "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "uri": "[A-Za-z][A-Za-z0-9+.\\-]*:([A-Za-z0-9\\-._~:/?#\\[\\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+",
    "email": f"{LETTERS}{{1,32}}(\\.{LETTERS}{{1,31}})?@{LABEL}(\\.{LABEL}){{1,3}}",
}
"""What every text of a format matches; only dates have more to them, which days there are. RFC 3339 with capitals and
no leap seconds, RFC 4122, the characters of RFC 3986, and the plain addresses of RFC 5321."""

LONGEST = {"date": 10, "time": 24, "date-time": 35, "uuid": 36}

EXAMPLES = {
    "date": "2026-01-31",
    "time": "09:30:00Z",
    "date-time": "2026-01-31T09:30:00Z",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "uri": "https://example.org/page",
    "email": "ada@example.org",
}


def has_format(text: str, format: str) -> bool:
    """Return whether `text` is a date, a date and time, and so on, on a day that exists."""
    if len(text) > LONGEST.get(format, len(text)) or not matches(regular(PATTERNS[format]), text):
        return False
    return not format.startswith("date") or day_exists(text)


def day_exists(text: str) -> bool:
    """Return whether the day with which `text`, a date or a date and time, begins is in the calendar."""
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    return year >= 1 and day <= monthrange(year, month)[1]


def instant(text: str) -> tuple[str, int] | None:
    """Return the format of a date and time, or of a time, and the nanosecond that it names; None for other text."""
    if len(text) > LONGEST["date-time"] or len(text) < len("00:00:00Z"):
        return None
    if text[2:3] == ":" and has_format(text, "time"):
        return "time", _nanosecond(text)
    if text[10:11] == "T" and has_format(text, "date-time"):
        day = date(int(text[:4]), int(text[5:7]), int(text[8:10])).toordinal()
        return "date-time", day * 86_400 * 10**9 + _nanosecond(text[11:])
    return None


def _nanosecond(clock: str) -> int:
    """Return the nanoseconds since midnight, in universal time, of hh:mm:ss, perhaps a fraction, and an offset."""
    seconds = int(clock[:2]) * 3600 + int(clock[3:5]) * 60 + int(clock[6:8])
    if clock.endswith("Z"):
        rest = clock[8:-1]
    else:
        rest, sign = clock[8:-6], 1 if clock[-6] == "+" else -1
        seconds -= sign * (int(clock[-5:-3]) * 3600 + int(clock[-2:]) * 60)
    return seconds * 10**9 + int(rest[1:].ljust(9, "0") or "0")
