"""`listops`: nested lists of operations on digits, to be worked out by a network that reads them as text.

After Nangia and Bowman, "ListOps: A Diagnostic Dataset for Latent Tree Learning" (NAACL SRW 2018): an expression is a digit
or an operation (MAX, MIN, MED: the median rounded down, SM: the sum modulo 10) on 2 to 5 expressions. As there, an
argument is a digit with a chance of 3/4 above the greatest depth, which is 3 here instead of 20, so that an expression
has at most 32 tokens and a network learns in seconds. Expressions come once, shuffled by their seed; the first 8,000
that fit train, then 1,000 validate and 1,000 test.
"""

from random import Random

from archc.search.tasks.data import Data, Split
from archc.search.tasks.recipe import Plan
from archc.search.tasks.trainer import Classification

LENGTH, DEPTH, MOST = 32, 3, 5
SIZES = (8_000, 1_000, 1_000)
SEED = 20_180_601

TOKENS = (" ", *"0123456789", "[MAX", "[MIN", "[MED", "[SM", "]")
"""Token 0 fills up the end of a text."""

Tree = int | tuple[str, tuple["Tree", ...]]


class ListOps(Classification):
    """Trains on Id(16)[32], ten classes."""

    def __init__(self) -> None:
        super().__init__(listops(), Plan(epochs=20, batch=64, lr=2e-3))


def listops(sizes: tuple[int, int, int] = SIZES) -> Data:
    """Return the data."""
    import torch

    rng = Random(SEED)
    found: dict[tuple[int, ...], int] = {}
    while len(found) < sum(sizes):
        tree = draw(rng)
        text = tokens(tree)
        if len(text) <= LENGTH:
            found.setdefault((*text, *[0] * (LENGTH - len(text))), value(tree))
    rows, splits, at = list(found.items()), [], 0
    for size in sizes:
        part, at = rows[at : at + size], at + size
        splits.append(Split((torch.tensor([row for row, _ in part]),), torch.tensor([answer for _, answer in part])))
    return Data("listops", f"Id({len(TOKENS)})[{LENGTH}]", "[10]", 10, *splits)


def draw(rng: Random, depth: int = 0) -> Tree:
    """Return a random operation on expressions, or below its greatest depth a digit."""
    if depth == DEPTH or (depth and rng.random() < 0.75):
        return rng.randrange(10)
    operation = TOKENS[11 + rng.randrange(4)]
    return operation, tuple(draw(rng, depth + 1) for _ in range(rng.randint(2, MOST)))


def tokens(tree: Tree) -> list[int]:
    """Return an expression as numbers of TOKENS."""
    if isinstance(tree, int):
        return [1 + tree]
    inner = [token for argument in tree[1] for token in tokens(argument)]
    return [TOKENS.index(tree[0]), *inner, len(TOKENS) - 1]


def value(tree: Tree) -> int:
    """Return the digit that an expression stands for."""
    if isinstance(tree, int):
        return tree
    numbers = sorted(value(argument) for argument in tree[1])
    match tree[0]:
        case "[MAX":
            return numbers[-1]
        case "[MIN":
            return numbers[0]
        case "[MED":
            return (numbers[(len(numbers) - 1) // 2] + numbers[len(numbers) // 2]) // 2
        case _:
            return sum(numbers) % 10
