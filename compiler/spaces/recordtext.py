"""The text of a record -> the record: JSON, or a program with a space that has this one member."""

import json

from archc.check import Program, check
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.grammar.source import NOWHERE
from archc.load import load_text
from archc.rules.records import is_record
from archc.spaces.forest import Derivation, Forest, script
from archc.spaces.realize import Entry, realize
from archc.spaces.refine import refine
from archc.values import Applied


def record_in(text: str, name: str) -> dict[str, Entry]:
    """Return the record in a text: JSON, or a program with a space called `name`, or else a last one, that has one member.

    Raises CompileError where there is none.
    """
    if text.lstrip().startswith("{"):
        return _json_record(text)
    program = check(load_text(text, "<text>", None))
    kinds = {key: program.definition(key) for key, found in program.declarations.items() if found.kind == "space"}
    records = [key for key, definition in kinds.items() if is_record(program.scopes, Applied(definition))]
    if not records:
        raise _no_record("the text has no space of records")
    return record_of(program, name if name in records else records[-1])


def record_of(program: Program, name: str) -> dict[str, Entry]:
    """Return the only record of the space `name`. Raises CompileError where it is no space of records, or has more members."""
    if not is_record(program.scopes, Applied(program.definition(name))):
        raise _no_record(f"`{name}` has networks")
    forest = refine(program, name).forest
    if any(len(row) > 1 for row in forest.rows) or any(site.is_continuous for site in forest.sites):
        raise _no_record(f"`{name}` has more than one")
    return realize(program, name, arguments={}, at=None, script=script(forest, _only(forest)))


def _only(forest: Forest) -> Derivation:
    """Return the derivation of a forest that has one."""
    edges: list[int] = []
    waiting = [forest.root]
    while waiting:
        edges.append(forest.rows[waiting.pop()][0])
        waiting.extend(reversed(forest.calls[edges[-1]]))
    return Derivation(tuple(edges))


def _json_record(text: str) -> dict[str, Entry]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _no_record(f"this is no JSON: {error}") from error
    assert isinstance(found, dict), found
    return found


def _no_record(text: str) -> CompileError:
    hint = "space Recipe = { epochs = 10 }"
    return CompileError([Diagnostic("A0703", f"one record is expected, and {text}", NOWHERE, hint=hint)])
