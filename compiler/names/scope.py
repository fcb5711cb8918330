"""Modules -> the names that each one sees."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.load import Loaded
from archc.names.mentions import qualified
from archc.values import Definition

SCALARS = (
    "Float",
    "Int",
    "Bool",
    "Id",
    "String",
    "Decimal",
    "Date",
    "DateTime",
    "Time",
    "Uuid",
    "Uri",
    "Email",
    "Null",
    "Map",
)


@dataclass(frozen=True, slots=True)
class Names:
    """What one module sees: its own declarations, what it imports by name, its aliases, and what whole imports bring."""

    own: Mapping[str, Definition]
    imported: Mapping[str, Definition]
    whole: Mapping[str, Definition]
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scopes:
    """The names of every module; ops, fns and types of std.nn (module 0) are seen by all.

    `asked` are the qualifiers that a type of the program mentions: no other is looked after.
    """

    modules: tuple[Names, ...]
    asked: frozenset[str] = frozenset()

    def find(self, module: int, name: str) -> Definition | None:
        """Return what `name` means in `module`, or None."""
        names = self.modules[module]
        found = names.own.get(name) or names.imported.get(name) or names.whole.get(name)
        if found is None and module != 0:
            library = self.modules[0].own.get(name)
            return library if library and library.declaration.kind in ("op", "fn", "type") else None
        return found

    def member(self, module: int, alias: str, name: str) -> Definition | None:
        """Return `alias.name` as `module` sees it, or None."""
        number = self.modules[module].aliases.get(alias)
        return self.modules[number].own.get(name) if number is not None else None

    def mentioned(self, module: int, name: str) -> Definition | None:
        """Return what `name` or `alias.name` means in `module`, or None."""
        alias, _, own = name.rpartition(".")
        return self.member(module, alias, own) if alias else self.find(module, name)

    def known(self, module: int) -> Iterable[str]:
        """Return every name that `module` sees."""
        names = self.modules[module]
        library = (
            name for name, found in self.modules[0].own.items() if found.declaration.kind in ("op", "fn", "type")
        )
        return {*names.own, *names.imported, *names.whole, *library}

    def elsewhere(self, module: int, name: str) -> str:
        """Return the import that would bring `name` into `module`, or an empty string."""
        return f"import std.nn ({name})" if name in self.modules[0].own and module != 0 else ""


def scopes(loaded: Loaded) -> tuple[Scopes, tuple[Diagnostic, ...]]:
    """Return the names of every module, with complaints on duplicates and on imports of what is not there."""
    own: list[dict[str, Definition]] = []
    found: list[Diagnostic] = []
    for number, module in enumerate(loaded.modules):
        own.append(_own(number, module.file, found))
    names = tuple(_names(loaded, number, own, found) for number in range(len(loaded.modules)))
    return Scopes(names, frozenset(_qualifiers(own[1:]))), tuple(found)


def _qualifiers(modules: Iterable[Mapping[str, Definition]]) -> Iterator[str]:
    for own in modules:
        for definition in own.values():
            for kind in (definition.declaration.type, *(p.type for p in definition.declaration.parameters or ())):
                for found in qualified(kind):
                    yield found.qualifier


def _own(number: int, file: s.File, found: list[Diagnostic]) -> dict[str, Definition]:
    own: dict[str, Definition] = {}
    for item in file.items:
        if not isinstance(item, s.Declaration):
            continue
        if item.name in own:
            first = Note(f"`{item.name}`", "first declared", own[item.name].declaration.name_span)
            found.append(
                Diagnostic(
                    "A0105",
                    f"`{item.name}` is declared twice",
                    item.name_span,
                    "the second",
                    (first,),
                    "rename one of them",
                )
            )
        else:
            own[item.name] = Definition(number, item)
    return own


def _names(loaded: Loaded, number: int, own: list[dict[str, Definition]], found: list[Diagnostic]) -> Names:
    module = loaded.modules[number]
    imported: dict[str, Definition] = {}
    whole: dict[str, Definition] = {}
    aliases: dict[str, int] = {}
    items = [item for item in module.file.items if isinstance(item, s.Import)]
    for item, target in zip(items, module.imports, strict=True):
        if item.alias:
            aliases[item.alias] = target
        for name, span in zip(item.names, item.name_spans, strict=True):
            if name in own[target]:
                imported[name] = own[target][name]
            else:
                nearest = get_close_matches(name, own[target], 3)
                label = f"it has {', '.join(nearest or sorted(n for n in own[target] if n[0].isupper())[:5])}"
                hint = nearest[0] if nearest else ""
                found.append(Diagnostic("A0604", f"`{item.path}` has no `{name}`", span, label, hint=hint))
        if not item.alias and not item.names:
            whole.update((name, entry) for name, entry in own[target].items() if name[0].isupper())
    return Names(own[number], imported, whole, aliases)
