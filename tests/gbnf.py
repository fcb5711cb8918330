"""GBNF read and recognised, one rule of the notation after the other: what emitted grammars are held to."""

import re
from dataclasses import dataclass
from functools import cache

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_RULE = re.compile(r"(?m)^([A-Za-z][A-Za-z0-9-]*) ::= ")
MOST = 1999


@dataclass(frozen=True, slots=True)
class Chars:
    ranges: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    arms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    body: "Node"
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Rule:
    name: str


Node = Chars | Series | Choice | Repeat | Rule


class Grammar:
    """A grammar of the notation of llama.cpp, without comments at the end of a line."""

    def __init__(self, text: str) -> None:
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        self.rules: dict[str, Node] = {}
        for line in "\n".join(lines).replace("|\n", "| ").splitlines():
            name = _RULE.match(line)
            assert name, line
            assert name[1] not in self.rules, f"{name[1]} is defined twice"
            self._text, self._at = line, name.end()
            self.rules[name[1]] = self._choice()
            assert self._at == len(line), line[self._at :]
        assert self._reached() == set(self.rules), "a rule is not reached, or not defined"

    # ---------------------------------------------------------------- reading
    def _ahead(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _choice(self) -> Node:
        arms = [self._series()]
        while self._ahead() == "|":
            self._at += 1
            arms.append(self._series())
        return arms[0] if len(arms) == 1 else Choice(tuple(arms))

    def _series(self) -> Node:
        parts: list[Node] = []
        while True:
            while self._ahead() == " ":
                self._at += 1
            if self._ahead() in ("", "|", ")"):
                return Series(tuple(parts))
            parts.append(self._counted(self._item()))

    def _item(self) -> Node:
        match self._ahead():
            case "(":
                self._at += 1
                inner = self._choice()
                assert self._take() == ")"
                return inner
            case '"':
                self._at += 1
                found: list[Node] = []
                while self._ahead() != '"':
                    char = self._char()
                    found.append(Chars(((char, char),)))
                self._at += 1
                return Series(tuple(found))
            case "[":
                self._at += 1
                ranges = []
                while self._ahead() != "]":
                    low = self._char()
                    high = low
                    if self._ahead() == "-":
                        self._at += 1
                        high = self._char()
                    assert low <= high
                    ranges.append((low, high))
                self._at += 1
                return Chars(tuple(ranges))
        name = _NAME.match(self._text, self._at)
        assert name, self._text[self._at :]
        self._at = name.end()
        return Rule(name[0])

    def _char(self) -> str:
        char = self._take()
        assert " " <= char <= "~"
        if char != "\\":
            return char
        kind = self._take()
        if kind in "uU":
            width = 4 if kind == "u" else 8
            self._at += width
            return chr(int(self._text[self._at - width : self._at], 16))
        assert kind in '\\"', kind
        return kind

    def _counted(self, body: Node) -> Node:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._ahead())
        if simple:
            self._at += 1
            return Repeat(body, *simple)
        if self._ahead() != "{":
            return body
        end = self._text.index("}", self._at)
        low, comma, high = self._text[self._at + 1 : end].partition(",")
        self._at = end + 1
        assert int(high or low) <= MOST
        return Repeat(body, int(low), int(high) if high else None if comma else int(low))

    def _reached(self) -> set[str]:
        found, waiting = {"root"}, [self.rules["root"]]
        while waiting:
            match waiting.pop():
                case Rule(name):
                    if name not in found:
                        found.add(name)
                        waiting.append(self.rules[name])
                case Series(parts) | Choice(parts):
                    waiting.extend(parts)
                case Repeat(body):
                    waiting.append(body)
                case _:
                    pass
        return found

    # ---------------------------------------------------------------- recognising
    def accepts(self, text: str) -> bool:
        """Whether `text` is derived from `root`."""

        @cache
        def rule(name: str, at: int) -> frozenset[int]:
            return ends(self.rules[name], at)

        def ends(node: Node, at: int) -> frozenset[int]:
            match node:
                case Chars(ranges):
                    char = text[at : at + 1]
                    return frozenset([at + 1] if char and any(low <= char <= high for low, high in ranges) else [])
                case Series(parts):
                    found = frozenset([at])
                    for part in parts:
                        found = step(part, found)
                    return found
                case Choice(arms):
                    return frozenset().union(*(ends(arm, at) for arm in arms))
                case Rule(name):
                    return rule(name, at)
                case Repeat(body, low, high):
                    return repeated(body, low, high, at)

        def step(node: Node, starts: frozenset[int]) -> frozenset[int]:
            return frozenset().union(*(ends(node, start) for start in starts))

        def repeated(body: Node, low: int, high: int | None, at: int) -> frozenset[int]:
            now, times = frozenset([at]), 0
            found = set(now) if low == 0 else set()
            while now and (high is None or times < high):
                now, times = step(body, now), times + 1
                if times >= low:
                    if now <= found:
                        break
                    found |= now
            return frozenset(found)

        return len(text) in rule("root", 0)
