"""The space of a search <-> what its store notes of it, so that a report, a colleague or a later run has it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archc.build import Argument
from archc.check import check
from archc.grammar.diagnostics import CompileError
from archc.load import load_file, load_text
from archc.members import Space, space_of
from archc.search.about import About, hash_of_space
from archc.search.latency import table_of
from archc.search.protocol import Json


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a space came from: a file and its text, the name, the input type, the settings, and the condition.

    `latency` is what a table of latencies notes, if there is one.
    """

    file: str
    text: str
    name: str
    at: str = ""
    settings: Mapping[str, Argument] | None = None
    where: str = ""
    latency: Json = None

    def notes(self, command: str) -> dict[str, Json]:
        """Return what the store notes, with the command that made it."""
        settings = {key: _plain(value) for key, value in (self.settings or {}).items()}
        own: dict[str, Json] = {"file": self.file, "text": self.text, "space": self.name, "at": self.at}
        timed: dict[str, Json] = {} if self.latency is None else {"latency": self.latency}
        return own | {"set": settings, "where": self.where, "command": command} | timed


def _plain(value: Argument) -> Json:
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else value


def origin_of(notes: Mapping[str, Json]) -> Origin | None:
    """Return what a store notes of its space; None where it notes none."""
    match notes:
        case {
            "file": str() as file,
            "text": str() as text,
            "space": str() as name,
            "at": str() as at,
            "set": Mapping() as settings,
            "where": str() as where,
        }:
            arguments = {key: _argument(value) for key, value in settings.items()}
            return Origin(file, text, name, at, arguments, where, notes.get("latency"))
        case _:
            return None


def _argument(value: Json) -> Argument:
    match value:
        case bool() | int() | float() | str():
            return value
        case list():
            return tuple(_argument(entry) for entry in value)
        case _:
            raise AssertionError(value)


def space_again(about: About, folder: Path) -> Space | None:
    """Return the space of a store in a folder, from the file it came from or else from the text that is noted.

    None where neither gives the same space: imports that are not there, an edited file, another edition.
    """
    origin = origin_of(about.notes)
    if origin is None:
        return None
    places = [Path(origin.file), folder / Path(origin.file).name]
    for path in [*(place for place in places if place.is_file()), None]:
        try:
            loaded = load_file(path) if path is not None else load_text(origin.text, origin.file, folder)
            space = space_of(check(loaded), origin.name, origin.at or None, origin.settings or {})
            table = table_of(origin.latency)
            space = space if table is None else table.onto(space)
            space = space.where(origin.where) if origin.where else space
        except (CompileError, KeyError, ValueError, OSError):
            continue
        if hash_of_space(space) == about.space:
            return space
    return None
