"""What a syntax error was probably meant to be: a list of guesses, the first that fits is the message."""

from collections.abc import Callable
from difflib import get_close_matches

from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.lex import Lexed, Token
from archc.grammar.naming import capitalised, lowered
from archc.grammar.source import Source, Span, position
from archc.grammar.tables import END, Tables
from archc.grammar.type_mistakes import TYPE_GUESSES
from archc.grammar.unexpected import CLOSER, STARTERS, Unexpected, show

_SIGN = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
_FIRST = frozenset(
    {"NAME", "TYPENAME", "NUMBER", "STRING", "REGEX", "PERCENT", "UNDERSCORE", "LPAR", "LSQB", "LBRACE", "FOR"}
)
_GOES_ON = frozenset(
    {
        "PLUS", "MINUS", "STAR", "SLASH", "DSLASH", "MOD", "DOTS", "BY", "CMP", "IN", "AND", "OR", "ARROW", "VBAR", "DOT",
        "LPAR", "LSQB", "CIRCUMFLEX", "COLON", "OPT", "DOC", "AT",
    }
)  # fmt: skip
_OTHER_WORDS = {
    "fn": "def fun func function lambda proc",
    "block": "class layer module struct component",
    "model": "net network",
    "const": "let var val static define",
    "type": "enum record union alias typedef interface schema data",
    "import": "use using from include require open",
    "space": "search grammar",
}
_MEANT = {word: keyword for keyword, words in _OTHER_WORDS.items() for word in words.split()}


def explain(tables: Tables, states: list[int], lexed: Lexed, at: int, *, begin: int, source: Source) -> Diagnostic:
    """Return the complaint about token `at`, which may not stand after the tokens from `begin` and their `states`."""
    words = {kind: text for text, kind in tables.literals.items()}
    openers: list[Token] = []
    for token in lexed.tokens[begin:at]:
        if token.kind in CLOSER:
            openers.append(token)
        elif token.kind in CLOSER.values() and openers:
            openers.pop()
    error = Unexpected(lexed.tokens, at, tables.expected(states), tuple(openers[-2:]), source, words)
    if quoted := _odd_quotes(error, lexed):
        return quoted
    return next(said for guess in _GUESSES if (said := guess(error)))


def _odd_quotes(e: Unexpected, lexed: Lexed) -> Diagnostic | None:
    """A quote left out of a line with several strings: the last has no end, and the trouble starts at the first."""
    line_end = e.source.text.find("\n", e.found.start) % (len(e.source.text) + 1)
    is_half = any(e.found.start <= at < line_end and said.code == "A0008" for at, said in lexed.faults.items())
    if not is_half or e.before.kind != "STRING" or "\n" in e.source.text[e.before.start : e.found.start]:
        return None
    return e.says("A0008", "the quotes on this line do not pair", token=e.before, hint='close each string with `"`')


# ---------------------------------------------------------------- guesses, in the order of trial
def _closer(e: Unexpected) -> Diagnostic | None:
    """A bracket that closes nothing, or closes another kind."""
    if e.found.kind not in CLOSER.values():
        return None
    if not e.openers:
        return e.says("A0003", f"`{e.found.text}` closes nothing", hint="delete it, or open it before")
    return _close(e, e.openers[-1]) if CLOSER[e.openers[-1].kind] != e.found.kind else None


def _close(e: Unexpected, opener: Token) -> Diagnostic:
    sign, place = _SIGN[CLOSER[opener.kind]], position(e.span(opener))
    message = f"expected `{sign}` to close `{opener.text}` on line {place[0]}, found {show(e.found)}"
    note = Note(f"`{opener.text}`", "opened on", e.span(opener))
    return Diagnostic("A0003", message, e.span(), notes=(note,), hint=f"put `{sign}` before it")


def _unclosed(e: Unexpected) -> Diagnostic | None:
    """A declaration or the end of the text while a bracket is open."""
    if not e.openers or not e.starts_declaration:
        return None
    opener = e.openers[-1]
    label = (
        f"the text ends without `{_SIGN[CLOSER[opener.kind]]}`"
        if e.found.kind == END
        else f"`{e.found.text}` starts the next declaration"
    )
    hint = f"`{_SIGN[CLOSER[opener.kind]]}` where it ends"
    return e.says("A0002", f"`{opener.text}` is never closed", label=label, token=opener, hint=hint)


