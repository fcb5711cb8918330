"""`archc report`: what a search found, on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archc.search.reading import Contents

StorePath = Annotated[str, typer.Argument(metavar="STORE", help="The store of a search, such as Cell.archdb.")]
Out = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The page; STORE.html if nothing is said.")]
Against = Annotated[str, typer.Option("--against", metavar="STORE", help="A random search to compare with.")]


def report(store: StorePath, output: Out = "", against: Against = "", json: Json = False) -> int:
    """Write what a search found on one HTML page that opens offline, and print its leaderboard."""
    from archc.cli.found import SHOWN, board, leaders, no_result, without
    from archc.cli.output import WrongCall, emit, emit_json, write_whole
    from archc.search.export import record
    from archc.search.findings import findings
    from archc.search.origin import space_again
    from archc.search.reports.page import page

    contents, other = _read(store), _read(against) if against else None
    found = findings(contents, other)
    best = leaders(found.trials, found.objective)
    if not best:
        message, _ = no_result(found.trials)
        raise WrongCall("A0927", f"`{store}` has {len(found.trials)} trials; {message}", store)
    space = space_again(contents.about, Path(store).absolute().parent)
    path = Path(output or f"{store.removesuffix('.archdb')}.html")
    write_whole(path, page(found, best, space, store))
    if json:
        emit_json({"page": str(path), "best": [record(trial) for trial in best[:SHOWN]]})
    else:
        missing = "" if space is not None else "; its space is not here, so it has no pictures"
        emit(
            "\n".join(
                [
                    *board(best[:SHOWN], found.objective),
                    "",
                    *_damage(found.damage),
                    *without(found.trials),
                    f"the page is {path}{missing}",
                ]
            )
        )
    return 0


def _damage(damage: "Sequence[str]") -> list[str]:
    return [f"damaged: {'; '.join(damage)}; archc search --resume --salvage goes on with the rest"] if damage else []


def _read(store: str) -> "Contents":
    from archc.cli.output import WrongCall
    from archc.search.reading import read
    from archc.search.store import StoreError

    try:
        return read(Path(store))
    except StoreError as error:
        raise WrongCall("A0924", str(error), store) from error
