"""The LALR(1) tables of arch.lark: written as JSON by Lark when the grammar changes, read without Lark.

`python -m archc.grammar.tables` writes tables.json anew; a test holds the file to the grammar. Lark analyses the
grammar and is not imported afterwards: reading the tables takes 3 ms where importing Lark takes 45.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

_HERE = Path(__file__).parent
_GRAMMAR = _HERE / "arch.lark"
_TABLES = _HERE / "tables.json"

END = "$END"
_NONE, _SPLICE = -1, -2


@dataclass(frozen=True, slots=True)
class Rule:
    """One production: what it makes of the values of its symbols.

    `plan` picks the children: an index keeps a value, `_NONE` stands for an absent option, and `_SPLICE - index`
    takes the items of a list. `is_list` gathers the children, `is_pass` hands the only one on, else `action` builds.
    """

    origin: str
    action: str
    length: int
    plan: tuple[int, ...]
    is_list: bool
    is_pass: bool

    def children(self, values: list[object]) -> list[object]:
        """Return the children that the rule's action is called with."""
        found: list[object] = []
        for index in self.plan:
            if index >= 0:
                found.append(values[index])
            elif index == _NONE:
                found.append(None)
            else:
                part = values[_SPLICE - index]
                assert isinstance(part, list), (self, part)
                # Lists grow in place: the parts of a list are on no stack any more.
                if found:
                    found.extend(part)
                else:
                    found = part
        return found


@dataclass(frozen=True, slots=True)
class Tables:
    """What the parser runs on. An action is a state to shift to, or -1 - r for reducing by rule r."""

    rules: tuple[Rule, ...]
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    start: int
    terminals: tuple[tuple[str, str], ...]
    literals: dict[str, str]
    hops: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def hop(self, state: int, symbol: str, kind: str) -> int:
        """Return the state after `symbol` on top of `state`, past all reductions before `kind` that build nothing."""
        after = self.gotos[state][symbol]
        while (action := self.actions[after].get(kind, 0)) < 0 and self.rules[-1 - action].is_pass:
            rule = self.rules[-1 - action]
            if rule.length != 1:
                break
            after = self.gotos[state][rule.origin]
        self.hops[state, symbol, kind] = after
        return after

    def accepts(self, states: list[int], kind: str) -> bool:
        """Return whether a terminal `kind` may follow on the stack `states`, which is left as it is."""
        above: list[int] = []
        height = len(states)
        while True:
            state = above[-1] if above else states[height - 1]
            action = self.actions[state].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            rule = self.rules[-1 - action]
            if rule.origin == "start":
                return True
            dropped = min(rule.length, len(above))
            del above[len(above) - dropped :]
            height -= rule.length - dropped
            above.append(self.gotos[above[-1] if above else states[height - 1]][rule.origin])

    def expected(self, states: list[int]) -> frozenset[str]:
        """Return every terminal that may follow on the stack `states`."""
        return frozenset(kind for kind in self.actions[states[-1]] if self.accepts(states, kind))


@lru_cache(maxsize=1)
def load() -> Tables:
    """Return the tables that ship with the package."""
    data = json.loads(_TABLES.read_text(encoding="utf-8"))
    rows = [{data["symbols"][at]: to for at, to in zip(row[::2], row[1::2], strict=True)} for row in data["rows"]]
    goto_rows = [{data["symbols"][at]: to for at, to in zip(row[::2], row[1::2], strict=True)} for row in data["gotos"]]
    return Tables(
        rules=tuple(Rule(o, a, n, tuple(plan), bool(li), bool(pa)) for o, a, n, plan, li, pa in data["rules"]),
        actions=[rows[at] for at in data["actions_of"]],
        gotos=[goto_rows[at] for at in data["gotos_of"]],
        start=data["start"],
        terminals=tuple((name, pattern) for name, pattern in data["terminals"]),
        literals=data["literals"],
    )


def is_current() -> bool:
    """Return whether tables.json was made from this arch.lark."""
    return bool(json.loads(_TABLES.read_text(encoding="utf-8"))["grammar"] == _digest())


def _digest() -> str:
    from hashlib import sha256

    return sha256(_GRAMMAR.read_bytes()).hexdigest()


