"""`archc compile`: a network or a data type in another language."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import At, Settings, Target

if TYPE_CHECKING:
    from archc.graph import Graph

NETWORKS = ("python", "arch", "json")
GRAMMARS = ("ebnf", "gbnf", "lark", "regex")
FORMATS = (*NETWORKS, *GRAMMARS)

To = Annotated[str, typer.Option("--to", metavar="|".join(FORMATS), help="What to write.")]
Account = Annotated[bool, typer.Option("--verbose", "-v", help="Also print where each bound of a type is enforced.")]
Out = Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="The file to write; - is standard output.")]


def compile_(
    target: Target,
    to: To,
    out: Out = "-",
    at: At = "",
    settings: Settings = [],  # noqa: B006
    verbose: Account = False,
) -> int:
    """Write a network as torch source, .arch text or JSON, or a data type as a grammar for decoding."""
    from archc.cli.output import emit, write_whole
    from archc.cli.target import built

    _require_format(to)
    text = _grammar(target, to, verbose=verbose) if to in GRAMMARS else _lowered(to, built(target, at, settings))
    if out == "-":
        emit(text)
    else:
        write_whole(Path(out), text)
    return 0


def _require_format(to: str) -> None:
    from difflib import get_close_matches

    from archc.cli.output import WrongCall

    if to not in FORMATS:
        near = get_close_matches(to, FORMATS, 1)
        label = f"nearest: {near[0]}" if near else f"there are: {', '.join(FORMATS)}"
        raise WrongCall(
            "A0909", f"`{to}` is no format that archc writes", to, label=label, hint=f"--to {(near or FORMATS)[0]}"
        )


def _lowered(to: str, graph: "Graph") -> str:
    if to == "python":
        from archc.lower.python import to_python

        return to_python(graph)
    if to == "json":
        from archc.lower.json_graph import to_json

        return to_json(graph)
    from archc.lower.arch import to_arch

    return to_arch(graph)


def _grammar(target: str, to: str, *, verbose: bool) -> str:
    import sys

    from archc.cli.output import emit
    from archc.cli.typed import typed
    from archc.lower.dialect import DIALECTS, account_lines, fitted
    from archc.lower.grammar_text import grammar_text
    from archc.refine import forest

    found = forest(typed(target))
    text = grammar_text(found, to)
    if verbose:
        emit("\n".join(account_lines(fitted(found, DIALECTS[to]))), to=sys.stderr)
    return text