def _doc(e: Unexpected) -> Diagnostic | None:
    """A doc comment with nothing to describe."""
    if e.found.kind == "MODULE_DOC":
        return e.says(
            "A0013",
            "`#!` describes the module and stands right after its first line",
            hint="write `#` for a plain comment",
        )
    doc = e.found if e.found.kind == "DOC" else e.before
    if doc.kind != "DOC":
        return None
    starts = e.found.kind == "AT" or e.found.kind not in _GOES_ON
    if starts and e.expected & {"OP", "NAME"} and e.found.kind not in ("IMPORT", "ARCH", "RBRACE", END):
        return None
    message = "a doc comment describes the declaration, field or type arm after it, and none comes here"
    return e.says("A0013", message, token=doc, hint="write `#` for a plain comment, `#!` to describe the module")


def _comment(e: Unexpected) -> Diagnostic | None:
    """A comment of another language."""
    slashes = next((token for token in (e.found, e.before) if token.kind == "DSLASH"), None)
    if slashes is None and e.at > 1 and e.tokens[e.at - 2].kind == "DSLASH" and e.found.kind in _FIRST:
        slashes = e.tokens[e.at - 2]  # x // two words
    if slashes is None or (slashes is e.before and e.found.kind in CLOSER.values()):
        return None
    return e.says("A0010", "a comment starts with `#`", hint="write `#` for `//`", token=slashes)


def _power(e: Unexpected) -> Diagnostic | None:
    if e.found.kind == "STAR" and e.before.kind == "STAR" and e.is_adjacent:
        return e.says("A0010", "there is no operator `**`", hint="write x*x")
    if e.found.kind == "CIRCUMFLEX" and "STAR" in e.expected:
        return e.says(
            "A0010", "`^` repeats a type, as in [n, d]^2", hint="write x*x for a number, e * n for a repetition"
        )
    return None


def _name_start(e: Unexpected) -> Diagnostic | None:
    """`_x`, `3x`, and a percentage that was meant as a remainder."""
    if not e.is_adjacent or e.found.kind not in ("NAME", "TYPENAME", "NUMBER") and e.found.text not in e.words.values():
        return None
    both = e.before.text + e.found.text
    if e.before.kind == "PERCENT" and e.found.kind in _FIRST:
        hint = f"write {e.before.text[:-1]} % {e.found.text}"
        return e.says(
            "A0001",
            f"`{e.before.text}` is a percentage; a remainder has spaces around its sign",
            token=e.before,
            hint=hint,
        )
    if e.before.kind in ("UNDERSCORE", "NUMBER") and both.replace("_", "").isalnum():
        where = Span(e.before.start, e.found.end, e.source)
        return Diagnostic("A0007", f"a name starts with a letter, and `{both}` does not", where)
    return None


def _keyword(e: Unexpected) -> Diagnostic | None:
    """A keyword where a name was wanted."""
    word = e.found.text
    if not word.isalpha() or e.words.get(e.found.kind) != word or e.starts_declaration:
        return None
    following = e.tokens[e.at + 1].kind
    wants_name = "NAME" in e.expected and not e.wants_value
    if wants_name or ("NAME" in e.expected and following in ("EQUAL", "COLON")):
        hint = f"choose another name, such as {word}_"
        return e.says("A0006", f"`{word}` is a keyword and cannot be a name", hint=hint)
    return None


def _case(e: Unexpected) -> Diagnostic | None:
    """A name whose first letter has the other case than the grammar wants here."""
    if e.found.kind == "TYPENAME" and "NAME" in e.expected and "TYPENAME" not in e.expected:
        return e.says(
            "A0007", f"this name starts with a lower-case letter, unlike `{e.found.text}`", hint=lowered(e.found.text)
        )
    if e.found.kind == "NAME" and "TYPENAME" in e.expected and "NAME" not in e.expected:
        return e.says(
            "A0007", f"this name starts with a capital, unlike `{e.found.text}`", hint=capitalised(e.found.text)
        )
    return None


