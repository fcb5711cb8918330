"""The typed, weighted grammar that types and spaces refine into, as plain data."""

from dataclasses import dataclass, field

from archc.regular.language import Regular


@dataclass(frozen=True, slots=True)
class Literal:
    """Fixed text."""

    text: str


@dataclass(frozen=True, slots=True)
class Lexeme:
    """Text of a regular language: a string body, a number, a date. `name` is for reading."""

    name: str
    language: Regular


@dataclass(frozen=True, slots=True)
class Call:
    """A mention of another state of the forest, by number."""

    state: int


Part = Literal | Lexeme | Call


@dataclass(frozen=True, slots=True)
class Edge:
    """One way to derive a state: its parts in order. `weight` is relative to the other edges of the state."""

    parts: tuple[Part, ...]
    weight: float = 1.0
    label: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A nonterminal with its type, as text."""

    name: str
    type: str
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """Where one bound of the type is enforced: while decoding, or after it by validation; `why` says what hinders."""

    subject: str
    bound: str
    decoding: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Forest:
    """States with their edges; `root` derives the whole. Every state is productive and reachable.

    `exact` tells that the forest derives all members of what it was refined from and nothing else, up to `accounts`;
    `says` is how they are written.
    """

    states: tuple[State, ...]
    root: int
    exact: bool = True
    accounts: tuple[Account, ...] = field(default=())
    says: str = "compact JSON, fields in declared order"
