"""The exact size of each example space, against a formula or a count by hand that knows nothing of archc."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import log10, prod
from pathlib import Path

import pytest

import archc
from archc.members import Space

EXAMPLES = Path(__file__).parent.parent / "examples"

Shape = tuple[int, ...]


# ------------------------------------------------------------------ formulas
def darts(pairs: tuple[int, ...]) -> int:
    """Four nodes of two operations out of seven, and `pairs` ways to take their inputs."""
    return 7**8 * prod(pairs)


def hierarchical(operations: int, *, named: bool) -> int:
    """Hierarchical NAS-Bench-201, nonterminal by nonterminal."""
    cell = operations**6
    c = cell**2 + cell**3 + cell**3
    down = cell + cell**2 + cell
    halving = c**2 * down + c**3 * down + c**2 * down**2
    keeping = c**2 * cell + c**3 * cell + c**2 * cell**2
    if named:
        return 2 * halving**2 * keeping + halving**2 * keeping**2
    return 3 * halving**2 * keeping + 6 * halving**2 * keeping**2


def once_for_all() -> int:
    """Five units of two to four layers, each of three kernels and three expansions."""
    return sum((3 * 3) ** layers for layers in (2, 3, 4)) ** 5


def flexibert() -> int:
    """Layers of 2 widths, 2 numbers of heads, 6 operations, and one or three feed-forward parts of 2 widths."""
    layer = 2 * 2 * 6 * (2 + 2**3)
    return layer**2 + layer**4


def anynet(*, deepest: int, widest: int, step: int) -> int:
    """Four stages: a depth, and every width, ratio and group that divide."""
    dividing = sum(
        width % ratio == 0 and width // ratio % group == 0
        for width in range(step, widest + 1, step)
        for ratio in (1, 2, 4)
        for group in (1, 2, 4, 8, 16, 32)
    )
    return (deepest * dividing) ** 4


def star() -> int:
    """Twelve pairs: two operators, one twice, or two attentions that share keys of three kinds."""
    operators = 2 * (3 + 2) + 3 + 2 * 2 + 3
    return (operators**2 + operators + 3) ** 12


def hytra(layers: int) -> int:
    """Layers that halve the picture or not, as a walk over the four scales; attention is for all but the first."""
    at = Counter({0: 1})
    for _ in range(layers):
        following: Counter[int] = Counter()
        for scale, ways in at.items():
            following[scale] += ways * (2 if scale else 1)
            if scale < 3:
                following[scale + 1] += ways * 2
        at = following
    return at.total()


def graph_design() -> int:
    """Norm, dropout, activation, aggregation and connection of a layer; layers before, between and after."""
    return 2 * 3 * 3 * 3 * 3 * (3 * 4 * 3)


def graph_recipes() -> int:
    """Batch sizes, learning rates, optimizers and epochs."""
    return 3 * 3 * 2 * 3


def fbnet() -> int:
    """Five stages, an activation and the width of the last convolution."""
    layer = 5 * 2
    stage = 3 * 2 * layer * sum(layer**more for more in (1, 2, 3, 4))
    return 3 * stage**5 * 3


def fbnet_recipes() -> int:
    """Optimizers, epochs, averaging and mixup; learning rate, decay and dropout are continuous and count once."""
    return 2 * 3 * 2 * 5


def live_cells() -> int:
    """Cells of NAS-Bench-201 with a path from the first node to the last of edges that are not `zero`."""
    edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    count = 0
    for cell in product(range(5), repeat=6):
        reached = {0}
        for (start, end), operation in zip(edges, cell, strict=True):
            if operation and start in reached:
                reached.add(end)
        count += 3 in reached
    return count


# ------------------------------------------------------------------ einspace, derived by hand
def compute(shape: Shape) -> Counter[Shape]:
    """What a computation makes of `shape`: four keep it besides `id`, eight are linear."""
    linear = {(*shape[:-1], out): 1 for out in (16, 32, 64, 128, 256, 512, 1024, 2048)}
    return Counter({shape: 5}) + Counter(linear)


def turns(shape: Shape) -> list[Shape]:
    """`shape` as it is and with its axes in every other order."""
    orders = [(0, 1), (1, 0)] if len(shape) == 2 else [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    return [tuple(shape[axis] for axis in order) for order in orders]


def splits(shape: Shape, parts: int) -> list[Shape]:
    """What each branch gets: all, or its part of an axis."""
    cut = [axis for axis, size in enumerate(shape) if size % parts == 0]
    return [shape, *((*shape[:axis], shape[axis] // parts, *shape[axis + 1 :]) for axis in cut)]


def merged(branches: list[Shape]) -> list[Shape]:
    """What sums, concatenations and, of two, both matrix products make of branches."""
    first, found = branches[0], []
    if len(branches) == 2:
        left, right = branches
        if len(left) == len(right) and left[:-2] == right[:-2] and left[-1] == right[-2]:
            found += [(*left[:-1], right[-1])] * 2
    if all(branch == first for branch in branches):
        found.append(first)
    for axis in range(len(first)):
        others = {(*branch[:axis], *branch[axis + 1 :]) for branch in branches}
        if len(others) == 1:
            found.append((*first[:axis], sum(branch[axis] for branch in branches), *first[axis + 1 :]))
    return found


def patches(shape: Shape) -> Counter[Shape]:
    """Squares of a picture as rows, a computation, and rows, columns or a picture again."""
    found: Counter[Shape] = Counter()
    if len(shape) != 3:
        return found
    channels, height, width = shape
    for k, stride, pad in ((1, 1, 0), (1, 2, 0), (3, 1, 1), (3, 2, 1), (4, 4, 0), (8, 8, 0), (16, 16, 0)):
        if min(height, width) + 2 * pad < k:
            continue
        h, w = ((size + 2 * pad - k) // stride + 1 for size in (height, width))
        for (rows, columns), ways in compute((h * w, channels * k * k)).items():
            for out in ((rows, columns), (columns, rows), (columns, h, w)):
                found[out] += ways
    return found


def einspace(shape: Shape) -> Counter[Shape]:
    """Every network of einspace in which all modules are computations, by its output."""
    found = patches(shape)
    for middle, ways in compute(shape).items():
        for out, more in compute(middle).items():
            found[out] += ways * more
    for parts in (2, 4, 8):
        for part in splits(shape, parts):
            own = compute(part)
            apart = [([a, b], own[a] * own[b]) for a in own for b in own]
            alike = [([a] * parts, ways) for a, ways in own.items()]
            for branches, ways in apart if parts == 2 else alike:
                for out in merged(branches):
                    found[out] += ways
    for turned in turns(shape):
        for middle, ways in compute(turned).items():
            for out in turns(middle):
                found[out] += ways
    return found


# ------------------------------------------------------------------ what was published, and what the examples say of themselves
@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (live_cells(), 15_284),
        (darts((2 * 2, 3 * 3, 4 * 4, 5 * 5)), 83_013_134_400),
        (darts((1, 3, 6, 10)), 1_037_664_180),
        (round(log10(hierarchical(57, named=True)), 4), 446.0928),
        (round(log10(hierarchical(30, named=True)), 4), 375.8469),
        (einspace((3, 32, 32)).total(), 2_324),
        (len(einspace((3, 32, 32))), 345),
        (einspace((16, 8)).total(), 1_342),
        (len(einspace((16, 8))), 166),
        (float(f"{once_for_all():.0e}"), 2e19),
        (float(f"{flexibert():.2e}"), 3.32e9),
        (graph_design() * graph_recipes(), 314_928),
        (anynet(deepest=16, widest=1024, step=8), 314_432_039_157_760_000),
        (hytra(16), 14_024_699),
        (star(), 423**12),
    ],
)
def test_a_formula_gives_what_is_said(counted: float, said: float) -> None:
    assert counted == said


# ------------------------------------------------------------------ what archc counts
@dataclass(frozen=True, slots=True)
class Case:
    """A space of an example, `file:Name`, at an input; `edits` are made to the example first: a bound on depth, say."""

    space: str
    at: str | Shape | Mapping[str, str | Shape] | None
    size: int
    parameters: tuple[tuple[str, int], ...] = ()
    edit: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        return f"{self.space.replace(':', ' ')} at {self.at} {self.edit[1].strip()}".rstrip()

    def counted(self) -> Space:
        """Return the space at its input."""
        file, _, name = self.space.partition(":")
        text = (EXAMPLES / f"{file}.arch").read_text(encoding="utf-8")
        assert self.edit[0] in text
        return archc.loads(text.replace(*self.edit))[name].space(at=self.at, **dict(self.parameters))


PICTURE = (3, 32, 32)
LARGE = (3, 224, 224)
STATES: Mapping[str, str | Shape] = {"p": (16, 8, 8), "q": (16, 8, 8)}
GRAPH: Mapping[str, str | Shape] = {"x": (30, 16), "edges": "Id(30)[2, 99]"}
SHALLOW = ("depth <= 8", "depth <= 1")
ONCE = ("  | ConvBlock\n  | ConvBlock\n", "  | 2: ConvBlock\n")
COARSE = (("deepest", 2), ("widest", 96), ("step", 24))

CASES = [
    Case("nasbench201:Cell", (16, 8, 8), 5**6, (("c", 16),)),
    Case("nasbench201:NasBench201", PICTURE, 5**6),
    Case("nasbench201:LiveCell", (16, 8, 8), live_cells(), (("c", 16),)),
    Case("nasbench201:LiveNasBench201", PICTURE, live_cells()),
    Case("darts:Cell", STATES, darts((2 * 2, 3 * 3, 4 * 4, 5 * 5)), (("c", 16),)),
    Case("darts:PaperCell", STATES, darts((1, 3, 6, 10)), (("c", 16),)),
    Case("hierarchical_nb201:Published", PICTURE, hierarchical(3 + 2 * 27, named=True)),
    Case("hierarchical_nb201:Published", PICTURE, hierarchical(3 + 27, named=True), edit=ONCE),
    Case("hierarchical_nb201:Typed", PICTURE, hierarchical(3 + 2 * 27, named=False)),
    Case("hierarchical_nb201:Typed", PICTURE, hierarchical(3 + 27, named=False), edit=ONCE),
    Case("einspace:Root", PICTURE, 2_324, edit=SHALLOW),
    Case("einspace:Root", (16, 8), 1_342, edit=SHALLOW),
    Case("einspace:Root", (16, 8), 1_342, (("p", 61),), edit=SHALLOW),
    Case("ofa_mobilenet:OnceForAll", LARGE, once_for_all()),
    Case("flexibert:FlexiBert", "Id(30522)[64]", flexibert()),
    Case("anynet:AnyNetX", PICTURE, anynet(deepest=2, widest=96, step=24), COARSE),
    Case("anynet:AnyNetX", PICTURE, anynet(deepest=16, widest=512, step=8), (("widest", 512),)),
    Case("star:Star", "Id(32000)[64]", star()),
    Case("hytra:HyTra", LARGE, hytra(16)),
    Case("gnn_design:GraphNet", GRAPH, graph_design()),
    Case("gnn_design:Joint", GRAPH, graph_design() * graph_recipes()),
    Case("fbnet_joint:Train", None, fbnet_recipes()),
    Case("fbnet_joint:Backbone", (3, 192, 192), fbnet(), (("classes", 1000), ("r", 192))),
    Case("fbnet_joint:Joint", None, 2 * fbnet() * fbnet_recipes(), edit=(" where net.macs <= 600M", "")),
]
LONG = CASES[-1]
"""It is refined at two resolutions."""


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.soak] if case is LONG else []) for case in CASES], ids=str
)
def test_a_space_has_as_many_derivations_as_its_formula_says(case: Case) -> None:
    assert case.counted().count() == case.size


@pytest.mark.parametrize("shape", [PICTURE, (16, 8)], ids=str)
def test_einspace_derives_each_type_as_often_as_by_hand(shape: Shape) -> None:
    expected = {f"[{', '.join(map(str, out))}]": ways for out, ways in einspace(shape).items()}
    assert Case("einspace:Root", shape, 0, edit=SHALLOW).counted().types() == expected
