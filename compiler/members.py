"""What a user holds of a space: its forest with all that is asked of it, and the members of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, SupportsIndex

from archc.asked import chance, rank, times, weighing
from archc.build import Argument, At, build, network_in
from archc.check import Program
from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.graph import Graph
from archc.networks import Field, Network, fields_of, record_hash, record_text
from archc.rules.records import is_record
from archc.rules.scripts import Script, key_of
from archc.runtime.derivations import (
    best,
    conditions,
    distance,
    edit,
    fit,
    histogram,
    measure,
    narrow,
    neighbours,
    ranks,
    restrict,
    weights,
)
from archc.runtime.derivations.draw import By, Sampler
from archc.runtime.derivations.sums import TooManyStates
from archc.runtime.derivations.unique import distinct as drawn_apart
from archc.runtime.derivations.unique import draw_distinct
from archc.show.summary import Summary
from archc.spaces.costs import Costs
from archc.spaces.forest import Cells, Derivation, Forest, Site, script
from archc.spaces.identity import hash_of
from archc.spaces.membership import derivation_of
from archc.spaces.outside import OutsideError, beyond
from archc.spaces.readback import Found, Reading
from archc.spaces.realize import Entry, realize
from archc.spaces.recordtext import record_in
from archc.spaces.refine import Refined, refine
from archc.tensor import Variable
from archc.values import Applied

if TYPE_CHECKING:
    import torch


SMALL, SMALL_OPS = 1_000, 20_000
"""Of so many derivations, that have so many ops together, all are built to find a network among them."""


@dataclass(frozen=True, eq=False)
class Space:
    """A space at one input type: a forest in which every derivation is a well-typed network.

    `sites` hold the shares of every choice; they are the forest's own, or those that `fit` found. What is asked of a
    `cost` takes one of `params`, `macs`, `flops`, `activation_bytes`, `nodes` or `count(op)`.
    """

    program: Program = field(repr=False)
    name: str
    arguments: Mapping[str, Argument]
    at: At | None
    refined: Refined = field(repr=False)
    forest: Forest = field(repr=False)
    sites: tuple[Site, ...] = field(repr=False)
    measured: Costs = field(repr=False)
    origin: "restrict.Origin | None" = field(default=None, repr=False)
    kept: tuple[narrow.Kept, ...] = field(default=(), repr=False)

    # ---------------------------------------------------------------- size
    @property
    def exact(self) -> bool:
        """Whether the forest has every well-typed member; otherwise `lost` of their weight was left out."""
        return self.forest.exact

    @cached_property
    def of_records(self) -> bool:
        """Whether its members are records: recipes, or joint spaces of networks and recipes."""
        return is_record(self.program.scopes, Applied(self.program.definition(self.name)))

    @cached_property
    def has_networks(self) -> bool:
        """Whether members are networks, or records of which some field is one."""
        cells = self.refined.forest.cells
        types = cells.types if isinstance(cells, Cells) else ()
        return not self.of_records or any(isinstance(kind, Variable) and " -> " in kind.name for kind in types)

    @property
    def lost(self) -> float:
        """At most this share of the weight of all members was left out, to keep the forest small."""
        return self.forest.lost

    def count(self) -> int:
        """Return how many derivations there are, exactly; a continuous range counts 1."""
        return measure.count(self.forest)

    def types(self) -> dict[str, int]:
        """Return how many derivations have each output type, by its text."""
        counts = measure.counts(self.forest)
        found: dict[str, int] = {}
        for edge in self.forest.rows[self.forest.root]:
            for child in self.forest.calls[edge]:
                target = self.forest.cells[child].target
                found[target] = found.get(target, 0) + counts[child]
        return found

    def costs(self, cost: str, within: str = "") -> list[int]:
        """Return what each edge of the forest adds to a cost; with `within`, in a field on which the space has a bound.

        Raises ValueError on another cost.
        """
        whole = self.measured.edges(cost, within)
        return whole if self.origin is None else self.origin.costs(whole)

    def range(self, cost: str) -> tuple[int, int]:
        """Return the least and the greatest cost of a member."""
        costs, root = self.costs(cost), self.forest.root
        return measure.least(self.forest, costs)[root], measure.greatest(self.forest, costs)[root]

    def moments(self, cost: str, *, by: By = "weights") -> weights.Moments:
        """Return the mean and variance of a cost over all members, by their weights or all alike."""
        return weights.moments(self.forest, self._chances(by), self.costs(cost))

    def histogram(self, cost: str) -> histogram.Histogram:
        """Return how many members have each cost; in buckets where there are too many costs, which it says."""
        return histogram.histogram(self.forest, self.costs(cost))

    def entropy(self, *, by: By = "weights") -> float:
        """Return the entropy of a draw in nats."""
        return weights.entropy(self.forest, self._chances(by))

    def within(self, cost: str, low: int | None = None, high: int | None = None) -> "Space":
        """Return the space of exactly those members whose cost is from `low` to `high`.

        Raises TooManyStates where there are too many different costs to tell apart, ValueError where none is within.
        """
        found = restrict.restrict(self.forest, self.costs(cost), low=low, high=high)
        return replace(self, forest=found.forest, origin=restrict.Origin(found, self.origin))

    def where(self, condition: str) -> "Space":
        """Return the space of the members that fulfil a condition such as `params <= 5M and count(zero) == 0`.

        Where there are too many costs to tell apart, members near a bound are missing, and none is beyond it: `kept` says
        for each bound how many members are left, whether these are all, and which share of those within the bound.
        Raises ConditionError on what is no condition, NoneWithin where it leaves no member, TooManyStates where it
        cannot be kept at all.
        """
        space = self
        for wanted in conditions.bounds(condition, times=self.measured.times):
            space = space.narrowed(wanted, space.costs(wanted.cost))
        return space

    def narrowed(self, wanted: conditions.Bounds, costs: Sequence[int]) -> "Space":
        """Return the space of the members for which the `costs` of their edges are within bounds; raises as `where`."""
        steps, kept = narrow.narrow(self.forest, costs, wanted)
        space = self
        for step in steps:
            space = replace(space, forest=step.forest, origin=restrict.Origin(step, space.origin))
        return replace(space, kept=(*space.kept, kept))

    # ---------------------------------------------------------------- members
    def sample(self, rng: Random, n: int = 1, *, by: By = "weights", distinct: bool = False) -> "list[Member]":
        """Return `n` members, drawn by their weights given that they are well typed, or (by="count") all alike.

        If `distinct`, no derivation comes twice; raises TooFewDerivations where there are not so many, ValueError on a
        negative `n`, and on another `by`, TypeError where `rng` is no random.Random.
        """
        rng, n = chance(rng), times(n)
        if distinct:
            drawn: Sequence[Derivation] = draw_distinct(self.forest, rng, n, by=weighing(by), sites=self.sites)
        else:
            drawn = self.sampler(by).batch(rng, n) if n > 64 else [self.sampler(by).draw(rng) for _ in range(n)]
        return [Member(self, derivation) for derivation in drawn]

    def architectures(self, rng: Random, *, by: By = "weights", tries: int = 100_000) -> "Iterator[Member]":
        """Yield members of which no two are one architecture, as draws without replacement come by them.

        Each draw is built to tell. It ends with the space, or after so many draws in a row that were known already.
        """
        seen: set[str] = set()
        known = 0
        for derivation in drawn_apart(self.forest, chance(rng), by=weighing(by), sites=self.sites):
            member = Member(self, derivation)
            known += 1
            if member.hash not in seen:
                seen.add(member.hash)
                known = 0
                yield member
            elif known == tries:
                return

    def sampler(self, by: By = "weights") -> Sampler:
        """Return what draws derivations; building it takes longer than a draw."""
        return self._by_weights if weighing(by) == "weights" else self._by_count

    def rank(self, member: "Member") -> int:
        """Return the number of a member, from 0 to count() - 1. Raises ValueError on a member of another space."""
        return ranks.rank(self.forest, self._derivation(member))

    def __getitem__(self, index: SupportsIndex) -> "Member":
        """Return the member of that number. Raises IndexError where there is none, TypeError on what is no number."""
        return Member(self, ranks.unrank(self.forest, rank(index, self.count())))

    def __contains__(self, member: object) -> bool:
        return isinstance(member, Member) and self._found(member) is not None

    def __iter__(self) -> "Iterator[Member]":
        """Yield all members in the order of their numbers."""
        return (Member(self, derivation) for derivation in ranks.enumerate_from(self.forest))

    def likeliest(self) -> "Iterator[tuple[float, Member]]":
        """Yield the members with the logarithm of their probability, the likeliest first."""
        for value, derivation in best.likeliest(self.forest, self.sites):
            yield value, Member(self, derivation)

    def cheapest(self, cost: str) -> "Iterator[tuple[int, Member]]":
        """Yield the members with their cost, the cheapest first."""
        for value, derivation in best.cheapest(self.forest, self.costs(cost)):
            yield value, Member(self, derivation)

    def parse(self, text: str, *, most: int = 1_000, steps: int = 5_000_000) -> "Parsed":
        """Return the members that are the network in `text`, a program of one model or block: `most` of them at most.

        Of a space of records, `text` is a program with a space of one record, such as the `text` of a member, or the JSON of
        a record without networks.

        The search takes so many `steps` at most (a million of them is a second or less), and says whether it came to its
        end. Of a space of more than 1,000 derivations it finds those whose every operation is one of the text's, and not
        those that have parts besides which nothing reads. Raises OutsideError, which says where the text leaves the space
        or which bound it breaks, and CompileError where the text is wrong.
        """
        found = record_in(text, self.name) if self.of_records else network_in(text, self.name, self.at)
        return self.parsed(found, most=most, steps=steps)

    def parsed(self, graph: Graph | Mapping[str, Entry], *, most: int = 1_000, steps: int = 5_000_000) -> "Parsed":
        """Return the members that are this network or record, as `parse` does; raises TypeError where members are the other."""
        if isinstance(graph, Graph) == self.of_records:
            kinds = "records, and a network" if self.of_records else "networks, and a record"
            raise TypeError(f"members of `{self.name}` are {kinds} is given")
        if isinstance(graph, Mapping):
            identity = record_hash(fields_of(dict(graph)))
            return self._read(self._reading.record(graph, identity, most=most, steps=steps))
        small = self.count() <= SMALL and self.count() * self.range("nodes")[1] <= SMALL_OPS
        if small and (known := self._by_hash.get(hash_of(graph))):
            return Parsed(tuple(known[:most]), is_complete=len(known) <= most)
        return self._read(self._reading.network(graph, most=most, steps=steps), graph)

    @property
    def _reading(self) -> Reading:
        whole = self.refined.forest
        return Reading(self.program, self.name, self.arguments, self.at, self.forest, whole, self._identity)

    def _identity(self, decisions: Script) -> str:
        if self.of_records:
            made = realize(self.program, self.name, arguments=self.arguments, at=self.at, script=decisions)
            return record_hash(fields_of(made))
        return hash_of(build(self.program, self.name, arguments=self.arguments, at=self.at, script=decisions))

    def _read(self, found: Found, graph: Graph | None = None) -> "Parsed":
        """Return the members that were found. Raises OutsideError where bounds left none."""
        if found.beyond is None:
            return Parsed(tuple(Member(self, entry) for entry in found.derivations), found.is_complete)
        broken = {}
        for bounds in (entry.bounds for entry in self.kept):
            costs = self.measured.edges(*bounds.cost.rpartition(".")[::-2])
            cost = sum(costs[edge] for edge in found.beyond.edges)
            if not bounds.allows(cost):
                broken[str(bounds)] = f"{bounds.cost} is {cost:,}{bounds.unit}"
        raise OutsideError(beyond(self.name, broken, graph))

    def logprob(self, member: "Member") -> float:
        """Return the natural logarithm of the probability that a draw is this derivation."""
        return weights.logprob(self.forest, self._derivation(member), self.sites, weights=self._weights)

    def fitted(self, members: "Sequence[Member]", *, smoothing: float = 1.0) -> "Space":
        """Return the space with the shares of greatest likelihood for these members: the cross-entropy method's update.

        The space's own shares count for `smoothing` decisions at each choice. Raises ValueError on less than 0.
        """
        return replace(self, sites=fit.fit(self.forest, [*map(self._derivation, members)], smoothing=smoothing))

    # ---------------------------------------------------------------- edits
    def mutate(self, member: "Member", rng: Random) -> "Member":
        """Return a member in which one part is drawn anew from all parts of its type; never the same one.

        Raises NoOther where the space has no other member.
        """
        return Member(self, edit.mutate(self.forest, self._derivation(member), chance(rng), sampler=self._by_weights))

    def crossover(self, one: "Member", other: "Member", rng: Random) -> "tuple[Member, Member] | None":
        """Return both with two parts of one type exchanged; None where they have none that differ."""
        found = edit.crossover(self.forest, self._derivation(one), self._derivation(other), chance(rng))
        return None if found is None else (Member(self, found[0]), Member(self, found[1]))

    def neighbours(self, member: "Member", rng: Random | None = None) -> "Iterator[Member]":
        """Yield the members that differ in one choice, in a random order if `rng` is given."""
        return (
            Member(self, entry)
            for entry in neighbours.neighbours(
                self.forest, self._derivation(member), rng=None if rng is None else chance(rng)
            )
        )

    def distance(self, one: "Member", other: "Member") -> "tuple[int, tuple[distance.Edit, ...]]":
        """Return how many edits of nodes lead from one derivation to the other, and which (Zhang and Shasha 1989)."""
        return distance.distance(self.forest, self._derivation(one), self._derivation(other))

    # ---------------------------------------------------------------- worked out once
    @cached_property
    def _by_hash(self) -> "dict[str, list[Member]]":
        """The members of each architecture."""
        found: dict[str, list[Member]] = {}
        for member in self:
            found.setdefault(member.hash, []).append(member)
        return found

    @cached_property
    def _weights(self) -> weights.Weights:
        return weights.by_weight(self.forest, self.sites)

    @cached_property
    def _by_weights(self) -> Sampler:
        return Sampler(self.forest, "weights", sites=self.sites)

    @cached_property
    def _by_count(self) -> Sampler:
        return Sampler(self.forest, "count")

    def _chances(self, by: By) -> Sequence[float]:
        return self._weights.chances if weighing(by) == "weights" else weights.by_count(self.forest)

    def _derivation(self, member: "Member") -> Derivation:
        """Return the derivation of a member in this forest. Raises ValueError on a member of another space."""
        if not isinstance(member, Member):
            raise TypeError(f"expected a member of `{self.name}`, such as space[0], found {member!r}")
        found = self._found(member)
        if found is None:
            raise ValueError(f"{member!r} is no member of this space, `{self.name}`")
        return found

    def _found(self, member: "Member") -> Derivation | None:
        """Return the derivation in this forest of a member of the space, or of a part of it, found by its decisions."""
        if member.space.forest is self.forest:
            return member.derivation
        declared, other = (of.program.definition(of.name).declaration for of in (self, member.space))
        return derivation_of(self.forest, script(member.space.forest, member.derivation)) if declared == other else None

    def __getstate__(self) -> dict[str, object]:
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}  # what is worked out once stays here


@dataclass(frozen=True, slots=True)
class Parsed:
    """The members that are one network; `is_complete` tells whether there is no other."""

    members: "tuple[Member, ...]"
    is_complete: bool

    def __iter__(self) -> "Iterator[Member]":
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, place: int) -> "Member":
        return self.members[place]


@dataclass(frozen=True, eq=False)
class Member:
    """One member of a space. Members are equal when they make the same decisions."""

    space: Space = field(repr=False)
    derivation: Derivation = field(repr=False)

    @cached_property
    def decisions(self) -> Script:
        """The decisions in the order in which the program comes by them."""
        return script(self.space.forest, self.derivation)

    @cached_property
    def key(self) -> str:
        """The derivation as text: its decisions. It is the same whatever forest the member was drawn from."""
        return key_of(self.decisions)

    @cached_property
    def hash(self) -> str:
        """The architecture, whatever derives it: a hash of the canonical graph with its sharing of weights.

        That of a record is of its values and of the hashes of its networks.
        """
        return record_hash(self.value()) if self.space.of_records else self.network.hash

    @property
    def type(self) -> str:
        """The output type."""
        forest, edges = self.space.forest, self.derivation.edges
        return forest.cells[int(forest.owner[edges[1]])].target if len(edges) > 1 else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and self.key == other.key and self.space.name == other.space.name

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<member of {self.space.name}: {self.key}>"

    def cost(self, cost: str) -> int:
        """Return what it costs: `params`, `macs`, `flops`, `activation_bytes`, `nodes` or `count(op)`."""
        costs = self.space.costs(cost)
        return sum(costs[edge] for edge in self.derivation.edges)

    def value(self) -> "dict[str, Field]":
        """Return the member of a space of records: numbers, strings, flags, lists and records, and a Network for each network.

        Raises TypeError where the members are networks.
        """
        space = self.space
        if not space.of_records:
            raise TypeError(f"a member of `{space.name}` is a network, and only records have fields")
        found = realize(space.program, space.name, arguments=space.arguments, at=space.at, script=self.decisions)
        return fields_of(found)

    def __getitem__(self, name: str) -> "Field":
        """Return one field of a record. Raises KeyError where there is none, TypeError as `value`."""
        return self.value()[name]

    @property
    def network(self) -> "Network":
        """The network that the member is. Raises TypeError for a record, whose fields hold networks."""
        space = self.space
        if space.of_records:
            raise TypeError(f"a member of `{space.name}` is a record; take a network from it: member['...']")
        return Network(build(space.program, space.name, arguments=space.arguments, at=space.at, script=self.decisions))

    def graph(self) -> Graph:
        """Return the network as a dataflow graph. Raises TypeError for a record, as all that asks for a network."""
        return self.network.graph

    def module(
        self, *, device: "torch.device | str | None" = None, dtype: "torch.dtype | None" = None
    ) -> "torch.nn.Module":
        """Return the network as a torch module with fresh weights."""
        return self.network.module(device=device, dtype=dtype)

    @property
    def text(self) -> str:
        """The network as .arch text; of a record, its networks and a space that has this record only."""
        return record_text(self.space.name, self.value()) if self.space.of_records else self.network.text

    def python(self) -> str:
        """Return the network as Python source that needs torch and nothing else."""
        return self.network.python()

    def summary(self) -> Summary:
        """Return shapes and costs layer by layer; it prints as a table."""
        return self.network.summary()


def space_of(
    program: Program, name: str, at: At | None, arguments: Mapping[str, Argument], most_types: int | None = None
) -> Space:
    """Return the space `name` of the main file at an input type, held to the bounds that it declares on measures.

    Raises CompileError as `refine` does, and where no member is within the bounds.
    """
    refined = refine(program, name, arguments=arguments, at=at, most_types=most_types)
    space = Space(program, name, arguments, at, refined, refined.forest, refined.forest.sites, Costs(refined))
    for bound in refined.bounds:
        within = ".".join(bound.path)
        wanted = conditions.Bounds(".".join((*bound.path, bound.measure)), bound.low, bound.high)
        try:
            space = space.narrowed(wanted, space.costs(bound.measure, within))
        except narrow.NoneWithin as none:
            text = f"no member of `{name}` at this type has {none.bounds}"
            label = f"{wanted.cost} is from {none.low:,} to {none.high:,}"
            raise CompileError([Diagnostic("A0411", text, bound.span, label)]) from None
        except (TooManyStates, measure.TooManyDerivations):
            text = f"`{bound}` tells too many members of `{name}` apart"
            raise CompileError([Diagnostic("A0412", text, bound.span, hint=UNBOUNDED)]) from None
    return space


UNBOUNDED = "bound parts of the space, or a measure with fewer values"
"""What to do where not even rounded costs can be told apart."""
