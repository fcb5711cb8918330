"""A network or record -> the derivations of a forest that make it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from archc.build import Argument, At
from archc.check import Program
from archc.graph import Graph
from archc.rules.scripts import Script
from archc.spaces.forest import Derivation, Forest, script
from archc.spaces.identity import hash_of
from archc.spaces.membership import derivation_of
from archc.spaces.options import Options, options_for
from archc.spaces.outside import OutsideError, outside
from archc.spaces.parsing import Search, search_for
from archc.spaces.realize import Entry
from archc.spaces.recordback import RecordSearch, graphs_in
from archc.spaces.tracing import target

LOOKED_UP, BUILT = 1_000, 150
"""The steps that it takes to look decisions up in a forest, and to build each op of what they make."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Derivations that make a network; `is_complete` tells whether there are no others.

    Where bounds left none of them, `beyond` is one of the whole forest.
    """

    derivations: tuple[Derivation, ...]
    is_complete: bool
    beyond: Derivation | None = None


@dataclass(slots=True, eq=False)
class Reading:
    """The space `name` at an input type: its forest, and the `whole` one from which bounds on costs left that.

    `hash` is the identity of what some decisions make; it takes as long as to build that.
    """

    program: Program
    name: str
    arguments: Mapping[str, Argument]
    at: At | None
    forest: Forest
    whole: Forest
    hash: Callable[[Script], str]
    wanted: str = ""
    ops: int = 0
    spent: int = 0
    beyond: Derivation | None = None
    _known: dict[Script, Derivation | None] = field(default_factory=dict)

    def network(self, graph: Graph, *, most: int, steps: int) -> Found:
        """Return the derivations that make a network, `most` of them at most. Raises OutsideError where it is no member."""
        self.wanted = hash_of(graph)
        some = options_for(graph, self.whole, self.program.scopes, self.program.definition(self.name))
        for options in (some, Options()) if some.left else (some,):
            search = search_for(
                self.program, self.name, graph, arguments=self.arguments, at=self.at, steps=steps, options=options
            )
            self.ops = len(search.target.text)
            found = self._tried(search, search.found(), most, steps)
            if found.derivations or found.beyond is not None:
                return found
        raise OutsideError(outside(search))

    def record(self, wanted: Mapping[str, Entry], hash: str, *, most: int, steps: int) -> Found:
        """Return the derivations that make a record of this identity. Raises OutsideError where it is no member."""
        self.wanted, self.ops = hash, sum(len(target(graph).text) for graph in graphs_in(wanted))
        search = RecordSearch(self.program, self.name, self.arguments, self.at, wanted, steps)
        found = self._tried(search, ((decisions, False) for decisions in search.found()), most, steps)
        if found.derivations or found.beyond is not None:
            return found
        raise OutsideError(search.outside())

    def _tried(
        self, search: Search | RecordSearch, candidates: Iterator[tuple[Script, bool]], most: int, steps: int
    ) -> Found:
        """Return what of a search makes what is wanted; what is said to be alike is that without a look at it."""
        found: dict[Derivation, None] = {}
        self.spent = 0
        for decisions, alike in candidates:
            derivation = self._derivation(decisions, alike=alike)
            if derivation is not None and derivation not in found and len(found) == most:
                return Found(tuple(found), is_complete=False)
            if derivation is not None:
                found[derivation] = None
            if self.spent > steps:
                return Found(tuple(found), is_complete=False, beyond=None if found else self.beyond)
        return Found(tuple(found), search.is_complete, None if found else self.beyond)

    def _derivation(self, decisions: Script, *, alike: bool) -> Derivation | None:
        """Return the derivation of the forest that makes these decisions, if they make what is wanted."""
        if decisions not in self._known:
            self._known[decisions] = self._looked_up(decisions, alike=alike)
        return self._known[decisions]

    def _looked_up(self, decisions: Script, *, alike: bool) -> Derivation | None:
        self.spent += LOOKED_UP
        found = derivation_of(self.forest, decisions)
        if found is None and (self.beyond is not None or self.whole is self.forest):
            return None
        whole = self.forest if found is not None else self.whole
        known = derivation_of(whole, decisions) if found is None else found
        if known is None or not (alike or self._hash(script(whole, known)) == self.wanted):
            return None
        if found is None:
            self.beyond = known
        return found

    def _hash(self, decisions: Script) -> str:
        self.spent += BUILT * self.ops
        return self.hash(decisions)