def _equals(e: Unexpected) -> Diagnostic | None:
    """`=` for `==`, `==` for `=`, `:` for `=` and `=` for `:`."""
    if e.found.text == "==" and "EQUAL" in e.expected:
        return e.unexpected("`=`", "`==` compares, `=` gives a value")
    if e.found.kind == "EQUAL" and "AND" in e.expected:
        token = e.found if "THEN" in e.expected else _fact_equals(e)
        if token is not None:
            return e.says("A0001", "expected `==`, found `=`", token=token, hint="`=` gives a value, `==` compares")
    if e.found.kind == "COLON" and "EQUAL" in e.expected and _fact_equals(e) is not None:
        return e.unexpected("`=`", "the type stands before `where`")
    if e.found.kind == "COLON" and "EQUAL" in e.expected:
        return e.unexpected("`=`", f"a value is given with `=`: {e.before.text} = ...")
    if e.found.kind == "EQUAL" and "COLON" in e.expected and "MOD" not in {*e.expected, e.before.kind}:  # no weight
        return e.unexpected("`:`", f"a type follows `:`, as in {e.before.text}: Int")
    return None


def _fact_equals(e: Unexpected) -> Token | None:
    """Return the first `=` after the `where` of the same declaration, or None where it has no `where`."""
    depth, first = 0, e.found
    for token in reversed(e.tokens[max(e.at - 200, 0) : e.at]):
        depth += (token.kind in CLOSER.values()) - (token.kind in CLOSER)
        if token.kind == "WHERE" and depth == 0:
            return first
        if token.kind in STARTERS or depth < 0:
            return None
        first = token if token.kind == "EQUAL" and depth == 0 else first
    return None


def _if(e: Unexpected) -> Diagnostic | None:
    if e.found.kind == "IF" and e.wants_value:
        return e.says(
            "A0001", "an `if` inside another expression stands in parentheses", hint="(if ... then ... else ...)"
        )
    for kind in ("THEN", "ELSE"):
        if kind in e.expected and "NAME" not in e.expected and e.found.kind not in _FIRST:
            return e.unexpected(f"`{kind.lower()}`", "an `if` has both ways: if c then a else b")
    return None


def _return(e: Unexpected) -> Diagnostic | None:
    """Braces that give nothing back, and statements without braces."""
    if e.found.kind in ("CHOOSE", "LET") and e.wants_value and "RBRACE" not in e.expected:
        hint = f"{{ {e.found.text} x = ...  return ... }}"
        return e.says("A0001", f"`{e.found.text}` stands between braces, and none are open here", hint=hint)
    if "RETURN" in e.expected and (e.found.kind == "RBRACE" or (e.found.kind in _FIRST and e.starts_line)):
        return e.unexpected("`return`", "braces with `let` or `choose` end in `return ...`")
    after_key = "EQUAL" in e.expected and e.at > 1 and e.tokens[e.at - 2].kind == "LBRACE"
    if after_key and e.found.kind in ("ARROW", "LPAR", "STAR", "DOT", "RBRACE"):
        return e.unexpected("`=`", "braces hold `name = value` pairs, or statements and a `return`")
    return None


def _index(e: Unexpected) -> Diagnostic | None:
    if e.found.kind == "LSQB" and "LPAR" in e.expected and "DOT" in e.expected and e.is_adjacent:
        return e.says(
            "A0001", "an expression has no `[ ]` after it", hint="take(0) picks one position, slice(0, 4) several"
        )
    return None


def _chain(e: Unexpected) -> Diagnostic | None:
    if e.found.kind in ("CMP", "IN") and "AND" in e.expected:
        return e.says("A0001", "comparisons do not chain", hint="compare twice: a <= b and b <= c")
    return None


def _weight(e: Unexpected) -> Diagnostic | None:
    """A second weight, one inside a pipeline, or a sum that is one."""
    if e.found.kind != "COLON" or e.openers or not {"ARROW", "PLUS"} <= e.expected:
        return None
    message = "a weight stands right before an arm, in parentheses where it is a sum"
    return e.says("A0001", message, hint="| n: ... or | (n + 1): ...")


