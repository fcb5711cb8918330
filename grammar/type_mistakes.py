"""What a syntax error inside a type of documents was probably meant to be: guesses, as those of `mistakes.py`."""

from collections.abc import Callable

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.lex import Token
from archc.grammar.unexpected import CLOSER, STARTERS, Unexpected, show

_STARTS_ARM = frozenset({"NAME", "TYPENAME", "NUMBER", "STRING", "REGEX", "LBRACE", "LSQB", "TRUE", "FALSE"})
_REACH = 400
"""How many tokens back a guess looks."""


def _optional(e: Unexpected) -> Diagnostic | None:
    """`v: Int?`, where other languages put the question mark."""
    if e.found.kind != "OPT" or not (e.openers and e.openers[-1].kind == "LBRACE"):
        return None
    field = e.tokens[e.at - 3].text if e.at > 2 and e.tokens[e.at - 2].kind == "COLON" else "name"
    kind = e.before.text if e.before.kind == "TYPENAME" else "Int"
    hint = f"{field}?: {kind} for a field that may be absent, {field}: {kind} | Null for a value that may be null"
    return e.says("A0001", "`?` stands behind the name of a field, not behind its type", hint=hint)


def _conditions(e: Unexpected) -> Diagnostic | None:
    """`a: Int where a > 0, a < 9`, whose comma ends the field."""
    after_comma = e.at > 1 and e.before.kind in ("NAME", "TYPENAME") and e.tokens[e.at - 2].kind == "COMMA"
    if not after_comma or "COLON" not in e.expected or e.found.kind not in ("CMP", "IN"):
        return None
    if not any(token.kind == "WHERE" for token in _of_field(e)):
        return None
    return e.says("A0001", "a comma ends the field", token=e.tokens[e.at - 2], hint="join two conditions with `and`")


def _of_field(e: Unexpected) -> list[Token]:
    """Return the tokens of the field before the comma that was found last."""
    depth, found = 0, []
    for token in reversed(e.tokens[max(e.at - _REACH, 0) : e.at - 2]):
        depth += (token.kind in CLOSER.values()) - (token.kind in CLOSER)
        if depth < 0 or (depth == 0 and token.kind == "COMMA") or token.kind in STARTERS:
            break
        found.append(token)
    return found


def _not_in(e: Unexpected) -> Diagnostic | None:
    """`x not in y`."""
    if e.found.kind != "NOT" or e.tokens[e.at + 1 : e.at + 2] == [] or e.tokens[e.at + 1].kind != "IN":
        return None
    return e.says("A0001", "`not` stands in front of the whole condition", hint=f"not {e.before.text} in ...")


def _arms(e: Unexpected) -> Diagnostic | None:
    """Two types without a sign between them, in a declaration of a type."""
    if e.found.kind not in _STARTS_ARM or "VBAR" not in e.expected or e.wants_value:
        return None
    first = next((token for token in reversed(e.tokens[: e.at]) if token.kind in STARTERS), None)
    if first is None or first.kind != "TYPE" or e.openers:
        return None
    if e.found.kind == "LBRACE" and e.before.text in ("enum", "Enum"):
        return e.says("A0001", "an enumeration is a union of strings", token=e.before, hint='"a" | "b"')
    if e.found.kind == "LBRACE" and e.before.text in ("record", "struct", "object", "interface"):
        return e.says("A0001", "a record is braces alone", token=e.before, hint=f"leave out `{e.before.text}`")
    return e.unexpected("`|`", f"put `|` before {show(e.found)} to make it another arm")


TYPE_GUESSES: tuple[Callable[[Unexpected], Diagnostic | None], ...] = (_optional, _conditions, _not_in, _arms)
