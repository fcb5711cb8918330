"""`archc decode`: a language model writes a document of a data type."""

from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.typed import TypeTarget

if TYPE_CHECKING:
    from archc.data.kinds import Schema

Model = Annotated[str, typer.Option("--model", metavar="PATH", help="The folder of a transformers model.")]
Prompt = Annotated[str, typer.Option("--prompt", metavar="TEXT", help="What the model reads before it writes.")]
Most = Annotated[str, typer.Option("--max-new-tokens", metavar="N", help="How many tokens it may write.")]
Seed = Annotated[str, typer.Option("--seed", metavar="S", help="Draw tokens; without, the likeliest is taken.")]
By = Annotated[str, typer.Option("--engine", metavar="auto|xgrammar|llguidance", help="What keeps watch.")]
Account = Annotated[bool, typer.Option("--verbose", "-v", help="Also print where each bound is enforced.")]


def decode(
    target: TypeTarget,
    model: Model,
    prompt: Prompt = "",
    most: Most = "2000",
    seed: Seed = "",
    engine: By = "auto",
    verbose: Account = False,
) -> int:
    """Let a local model write a document of the type.

    It cannot leave the type; the document is validated, filled in and printed.
    """
    import sys
    from pathlib import Path

    from archc.cli.output import emit
    from archc.cli.sample import whole
    from archc.cli.typed import typed
    from archc.lower.dialect import account_lines
    from archc.runtime.decode.constrain import constraint
    from archc.runtime.decode.generate import load_writer, written

    schema = typed(target)
    number, draw = whole(most, "--max-new-tokens"), whole(seed, "--seed") if seed else None
    _require_engine(engine)
    writer = load_writer(Path(model))
    keeps = constraint(schema, writer.tokenizer, engine, ends=writer.ends or None)
    if verbose:
        emit("\n".join([f"by {keeps.engine}", *account_lines(keeps.accounts)]), to=sys.stderr)
    return _print(schema, written(writer, keeps, prompt, most=number, seed=draw))


def _require_engine(name: str) -> None:
    from archc.cli.output import WrongCall
    from archc.runtime.decode.engines import ENGINES

    if name not in ("auto", *ENGINES):
        label = f"there are: auto, {', '.join(ENGINES)}"
        raise WrongCall("A0913", f"`{name}` is no engine of archc", name, label=label, hint="--engine auto")


def _print(schema: "Schema", text: str) -> int:
    """Print a document as it is filled in, or as it was written and what is wrong with it."""
    from archc.cli.output import emit, show
    from archc.data.validate import parse
    from archc.data.violations import DocumentError
    from archc.grammar.diagnostics import Diagnostic
    from archc.runtime.fits import compact

    try:
        emit(compact(parse(schema, text)))
    except DocumentError as error:
        emit(text)
        show([Diagnostic(found.code, str(found).partition("  ")[2]) for found in error.violations])
        return 1
    return 0
