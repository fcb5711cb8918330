"""`vertices`: one random graph whose vertices are of some community, each with noisy features.

The contextual stochastic block model (Deshpande, Sen, Montanari and Mossel, "Contextual Stochastic Block Models", NeurIPS
2018), with five communities: 500 vertices, an edge within a community more likely than between two, features that are
the mean of the community in Gaussian noise. Neither edges nor features tell the community alone. A network sees the
whole graph; it is trained on 100 vertices, judged on 150, and tested on 250.
"""

from random import Random

from archc.search.tasks.data import NO_TARGET, Data, Split
from archc.search.tasks.recipe import Plan
from archc.search.tasks.trainer import Classification

VERTICES, FEATURES, COMMUNITIES = 500, 16, 5
WITHIN, BETWEEN = 0.06, 0.012
"""The chance of an edge within a community and between two: 6 and 5 neighbours of a vertex on average."""

SIGNAL = 0.5
"""The deviation of the means of communities, where that of the noise is 1."""

SEED = 20_181_203
BOUNDS = ((0, 100), (100, 250), (250, VERTICES))
"""The vertices of each split, by number; communities come in a random order."""


class Vertices(Classification):
    """Trains on (x: [500, 16], edges: Id(500)[2, e]), a class for each vertex."""

    def __init__(self) -> None:
        super().__init__(vertices(), Plan(epochs=60, batch=1, lr=1e-2, patience=20))


def vertices() -> Data:
    """Return the data: a single sample, of which each split scores vertices of its own."""
    import torch

    rng = Random(SEED)
    communities = [number % COMMUNITIES for number in range(VERTICES)]
    rng.shuffle(communities)
    means = [[rng.gauss(0.0, SIGNAL) for _ in range(FEATURES)] for _ in range(COMMUNITIES)]
    features = torch.tensor([[[rng.gauss(mean, 1.0) for mean in means[community]] for community in communities]])
    pairs = [
        (one, other)
        for one in range(VERTICES)
        for other in range(one)
        if rng.random() < (WITHIN if communities[one] == communities[other] else BETWEEN)
    ]
    edges = torch.tensor([[*pairs, *[(other, one) for one, other in pairs]]]).mT.contiguous()
    targets = torch.tensor([communities])
    splits = []
    for first, last in BOUNDS:
        hidden = torch.full_like(targets, NO_TARGET)
        hidden[0, first:last] = targets[0, first:last]
        splits.append(Split((features, edges), hidden))
    takes = f"(x: [{VERTICES}, {FEATURES}], edges: Id({VERTICES})[2, {edges.shape[2]}])"
    return Data("vertices", takes, f"[{VERTICES}, {COMMUNITIES}]", COMMUNITIES, *splits)
