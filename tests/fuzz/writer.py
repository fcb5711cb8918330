"""Random programs as text: mostly well typed, some with one number, op or stage changed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from archc.grammar import syntax as s
from fuzz.calls import written
from fuzz.kinds import Both, Kind, Kinds, Tensors, kind, kinds_of, leaves, tensors
from fuzz.oracle import OPS, Oracle, Refused, TooLarge, declarations

Dim = int | str
Shape = tuple[Dim, ...]
POINTWISE = ("relu", "gelu", "silu", "tanh", "sigmoid", "mish", "leaky_relu", "softplus", "hardswish", "relu6", "id")
SEVERAL = ("add", "mul", "max_of", "concat", "stack", "each", "first", "second", "par", "sub", "matmul", "gate")


@dataclass(frozen=True, slots=True)
class Block:
    """A declared block: how to call it, the axes it takes (None: any), and whether sizes alone make it whole."""

    name: str
    text: str
    call: Callable[[Random], str]
    source: Shape | None
    parameters: tuple[str, ...] = ()


@dataclass(slots=True)
class Writer:
    """Writes one program. `oracle` tells what a stage gives where sizes are numbers."""

    random: Random
    library: dict[str, s.Declaration]
    blocks: list[Block] = field(default_factory=list)

    def program(self) -> str:
        """Return a program with a model M, whose input sizes are numbers, and blocks whose sizes are open."""
        self.blocks = [self.block(place) for place in range(self.random.randint(0, 3))]
        while True:
            text = self._model("\n".join(block.text for block in self.blocks))
            if text:
                break
        return mutated(self.random, text) if self.random.random() < 0.5 else text

    # ------------------------------------------------------------ models
    def _model(self, blocks: str) -> str:
        into = self._into()
        head = f"arch 0.1\nimport std.nn\n{blocks}\n" if blocks else "arch 0.1\nimport std.nn\n"
        names = {**self.library, **declarations(head)}
        labels = "xyz"[: len(into.items)] if isinstance(into, Both) else ""
        stages, result = self._stages(names, into, self.random.randint(1, 5))
        if not stages or any(entry.bound is not None for entry in leaves(kinds_of(result))):
            return ""
        source = (
            f"({', '.join(f'{x}: {item}' for x, item in zip(labels, into.items, strict=True))})"
            if labels
            else str(into)
        )
        return f"{head}model M : {source} -> {_bare(kinds_of(result))} =\n    {' -> '.join(stages)}\n"

    def _into(self) -> Kinds:
        chance = self.random.random()
        if chance < 0.1:
            return Kind(kind(self.random, 1, 2).dims, self.random.randint(2, 6))
        if chance < 0.2:
            return Both((kind(self.random, 1, 3, 5),) * self.random.randint(2, 3))
        return kind(self.random, 1, 4, 8)

    def _stages(self, names: dict[str, s.Declaration], into: Kinds, count: int) -> tuple[list[str], Tensors]:
        current = tensors(into)
        stages: list[str] = []
        for _ in range(12 * count):
            stage = self.stage(kinds_of(current), 2)
            try:
                found = declarations(f"arch 0.1\nblock S = {stage}\n")["S"]
                oracle = Oracle(names, self.random)
                assert found.value is not None
                current = oracle.run(found.value, {}, current)
            except (Refused, TooLarge):
                continue
            stages.append(stage)
            if len(stages) == count:
                break
        return stages, current

    # ------------------------------------------------------------ stages, where sizes are numbers
    def stage(self, into: Kinds, depth: int) -> str:
        """Return a stage that probably takes `into`."""
        single = isinstance(into, Kind)
        if depth and self.random.random() < 0.45:
            return self._compound(into, depth - 1)
        if self.blocks and single and self.random.random() < 0.4:
            fitting = [b for b in self.blocks if b.source is None or len(b.source) == len(next(leaves(into)).dims)]
            if fitting:
                return self.random.choice(fitting).call(self.random)
        if not single:
            name = self.random.choice(SEVERAL if self.random.random() < 0.7 else list(OPS))
        else:
            name = self.random.choice(list(OPS))
        if name in ("each", "par"):
            return f"each({self.stage(into.items[0] if isinstance(into, Both) else into, 0)})"
        try:
            return written(name, OPS[name].arguments(self.random, into))
        except (IndexError, ValueError, AssertionError):
            return "id"

    def _compound(self, into: Kinds, depth: int) -> str:
        random = self.random
        one, other = (self.stage(into, depth) for _ in range(2))
        same = self._same(into)
        match random.randrange(13):
            case 0:
                return f"({one} -> {self.same()}, {one}) -> {random.choice(['add', 'mul', 'max_of', 'concat', 'sub'])}"
            case 1:
                return f"({same}, {self._same(into)}) -> {random.choice(['add', 'mul', 'concat', 'stack', 'sub'])}"
            case 2:
                return f"({one}, {other}, {same})"
            case 3:
                return f"Residual({same})"
            case 4:
                return f"({same}) * {random.choice([0, 1, 2, 3])}"
            case 5:
                return f"({one}) * {random.choice([0, 1, 2])}"
            case 6:
                return f"(if {self._condition([])} then {one} else {other})"
            case 7:
                values = ", ".join(str(random.randint(1, 5)) for _ in range(random.randint(0, 3)))
                return f"(for i in [{values}] {{ {random.choice(['linear(i)', f'{same} -> linear(i)', 'Mlp(2*i)'])} }})"
            case 8:
                return f"{{ let f = {one}  return {random.choice(['f', 'f -> f', '(f, f) -> add', 'f -> tanh'])} }}"
            case 9:
                return (
                    f"clone({random.randint(1, 3)}) -> each({one}) -> {random.choice(['add', 'concat', 'concat(-1)'])}"
                )
            case 10:
                return f"(for (i, n) in [(2, 1), (3, 2)] {{ ({same}) * n -> linear(i) }})"
            case 11:
                return f"{{ let n = {random.randint(1, 4)}  return linear(n) -> ({same} -> linear(n)) * n }}"
            case _:
                return f"{one} -> {self.same()}"

    def _same(self, into: Kinds) -> str:
        """Return a stage that keeps the type of one tensor, more often than not."""
        if isinstance(into, Kind) and into.dims and self.random.random() < 0.5:
            return self.random.choice([f"linear({into.dims[-1]})", f"Mlp({self.random.randint(1, 5)})", "layer_norm"])
        return self.same()

    def same(self) -> str:
        """Return a stage that keeps any type of tensor."""
        return self.random.choice(POINTWISE)

    def _condition(self, sizes: Sequence[str]) -> str:
        left = self.random.choice([*sizes, str(self.random.randint(1, 6))])
        kinds = [
            "{0} % 2 == 0",
            "{0} < {1}",
            "{0} == {1}",
            "not {0} >= {1}",
            "{0} in [1, 2, {1}]",
            "{0} > 2 and {1} < 4",
        ]
        return self.random.choice(kinds).format(left, self.random.choice([*sizes, "3"]))

    # ------------------------------------------------------------ blocks, where sizes are open
    def block(self, place: int) -> Block:
        """Return a block that types for all sizes, or all that meet its preconditions."""
        name = f"B{place}"
        chance = self.random.random()
        if chance < 0.15:
            return self._higher(name)
        parameters, names = self._parameters()
        rank = self.random.randint(1, 4)
        source: Shape = tuple("chwt"[:rank]) if rank > 2 else tuple("nd"[2 - rank :])
        shown = list(source)
        if self.random.random() < 0.25:
            at = self.random.randrange(rank)
            shown[at] = f"{self.random.choice([2, 3])}*{source[at]}"
        shape: Shape = tuple(shown)
        stages = []
        for _ in range(self.random.randint(1, 4)):
            stage, shape = self._open_stage(shape, names, 2)
            stages.append(stage)
        body = " -> ".join(stages)
        if self.random.random() < 0.2:
            body = f"{{ let u = x -> {body}  return u -> {self.same()} }}"
            head = f"(x: [{', '.join(shown)}])"
        else:
            head = f"[{', '.join(shown)}]"
        text = f"block {name}({', '.join(parameters)}) : {head} -> [{', '.join(map(str, shape))}] =\n    {body}"
        return Block(name, text.replace("()", ""), self._caller(name, names), source, tuple(names))

    def _higher(self, name: str) -> Block:
        kind = self.random.choice(["[..s, d] -> [..s, d]", "a -> a", "[..s] -> [..s]"])
        left, right = kind.split(" -> ")
        body = self.random.choice(["f -> f", "(id, f) -> add", "f * 2", "Residual(f)", "{ let g = f  return g -> g }"])
        text = f"block {name}(f: {kind}) : {left} -> {right} = {body}"
        options = [
            "relu",
            "linear(4)",
            "layer_norm",
            "Mlp(3)",
            "softmax",
            "(gelu -> tanh)",
            "flatten",
            "linear(5) -> linear(4)",
        ]
        return Block(name, text, lambda random: f"{name}({random.choice(options)})", None, ("f",))

    def _parameters(self) -> tuple[list[str], list[str]]:
        names = self.random.sample(["e", "k", "m"], self.random.randint(0, 2))
        return [
            f"{name} = {self.random.randint(1, 4)}" if self.random.random() < 0.3 else name for name in sorted(names)
        ], sorted(names)

    def _caller(self, name: str, names: list[str]) -> Callable[[Random], str]:
        def call(random: Random) -> str:
            return f"{name}({', '.join(str(random.randint(1, 5)) for _ in names)})" if names else name

        return call

    def _number(self, names: Sequence[str]) -> str:
        return self.random.choice([*names, *names, "1", "2", "3", "4"])

    def _open_stage(self, shape: Shape, names: list[str], depth: int) -> tuple[str, Shape]:
        random = self.random
        if depth and random.random() < 0.4:
            return self._open_compound(shape, names, depth - 1)
        options = [self._open_last]
        if len(shape) == 2:
            options.append(self._open_tokens)
        if len(shape) >= 2:
            options.append(self._open_picture)
        return random.choice(options)(shape, names)

    def _open_last(self, shape: Shape, names: list[str]) -> tuple[str, Shape]:
        last, out = shape[-1], self._number(names)
        match self.random.randrange(9):
            case 0 | 1:
                return f"linear({out})", (*shape[:-1], out)
            case 2:
                return f"linear({last})", shape
            case 3:
                return "glu", (*shape[:-1], f"({last}) / 2")
            case 4:
                return f"Mlp({out})", shape
            case 5:
                return f"linear({out}) -> linear({last})", shape
            case 6:
                return "chunk(2, -1) -> second", (*shape[:-1], f"({last}) / 2")
            case 7:
                return f"slice(0, {out}, -1)", (*shape[:-1], out)
            case _:
                return self.random.choice([*POINTWISE, "layer_norm", "rms_norm", "softmax"]), shape

    def _open_tokens(self, shape: Shape, names: list[str]) -> tuple[str, Shape]:
        n, d = shape
        out = self._number(names)
        match self.random.randrange(9):
            case 0:
                return "transpose", (d, n)
            case 1:
                return "prepend_token", (f"{n} + 1", d)
            case 2:
                return "mean_tokens", (d,)
            case 3:
                return f"SelfAttention({out})", shape
            case 4:
                return f"pos_learned({self.random.randint(2, 8)})", shape
            case 5:
                return f"causal_conv({out})", shape
            case 6:
                return f"gru({out}, 2)", (n, f"2*{out}")
            case 7:
                return f"grid({out}, ({n}) / {out})", (d, out, f"({n}) / {out}")
            case _:
                return "flatten", (f"({n})*({d})",)

    def _open_picture(self, shape: Shape, names: list[str]) -> tuple[str, Shape]:
        random = self.random
        c, *axes = shape
        out, k, stride, pad = (
            self._number(names),
            random.choice([1, 2, 3]),
            random.choice([1, 1, 2]),
            random.choice([0, 1]),
        )
        wins = tuple(f"win({axis}, {k}, {stride}, {pad})" for axis in axes)
        match random.randrange(8):
            case 0:
                return f"conv({out}, {k}, {stride}, {pad})", (out, *wins)
            case 1:
                return f"conv({c}, 3, pad = 1)", shape
            case 2:
                return f"max_pool({k}, {stride}, {min(pad, k // 2)})", (
                    c,
                    *(f"win({a}, {k}, {stride}, {min(pad, k // 2)})" for a in axes),
                )
            case 3:
                return "global_avg_pool", (c,)
            case 4:
                return f"group_norm({out})", shape
            case 5:
                return "upsample(2)", (c, *(f"2*({axis})" for axis in axes))
            case 6 if len(shape) == 3:
                h, w = axes
                return f"patchify({k})", (f"(({h}) / {k})*(({w}) / {k})", f"({c})*{k * k}")
            case _:
                return random.choice(["relu", "batch_norm"]), shape

    def _open_compound(self, shape: Shape, names: list[str], depth: int) -> tuple[str, Shape]:
        random = self.random
        one, after = self._open_stage(shape, names, depth)
        last = after[-1]
        match random.randrange(9):
            case 0:
                return f"({one}, {one} -> {self.same()}) -> {random.choice(['add', 'mul', 'max_of'])}", after
            case 1:
                return f"({one}, {one}) -> concat(-1)", (*after[:-1], f"2*({last})")
            case 2:
                other = self._number(names)
                return f"({one}, {one} -> linear({other})) -> concat(-1)", (*after[:-1], f"{last} + {other}")
            case 3:
                return f"Residual(linear({shape[-1]}))", shape
            case 4:
                return f"(linear({shape[-1]}) -> {self.same()}) * {self._number(names)}", shape
            case 5:
                sizes = [dim for dim in shape if isinstance(dim, str) and dim.isalpha()]
                return f"(if {self._condition([*names, *sizes])} then {one} else {one} -> {self.same()})", after
            case 6:
                return (
                    f"(for i in [2, {self._number(names)}] {{ linear(i) -> {self.same()} }}) -> linear({shape[-1]})",
                    shape,
                )
            case 7:
                return f"{{ let f = linear({shape[-1]})  return f -> {self.same()} -> f }}", shape
            case _:
                return f"{one} -> {self.same()}", after


def mutated(random: Random, text: str) -> str:
    """Return the program with one number, op or stage of it changed."""
    head, body = text[: text.index("\n") + 1], text[text.index("\n") + 1 :]
    match random.randrange(5):
        case 0 | 1 | 2:
            found = list(re.finditer(r"(?<![\w.])\d+(?![\w.])", body))
            if found:
                hit = random.choice(found)
                value = int(hit.group())
                to = random.choice([value + 1, value - 1, 2 * value, value + 2, 1])
                body = f"{body[: hit.start()]}{to}{body[hit.end() :]}"
        case 3:
            pairs = [
                "relu",
                "glu",
                "transpose",
                "flatten",
                "layer_norm",
                "tanh",
                "add",
                "concat",
                "mul",
                "linear(3)",
                "softmax",
            ]
            found = list(re.finditer(r"\b(relu|glu|transpose|flatten|layer_norm|tanh|add|concat|mul|id|gelu)\b", body))
            if found:
                hit = random.choice(found)
                body = f"{body[: hit.start()]}{random.choice(pairs)}{body[hit.end() :]}"
        case _:
            parts = body.split(" -> ")
            if len(parts) > 4:
                del parts[random.randrange(2, len(parts))]
                body = " -> ".join(parts)
    return head + body


def _bare(kinds: Kinds) -> str:
    return str(kinds) if isinstance(kinds, Kind) else f"({', '.join(_bare(item) for item in kinds.items)})"
