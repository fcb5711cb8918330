"""What a diagnostic looks like on a terminal and as JSON."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.render import render, to_json
from archc.grammar.source import NOWHERE, Source, Span

VIT = Source("vit.arch", "\n" * 14 + " -> Encoder(heads) * depth\n")
HEADS = Diagnostic(
    "A0203",
    "192 does not split into 5 heads",
    Span(18, 32, VIT),
    "SelfAttention needs [n, heads*k]; it gets [197, 192] with heads = 5",
    (
        Note("d = 192", "from conv(d, patch, \u2026)", Span(11, 12, VIT)),
        Note("heads = 5", "given on the command line"),
    ),
    "heads = 4 or 6 (divisors of 192 nearest 5)",
)


def test_a_diagnostic_is_laid_out_as_the_reference_shows() -> None:
    assert render([HEADS]) == (
        "A0203  192 does not split into 5 heads                             vit.arch:15:5\n"
        "   15 |  -> Encoder(heads) * depth\n"
        "      |     ^^^^^^^^^^^^^^ SelfAttention needs [n, heads*k]; it gets [197, 192] with heads = 5\n"
        "      |  d = 192      from conv(d, patch, \u2026) line 12\n"
        "      |  heads = 5    given on the command line\n"
        "   try  heads = 4 or 6 (divisors of 192 nearest 5)"
    )


def test_a_place_that_does_not_fit_stands_on_a_line_of_its_own() -> None:
    lines = render([Diagnostic("A0001", "word " * 18 + "end", Span(18, 20, VIT))], width=80).splitlines()
    assert lines[0].startswith("A0001  word word") and lines[1].startswith("       word")
    assert lines[2] == "vit.arch:15:5".rjust(80)


def test_without_a_place_there_are_no_carets() -> None:
    assert render([Diagnostic("A0901", "there is no command `x`", label="one of: check", hint="check")]) == (
        "A0901  there is no command `x`\n      | one of: check\n   try  check"
    )


def test_a_warning_says_so_and_paragraphs_are_apart() -> None:
    warning = Diagnostic("A0012", "odd", Span(18, 20, VIT), severity="warning")
    assert render([warning, warning]).count("A0012  warning: odd") == 2
    assert "\n\nA0012" in render([warning, warning])


def test_a_long_line_is_clipped_around_the_place() -> None:
    source = Source("x", "a" * 300 + "HERE" + "b" * 300)
    shown, carets = render([Diagnostic("A0001", "m", Span(300, 304, source))], width=80).splitlines()[1:3]
    assert len(shown) <= 80 and "\u2026a" in shown and shown.endswith("b\u2026")
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "HERE"


def test_tabs_and_wide_characters_keep_the_carets_below_their_text() -> None:
    source = Source("x", "\t\u65e5\u672c = x")
    shown, carets = render([Diagnostic("A0001", "m", Span(6, 7, source))]).splitlines()[1:3]
    assert shown == "    1 |     \u65e5\u672c = x" and carets == "      |            ^"


def test_a_span_of_many_lines_shows_its_first() -> None:
    source = Source("x", "one two\nthree\nfour\n")
    text = render([Diagnostic("A0001", "m", Span(4, 18, source))])
    assert text.splitlines()[1:] == ["    1 | one two", "      |     ^^^ and on to line 3"]


def test_the_end_of_the_file_is_a_place() -> None:
    source = Source("x", "one\n")
    assert render([Diagnostic("A0001", "m", Span(3, 3, source))]).splitlines()[1:] == ["    1 | one", "      |    ^"]
    assert render([Diagnostic("A0001", "m", Span(4, 4, source))]).splitlines()[0].endswith("x:2:1")
    assert render([Diagnostic("A0001", "m", Span(0, 0, Source("x", "")))]).splitlines()[0].endswith("x:1:1")


def test_a_note_in_another_file_names_it() -> None:
    note = Note("c", "declared in", Span(2, 3, Source("cells.arch", "\nabc")))
    assert "c    declared in cells.arch:2" in render([Diagnostic("A0203", "m", Span(18, 20, VIT), notes=(note,))])


def test_many_notes_are_counted() -> None:
    notes = tuple(Note(f"n{number}", "here") for number in range(40))
    lines = render([Diagnostic("A0203", "m", Span(18, 20, VIT), notes=notes)]).splitlines()
    assert len(lines) == 3 + 16 and lines[-1] == "      |  and 25 more"


def test_colour_changes_nothing_but_colour() -> None:
    coloured = render([HEADS], color=True)
    assert "\x1b[" in coloured and "\x1b[" not in render([HEADS])
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render([HEADS])


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=80), st.text(max_size=30), st.integers(0, 80), st.integers(0, 80), st.integers(20, 120))
def test_nothing_of_a_file_reaches_the_terminal_raw(text: str, said: str, start: int, length: int, width: int) -> None:
    source = Source(said or "x", text)
    start = min(start, len(text))
    span = Span(start, min(start + length, len(text)), source)
    found = Diagnostic("A0001", said, span, said, (Note(said, said, span),), said)
    written = render([found], width=width)
    assert all(char == "\n" or char.isprintable() or char.isspace() for char in written)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", written)
    assert json.loads(to_json([found]))["diagnostics"][0]["message"] == said


def test_json_has_the_same_keys_always() -> None:
    data = json.loads(to_json([HEADS, Diagnostic("A0901", "m", NOWHERE)]))
    assert data["version"] == 1
    first, second = data["diagnostics"]
    assert list(first) == list(second) == ["code", "severity", "message", "label", "file", "span", "notes", "hint"]
    assert first["file"] == "vit.arch" and second["file"] is None and second["span"] is None
    assert first["span"] == {
        "start": {"line": 15, "column": 5, "offset": 18}, "end": {"line": 15, "column": 19, "offset": 32},
    }  # fmt: skip
    assert first["notes"][1] == {
        "subject": "heads = 5",
        "text": "given on the command line",
        "file": None,
        "span": None,
    }


def test_no_label_takes_no_line() -> None:
    source = Source("a.arch", f"{'x' * 70}\n")
    lines = render([Diagnostic("A0001", "told", Span(0, 70, source), hint="fix")], width=78).splitlines()
    assert lines[2:] == ["      | " + "^" * 70, "   try  fix"]
