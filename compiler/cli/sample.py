"""`archc sample`: members of a space, or random documents of a data type."""

from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.count import Counted, refuse_options
from archc.cli.options import At, Json, Settings
from archc.cli.output import WrongCall
from archc.cli.refined import Distinct, Where

if TYPE_CHECKING:
    from archc.check import Program

Number = Annotated[str, typer.Option("-n", "--number", metavar="N", help="How many.")]
Seed = Annotated[str, typer.Option("--seed", metavar="S", help="The same seed draws the same members or documents.")]
Uniform = Annotated[bool, typer.Option("--uniform", help="Every derivation alike, rather than by weight.")]
Index = Annotated[str, typer.Option("--index", metavar="I", help="The member of this number, from 0 on.")]
Out = Annotated[
    str, typer.Option("-o", "--out", metavar="OUT.arch", help="Write each as a program; -n 3: OUT-1.arch ...")
]
Filled = Annotated[bool, typer.Option("--filled", help="Of a type: write computed fields too.")]


def sample(
    target: Counted,
    number: Number = "1",
    seed: Seed = "0",
    at: At = "",
    settings: Settings = [],  # noqa: B006
    where: Where = "",
    uniform: Uniform = False,
    index: Index = "",
    distinct: Distinct = False,
    out: Out = "",
    filled: Filled = False,
    json: Json = False,
) -> int:
    """Print one member of a space as a program, or a line for each of several; of a data type, a document on each line."""
    from archc.cli.drawing import Draw, printed
    from archc.cli.refined import countable, space_at
    from archc.cli.typed import declared

    times, start = whole(number, "-n"), whole(seed, "--seed")
    program, name, kind = declared(target, ("space", "type"))
    if kind == "type":
        given = {"--at": at, "--set": settings, "--where": where, "--uniform": uniform, "--index": index}
        refuse_options(name, {**given, "--distinct": distinct, "--out": out, "--json": json})
        return _documents(program, name, times, start, filled=filled)
    if filled:
        raise WrongCall(
            "A0901", f"`--filled` goes with a type, and `{name}` is a space", "--filled", hint="leave it out"
        )
    draw = Draw(times, start, "count" if uniform else "weights", _number(index, times), distinct)
    with countable(program, name):
        printed(space_at(program, name, at, settings, where), draw, out, as_json=json)
    return 0


def whole(text: str, option: str) -> int:
    """Return the number that an option was given. Raises WrongCall when it is none."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    message = f"`{option}` takes a whole number from 0 on, with at most nine digits"
    raise WrongCall("A0901", message, text, hint=f"{option} 10")


def _number(index: str, times: int) -> int | None:
    """Return the number of a member, which may have as many digits as spaces are large."""
    from decimal import Decimal

    if not index:
        return None
    if not (index.isascii() and index.isdigit() and len(index) <= 100_000):
        raise WrongCall("A0901", "`--index` takes the number of a member", index, hint="--index 0")
    if times != 1:
        raise WrongCall("A0901", "`--index` is one member, and `-n` asks for several", "--index", hint="leave out -n")
    return int(Decimal(index))


def _documents(program: "Program", name: str, times: int, start: int, *, filled: bool) -> int:
    from random import Random

    from archc.cli.output import emit
    from archc.data.schema import schema
    from archc.runtime.documents import Documents

    documents = Documents(schema(program, name))
    rng = Random(start)
    for _ in range(times):
        emit(documents.text(rng, filled=filled))
    return 0
