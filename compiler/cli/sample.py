"""`archc sample`: random documents of a data type."""

from typing import Annotated

import typer

from archc.cli.typed import TypeTarget

Number = Annotated[str, typer.Option("-n", "--number", metavar="N", help="How many documents.")]
Seed = Annotated[str, typer.Option("--seed", metavar="S", help="The same seed draws the same documents.")]
Filled = Annotated[bool, typer.Option("--filled", help="Write computed fields too, which decoding leaves out.")]


def sample(target: TypeTarget, number: Number = "1", seed: Seed = "0", filled: Filled = False) -> int:
    """Print random documents of a type, one on a line."""
    from random import Random

    from archc.cli.output import emit
    from archc.cli.typed import typed
    from archc.runtime.documents import Documents

    times, start = whole(number, "-n"), whole(seed, "--seed")
    documents = Documents(typed(target))
    rng = Random(start)
    for _ in range(times):
        emit(documents.text(rng, filled=filled))
    return 0


def whole(text: str, option: str) -> int:
    """Return the number that an option was given. Raises WrongCall when it is none."""
    from archc.cli.output import WrongCall

    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise WrongCall("A0901", f"`{option}` takes a whole number", text, hint=f"{option} 10")