def generate() -> str:
    """Return the text of tables.json, from arch.lark. Raises lark's GrammarError where the grammar is ambiguous."""
    from lark import Lark
    from lark.grammar import Rule as LarkRule
    from lark.lexer import TerminalDef

    lark = Lark(_GRAMMAR.read_text(encoding="utf-8"), parser="lalr", lexer="basic", maybe_placeholders=True)
    data, memo = lark.memo_serialize([TerminalDef, LarkRule])
    plain: dict[str, dict[str, object]] = {str(at): entry for at, entry in memo.items()}
    table = data["parser"]["parser"]
    names: dict[int, str] = table["tokens"]
    states = {
        state: {names[token]: (kind == 1, to["@"] if kind == 1 else to) for token, (kind, to) in row.items()}
        for state, row in table["states"].items()
    }
    order = _breadth_first(states, table["start_states"]["start"])
    used = sorted(
        {to for row in states.values() for reduces, to in row.values() if reduces}, key=lambda r: repr(plain[str(r)])
    )
    rules = [_rule(plain[str(at)]) for at in used]
    number = {at: -1 - position for position, at in enumerate(used)}
    rows = [
        {name: number[to] if reduces else order[to] for name, (reduces, to) in sorted(states[state].items())}
        for state in order
    ]
    terminals = [t for t in plain.values() if t["__type__"] == "TerminalDef"]
    return _text(rows, rules, terminals)


def _breadth_first(states: dict[int, dict[str, tuple[bool, int]]], start: int) -> dict[int, int]:
    """Return new state numbers that depend on the grammar alone, not on the order of a set."""
    order = {start: 0}
    for state in (waiting := [start]):
        for _, (reduces, to) in sorted(states[state].items()):
            if not reduces and to not in order:
                order[to] = len(order)
                waiting.append(to)
    return order


def _rule(data: dict[str, object]) -> tuple[str, str, int, list[int], bool, bool]:
    match data:
        case {
            "origin": {"name": str(origin)},
            "alias": alias,
            "expansion": list(expansion),
            "options": {"keep_all_tokens": keep, "expand1": expand, "empty_indices": empty},
        }:
            assert isinstance(empty, tuple | list)
            gaps = [len(ones) for ones in "".join(str(int(e)) for e in empty).split("0")] if empty else []
            plan: list[int] = []
            for at, symbol in enumerate(expansion):
                plan += [_NONE] * (gaps[at] if gaps else 0)
                if symbol["name"].startswith("_") and symbol["__type__"] == "NonTerminal":
                    plan.append(_SPLICE - at)
                elif keep or not symbol.get("filter_out", False):
                    plan.append(at)
            plan += [_NONE] * (gaps[len(expansion)] if gaps else 0)
            passes = bool(expand) and len(plan) == 1 and plan[0] >= 0 and alias is None
            return origin, str(alias or origin), len(expansion), plan, origin.startswith("_"), passes
        case _:
            raise AssertionError(data)


def _text(
    rows: list[dict[str, int]],
    rules: list[tuple[str, str, int, list[int], bool, bool]],
    terminals: list[dict[str, object]],
) -> str:
    symbols = sorted({name for row in rows for name in row})
    index = {name: at for at, name in enumerate(symbols)}
    packed: dict[str, list[list[int]]] = {"rows": [], "gotos": []}
    places: dict[str, list[int]] = {"rows": [], "gotos": []}
    for row in rows:
        for key, is_terminal in (("rows", True), ("gotos", False)):
            flat = [
                x
                for name, to in row.items()
                if (name.isupper() or name == END) is is_terminal
                for x in (index[name], to)
            ]
            if flat not in packed[key]:
                packed[key].append(flat)
            places[key].append(packed[key].index(flat))
    patterns, literals = _terminals(terminals)
    entries: dict[str, object] = {
        "grammar": _digest(),
        "terminals": patterns,
        "literals": literals,
        "symbols": symbols,
        "start": 0,
        "rules": rules,
        "rows": packed["rows"],
        "gotos": packed["gotos"],
        "actions_of": places["rows"],
        "gotos_of": places["gotos"],
    }
    lines = (f'"{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in entries.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _terminals(terminals: list[dict[str, object]]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return the regular expressions in the order of trial, and the fixed texts with the names of their terminals."""
    patterns: list[tuple[int, str, str]] = []
    literals: dict[str, str] = {}
    for terminal in terminals:
        match terminal:
            case {"name": str(name), "priority": int(priority), "pattern": {"value": str(value), "__type__": kind}}:
                if kind == "PatternStr":
                    literals[value] = name
                elif not name.startswith("__IGNORE"):
                    patterns.append((-priority, name, value))
            case _:
                raise AssertionError(terminal)
    return [(name, value) for _, name, value in sorted(patterns)], dict(sorted(literals.items()))


if __name__ == "__main__":
    _TABLES.write_text(generate(), encoding="utf-8")
