"""`archc compile`: a network or a data type in another language."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import At, Settings, Target

if TYPE_CHECKING:
    from archc.graph import Graph

NETWORKS = ("python", "arch", "json")
GRAMMARS = ("ebnf", "gbnf", "lark", "regex")
SCHEMAS = ("json-schema", "pydantic")
FORMATS = (*NETWORKS, "svg", *GRAMMARS, *SCHEMAS)

To = Annotated[str, typer.Option("--to", metavar="|".join(FORMATS), help="What to write.")]
Account = Annotated[bool, typer.Option("--verbose", "-v", help="Also print where each bound of a type is enforced.")]
Strict = Annotated[bool, typer.Option("--strict", help="json-schema: the subset of hosted APIs.")]
Out = Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="The file to write; - is standard output.")]


def compile_(
    target: Target,
    to: To,
    out: Out = "-",
    at: At = "",
    settings: Settings = [],  # noqa: B006
    verbose: Account = False,
    strict: Strict = False,
) -> int:
    """Write a network or a data type in another language.

    A network becomes torch source, .arch text or JSON; a type a grammar, JSON Schema or pydantic.
    """
    from archc.cli.output import emit, write_whole
    from archc.cli.target import built

    _require_format(to, strict=strict)
    if to == "svg":
        _refuse_values({"--at": at, "--set": settings})
        text = _picture(target)
    elif to in SCHEMAS:
        text = _schema(target, to, verbose=verbose, strict=strict)
    else:
        text = _grammar(target, to, verbose=verbose) if to in GRAMMARS else _lowered(to, built(target, at, settings))
    if out == "-":
        emit(text)
    else:
        write_whole(Path(out), text)
    return 0


def _require_format(to: str, *, strict: bool) -> None:
    from difflib import get_close_matches

    from archc.cli.output import WrongCall

    if to not in FORMATS:
        near = get_close_matches(to, FORMATS, 1)
        label = f"nearest: {near[0]}" if near else f"there are: {', '.join(FORMATS)}"
        raise WrongCall(
            "A0909", f"`{to}` is no format that archc writes", to, label=label, hint=f"--to {(near or FORMATS)[0]}"
        )
    if strict and to != "json-schema":
        raise WrongCall(
            "A0901", f"`--strict` goes with json-schema, and not with {to}", "--strict", hint="--to json-schema"
        )


def _refuse_values(options: dict[str, object]) -> None:
    from archc.cli.output import WrongCall

    for option, value in options.items():
        if value:
            text = f"a picture shows a space as it is written, whatever `{option}` gives"
            raise WrongCall("A0901", text, option, hint=f"leave out {option}")


def _lowered(to: str, graph: "Graph") -> str:
    if to == "python":
        from archc.lower.python import to_python

        return to_python(graph)
    if to == "json":
        from archc.lower.json_graph import to_json

        return to_json(graph)
    from archc.lower.arch import to_arch

    return to_arch(graph)


def _picture(target: str) -> str:
    from archc.cli.typed import declared
    from archc.show.railroad import railroad

    program, name, _ = declared(target, ("space",))
    return railroad(program, name)


def _grammar(target: str, to: str, *, verbose: bool) -> str:
    import sys

    from archc.cli.output import emit
    from archc.cli.typed import typed
    from archc.grammars.refine import forest
    from archc.lower.dialect import DIALECTS, account_lines, fitted
    from archc.lower.grammar_text import grammar_text

    found = forest(typed(target))
    text = grammar_text(found, to)
    if verbose:
        emit("\n".join(account_lines(fitted(found, DIALECTS[to]).accounts)), to=sys.stderr)
    return text


def _schema(target: str, to: str, *, verbose: bool, strict: bool) -> str:
    import sys

    from archc.cli.output import emit
    from archc.cli.typed import typed
    from archc.lower.json_schema import schema_text, to_json_schema
    from archc.lower.pydantic_source import to_pydantic
    from archc.lower.strict_schema import to_strict_schema

    schema = typed(target)
    if to == "pydantic":
        text, accounts = to_pydantic(schema)
    else:
        lowered = to_strict_schema(schema) if strict else to_json_schema(schema)
        text, accounts = schema_text(lowered), lowered.accounts
    if verbose and accounts:
        lines = [f"  {entry.subject}: {entry.bound} ({entry.why})" for entry in accounts]
        emit("\n".join(["left to validation:", *lines]), to=sys.stderr)
    return text
