"""Text to tokens: white space and comments set aside, everything else named, and complaints about characters."""

import heapq
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.limits import Limits, exceeded
from archc.grammar.source import Source, Span
from archc.grammar.tables import END, load

# What people write from habit, and what is meant by it here.
FOREIGN = {
    "=>": "->", "|>": "->", "&&": "and", "||": "or", ":=": "=", "<>": "!=", "===": "==", "!==": "!=", "...": "..",
    "..=": "..", "!": "not", "\u2192": "->", "\u21d2": "->", "\u00d7": "*", "\u00b7": "*", "\u2212": "-", "\u2013": "-", "\u2014": "-", "\u2264": "<=",
    "\u2265": ">=", "\u2260": "!=", "\u2026": "..", ";": "", "\u00a0": "",
}  # fmt: skip
_FOREIGN_TEXT = "|".join(re.escape(text) for text in sorted(FOREIGN, key=len, reverse=True))
# A field or an input by name, as it may follow a `;` that was meant as a comma.
_FIELD = re.compile(r'\s{0,80}(?:"[^"\n]{0,80}"|[A-Za-z]\w{0,80})\??\s{0,8}:(?!=)')
# Characters that are not seen, or that change the order in which others are seen.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_MIXED = re.compile(
    "[A-Za-z][\u0370-\u03ff\u0400-\u052f\uff21-\uff5a]|[\u0370-\u03ff\u0400-\u052f\uff21-\uff5a][A-Za-z]"
)
_LONE_RETURN = re.compile("\r(?!\n)")
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9A-Fa-f]{4})|(.?))', re.DOTALL)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")
_PLAIN_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Token(NamedTuple):
    """A piece of text under the name of its terminal; `BAD` where it has none."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lexed:
    """The tokens of a text, ending in `$END`, its plain comments, and what is to be said about its characters.

    `faults` holds, by offset, the complaint about a token that the parser cannot go on with; `diagnostics` the others.
    """

    tokens: list[Token]
    comments: list[Token]
    faults: dict[int, Diagnostic]
    diagnostics: list[Diagnostic]


def lex(source: Source, limits: Limits) -> Lexed:
    """Return the tokens of `source`, whatever it holds."""
    pattern, literals = _scanner()
    lexed = Lexed([], [], {}, [])
    tokens = lexed.tokens
    for match in pattern.finditer(source.text):
        kind, text = match.lastgroup or "", match.group()
        if kind == "SPACE_":
            continue
        if kind == "NAME" or kind == "LITERAL":
            kind = literals.get(text, kind)
        token = Token(kind, text, match.start(), match.end())
        if kind == "COMMENT":
            lexed.comments.append(token)
        elif kind in _CHECKS:
            replaced = _CHECKS[kind](token, Span(token.start, token.end, source), limits, lexed)
            if replaced is not None:
                tokens.append(replaced)
        else:
            tokens.append(token)
    tokens.append(Token(END, "", len(source.text), len(source.text)))
    lexed.diagnostics.extend(_characters(source, lexed))
    return lexed


def unescape(text: str) -> tuple[str, tuple[int, ...]]:
    """Return what the inside of a string literal stands for, and where it has an escape that there is not."""
    if "\\" not in text:
        return text, ()
    wrong: list[int] = []

    def one(match: re.Match[str]) -> str:
        plain, code = match.group(1), match.group(2)
        if plain:
            return _PLAIN_ESCAPES[plain]
        if code:
            return chr(int(code, 16))
        wrong.append(match.start())
        return match.group()

    value = _PAIR.sub(lambda m: m.group().encode("utf-16", "surrogatepass").decode("utf-16"), _ESCAPE.sub(one, text))
    if lone := _LONE.search(value):
        wrong.append(max(text.lower().find(f"\\u{ord(lone.group()):04x}"), 0))
        value = _LONE.sub("\ufffd", value)
    return value, tuple(wrong)


@lru_cache(maxsize=1)
def _scanner() -> tuple[re.Pattern[str], dict[str, str]]:
    tables = load()
    signs = sorted((text for text in tables.literals if not text.isalpha()), key=len, reverse=True)
    groups = [
        ("REMARK", r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?"),
        ("FOREIGN", f"(?!!=(?!=))(?:{_FOREIGN_TEXT})"),
        *tables.terminals,
        ("HALF_STRING", r'(?:re)?"[^\n]*'),
        ("QUOTED", r"'[^'\n]*'"),
        ("LITERAL", "|".join(re.escape(sign) for sign in signs)),
        ("SPACE_", r"[ \t\r\n]+"),
        ("BAD", r"\ufeff|[^\x00-\x7f]+|[\x00-\x7f]"),
    ]
    pattern = "|".join(f"(?P<{name}>{text})" for name, text in groups)
    return re.compile(pattern), tables.literals


def _check_string(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token:
    if len(token.text) - 2 > limits.string:
        message = f"this string has {len(token.text) - 2:,} characters"
        lexed.diagnostics.append(exceeded(limits, "string", code="A0803", message=message, span=_head(span)))
    for at in unescape(token.text[1:-1])[1] if "\\" in token.text else ():
        where = Span(token.start + 1 + at, min(token.start + 3 + at, token.end - 1), span.source)
        lexed.diagnostics.append(
            Diagnostic(
                "A0009",
                f"there is no escape `{where.text}` in a string",
                where,
                label=r"the escapes are \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits",
                hint=rf"write `\\{where.text[1:]}` for a backslash",
            )
        )
    return token


def _check_regex(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token:
    if len(token.text) - 4 > limits.regex:
        message = f"this regular expression has {len(token.text) - 4:,} characters"
        lexed.diagnostics.append(exceeded(limits, "regex", code="A0805", message=message, span=_head(span)))
    return token


def _check_number(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token:
    if len(token.text) > limits.integer_digits:
        digits = max((len(part) for part in re.findall("[0-9]+", token.text)), default=0)
        if digits > limits.integer_digits:
            message = f"this number has {digits:,} digits"
            lexed.diagnostics.append(
                exceeded(limits, "integer_digits", code="A0804", message=message, span=_head(span))
            )
    return token


def _head(span: Span) -> Span:
    """Return the first characters of a span that may be very long."""
    return Span(span.start, min(span.end, span.start + 16), span.source)


def _foreign(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token | None:
    meant = FOREIGN[token.text]
    if token.text == ";" and _FIELD.match(span.source.text if span.source else "", token.end):
        meant = ","
    if not meant:
        what = "a no-break space is no white space here" if token.text == "\u00a0" else "nothing ends in `;` here"
        if not any(d.message == what for d in lexed.diagnostics):
            lexed.diagnostics.append(Diagnostic("A0010", what, span, hint="delete it"))
        return None
    message = f"expected `{meant}`, found `{token.text}`"
    lexed.diagnostics.append(Diagnostic("A0010", message, span, hint=f"write `{meant}`"))
    literals = _scanner()[1]
    return Token(literals.get(meant, "CMP"), meant, token.start, token.end)


def _quoted(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token:
    inner = token.text[1:-1].replace('"', '\\"')
    lexed.diagnostics.append(
        Diagnostic(
            "A0008", "a string stands between double quotes", span, hint=f'write "{inner}"' if len(inner) < 60 else ""
        )
    )
    return Token("STRING", f'"{inner}"', token.start, token.end)


def _half_string(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token:
    text = token.text.rstrip()
    where = Span(token.start, token.start + len(text), span.source)
    lexed.faults[token.start] = Diagnostic(
        "A0008",
        "this string has no closing quote on its line",
        where,
        hint='end it with `"`; a line break inside is written \\n',
    )
    return Token("BAD", token.text, token.start, token.end)


def _remark(token: Token, span: Span, limits: Limits, lexed: Lexed) -> None:
    lexed.diagnostics.append(
        Diagnostic(
            "A0010", "a comment starts with `#` and ends with its line", _head(span), hint="write `#` before every line"
        )
    )


def _bad(token: Token, span: Span, limits: Limits, lexed: Lexed) -> Token | None:
    if token.text == "\ufeff" and token.start == 0:
        return None
    first = Span(token.start, token.start + 1, span.source)
    if _HIDDEN.match(token.text):
        lexed.faults[token.start] = Diagnostic(
            "A0012", f"a hidden character stands here: {_named(token.text[0])}", first, hint="delete it"
        )
    elif not token.text.isascii():
        lexed.faults[token.start] = Diagnostic(
            "A0011",
            f"`{_head(span).text}` {'holds' if token.text[1:] else 'is'} {_named(token.text[0])}, and code is written in ASCII",
            _head(span),
            label="other characters stand in strings and comments",
        )
    else:
        hints = {
            "'": 'a string stands between double quotes: "..."',
            "\\": "delete it: a statement may go on in the next line",
        }
        lexed.faults[token.start] = Diagnostic(
            "A0010", f"`{token.text}` means nothing in the language", first, hint=hints.get(token.text, "")
        )
    return token


_CHECKS: dict[str, Callable[[Token, Span, Limits, Lexed], Token | None]] = {
    "STRING": _check_string,
    "REGEX": _check_regex,
    "NUMBER": _check_number,
    "PERCENT": _check_number,
    "FOREIGN": _foreign,
    "QUOTED": _quoted,
    "HALF_STRING": _half_string,
    "REMARK": _remark,
    "BAD": _bad,
}


def _characters(source: Source, lexed: Lexed) -> Iterator[Diagnostic]:
    """Yield what is wrong inside comments and strings, and with line ends."""
    text = source.text
    if "\r" in text and (lone := _LONE_RETURN.search(text)):
        where = Span(lone.start(), lone.end(), source)
        yield Diagnostic(
            "A0012",
            "a carriage return stands here without a line feed",
            where,
            hint="save the file with line ends \\n or \\r\\n",
        )
    if text.isascii() and not _HIDDEN.search(text):
        return
    for token in heapq.merge(lexed.comments, lexed.tokens, key=lambda t: t.start):
        if token.kind in ("COMMENT", "DOC", "MODULE_DOC"):
            yield from _in_comment(token, source)
        elif token.kind in ("STRING", "REGEX") and (hidden := _HIDDEN.search(token.text)):
            where = Span(token.start + hidden.start(), token.start + hidden.end(), source)
            code = f"\\u{ord(hidden.group()):04x}"
            message = f"a hidden character stands in this string: {_named(hidden.group())}"
            yield Diagnostic("A0012", message, where, hint=f"write {code}" if token.kind == "STRING" else "delete it")


def _in_comment(token: Token, source: Source) -> Iterator[Diagnostic]:
    if hidden := _HIDDEN.search(token.text):
        where = Span(token.start + hidden.start(), token.start + hidden.end(), source)
        severity: Literal["error", "warning"] = "error" if hidden.group() == "\0" else "warning"
        message = f"a hidden character stands in this comment: {_named(hidden.group())}"
        yield Diagnostic("A0012", message, where, hint="delete it", severity=severity)
    elif mixed := _MIXED.search(token.text):
        where = Span(token.start + mixed.start(), token.start + mixed.end(), source)
        message = f"`{mixed.group()}` mixes two alphabets that look alike"
        yield Diagnostic("A0011", message, where, hint="write the word in one alphabet", severity="warning")


def _named(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()