def _declaration(e: Unexpected) -> Diagnostic | None:
    """Something else where a declaration could start."""
    if (
        not {"BLOCK", "OP"} <= e.expected
        or "THEN" in e.expected
        or e.found.kind in _GOES_ON
        or (e.expected & {"ARROW"} and not e.starts_line)
    ):
        return None
    if e.found.kind == "ARCH":
        is_late = all(token.kind in ("DOC", "MODULE_DOC") for token in e.tokens[: e.at])
        return e.says("A0004", "`arch` stands once, at the top", hint="put it first" if is_late else "delete it")
    if e.expected & {"ARROW"} and e.found.kind != END and e.found.start and e.source.text[e.found.start - 1] != "\n":
        return None
    word = e.found.text.lower()
    meant = _MEANT.get(word) or next(iter(get_close_matches(word, [s.lower() for s in STARTERS], 1)), "")
    if e.found.kind in ("CHOOSE", "RETURN"):
        return e.says(
            "A0001", f"`{word}` stands between braces, and none are open here", hint="{ choose ... return ... }"
        )
    hint = f"write `{meant}`" if meant else "one of: import, const, fn, op, block, model, space, type"
    return e.says("A0001", f"expected a declaration, found {show(e.found)}", hint=hint)


def _missing(e: Unexpected) -> Diagnostic | None:
    """A sign left out before something that could have followed it."""
    if e.found.kind not in _FIRST and e.found.text not in ("true", "false", "not", ".."):
        return None
    found = show(e.found)
    if "EQUAL" in e.expected and not e.openers:
        return e.unexpected("`=`", f"put `=` before {found}")
    if "COLON" in e.expected and not e.openers and "ARROW" not in e.expected:
        return e.unexpected("`:`", f"put `:` before {found}")
    if "COMMA" in e.expected and e.openers:
        closer = _SIGN[CLOSER[e.openers[-1].kind]]
        if {"ARROW", "PLUS"} <= e.expected and not e.starts_line and e.found.kind not in ("NUMBER", "STRING"):
            return e.unexpected(f"`->`, `,` or `{closer}`", f"put `->` or a comma before {found}")
        return e.unexpected(f"`,` or `{closer}`", f"put a comma before {found}")
    if "ARROW" in e.expected:
        return e.unexpected("`->`", f"put `->` before {found} to make it the next step")
    return None


def _open_bracket(e: Unexpected) -> Diagnostic | None:
    if e.openers and CLOSER[e.openers[-1].kind] in e.expected and not e.wants_value and e.before.kind != "COMMA":
        return _close(e, e.openers[-1])
    return None


def _anything(e: Unexpected) -> Diagnostic:
    """Say what could have stood here."""
    expected = set(e.expected)
    words: list[str] = []
    if {"THEN", "NAME", "STRING"} <= expected:
        words.append("a field")
        expected &= {"RBRACE"}
    elif e.wants_value:
        words.append("an expression")
        expected -= _FIRST | {"NOT", "IF", "MINUS", "TRUE", "FALSE", "VBAR", "DOTS"}
    elif {"TYPENAME", "NAME", "NUMBER"} <= expected:
        words.append("a type" if "LBRACE" in expected else "a name")
        expected -= _FIRST | {"MINUS", "TRUE", "FALSE", "VBAR", "DOTS", "DOC"}
    elif "NAME" in expected:
        words.append("a name")
        expected -= {"NAME", "TYPENAME"}
        expected -= {kind for kind in expected if len(expected) > 20 and kind.isalpha()}
    if STARTERS <= expected:
        words.append("a declaration")
        expected -= STARTERS | {"AT", "DOC", END, "MODULE_DOC", "ARCH"}
    sure = [f"`{e.words[kind]}`" for kind in sorted(expected - _GOES_ON) if kind in e.words]
    words += sure or ([] if words else [f"`{e.words[kind]}`" for kind in sorted(expected) if kind in e.words])
    names = {"NUMBER": "a number", "STRING": "a string", END: "the end of the file"}
    words += [text for kind, text in names.items() if kind in expected and not words]
    after = f" after {show(e.before)}" if e.at and e.before.kind not in ("DOC", "MODULE_DOC") else ""
    place = e.before if e.starts_declaration else e.found
    return e.says("A0001", f"expected {_either(words[:5])}{after}, found {show(e.found)}", token=place)


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1] if words else "something else"]))


_GUESSES: tuple[Callable[[Unexpected], Diagnostic | None], ...] = (
    _closer, _unclosed, _doc, _comment, *TYPE_GUESSES, _power, _name_start, _keyword, _case, _equals, _if, _return, _index, _chain,
    _weight, _declaration, _missing, _open_bracket, _anything,
)  # fmt: skip
