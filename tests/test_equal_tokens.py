"""Words in: the compiled examples have their originals' parameters and give their numbers."""

from pathlib import Path

import pytest
import torch
from reference import hugging, renames, tokens
from reference.translate import Translate
from reference.weights import agree, compare, renamed, take_by_name, take_in_order, train

import archc
from archc.sizes.size import Size

EXAMPLES = Path(__file__).parent.parent / "examples"

SIZES = {
    ("gpt2_small", "Gpt2Small"): ({"tokens": (1024,)}, 124_439_808),
    ("llama_1b", "Llama1B"): ({"tokens": (2048,)}, 1_235_814_400),
    ("translate", "Translate"): ({"src": (20,), "tgt": (30,)}, 60_524_544),
    ("tagger", "Tagger"): ({"words": (20,)}, 1_548_561),
    ("mamba", "MambaLm"): ({"tokens": (20,)}, 129_135_360),
    ("t5_encoder", "T5Encoder"): ({"tokens": (20,)}, 35_330_816),
}


def words(n: int, vocab: int = 500) -> torch.Tensor:
    """Return four sentences of `n` words."""
    torch.manual_seed(n)
    return torch.randint(vocab, (4, n))


@pytest.fixture(autouse=True)
def seed() -> None:
    """Make every test begin with the same chance."""
    torch.manual_seed(0)


@pytest.mark.parametrize(("example", "name"), SIZES)
def test_every_parameter_is_there(example: str, name: str) -> None:
    at, params = SIZES[example, name]
    model = archc.load(EXAMPLES / f"{example}.arch")[name]
    module = model.module(at=at, device="meta")
    assert sum(weight.numel() for weight in module.parameters()) == params
    assert model.summary(at=at).params == Size.of(params)


def test_gpt2_is_the_one_of_transformers() -> None:
    sizes = {"vocab": 500, "context": 32, "depth": 4}
    ours = archc.load(EXAMPLES / "gpt2_small.arch")["Gpt2Small"].module(**sizes)
    theirs = hugging.gpt2_small(**sizes)
    train(hugging.Logits(theirs), words(9))
    take_by_name(ours, renames.apart(renames.turned(renamed(theirs, renames.GPT2))))
    for n in (9, 32):
        compare(ours, hugging.Logits(theirs), words(n), bound=2e-5)  # the two forms of GELU are 8e-5 apart here


def test_llama_is_the_one_of_transformers() -> None:
    sizes = {"vocab": 500, "depth": 2}
    ours = archc.load(EXAMPLES / "llama_1b.arch")["Llama1B"].module(**sizes)
    theirs = hugging.llama_1b(**sizes)
    train(hugging.Logits(theirs), words(9), steps=1)
    take_by_name(ours, renamed(theirs, renames.LLAMA))
    compare(ours, hugging.Logits(theirs), words(40))


def test_mamba_is_the_one_of_transformers() -> None:
    sizes = {"vocab": 500, "depth": 2}
    ours = archc.load(EXAMPLES / "mamba.arch")["MambaLm"].module(**sizes)
    theirs = hugging.mamba_130m(**sizes)
    train(hugging.Logits(theirs), words(9), steps=4)
    take_by_name(ours, renames.apart(renamed(theirs, renames.MAMBA), sizes=(48, 16, 16)))
    compare(ours, hugging.Logits(theirs), words(9))


def test_t5_is_the_one_of_transformers() -> None:
    sizes = {"vocab": 500, "depth": 2}
    ours = archc.load(EXAMPLES / "t5_encoder.arch")["T5Encoder"].module(**sizes)
    theirs = hugging.t5_encoder(**sizes)
    train(hugging.Logits(theirs), words(9))
    take_by_name(ours, renamed(theirs, renames.T5))
    compare(ours, hugging.Logits(theirs), words(200))


def test_the_tagger_gives_the_numbers_of_plain_torch() -> None:
    ours = archc.load(EXAMPLES / "tagger.arch")["Tagger"].module(vocab=500)
    theirs = tokens.Tagger(vocab=500)
    train(theirs, words(9))
    take_in_order(ours, theirs.state_dict().values())
    compare(ours, theirs, words(9))


def test_the_translator_gives_the_numbers_of_torchs_own_layers() -> None:
    sizes = {"vocab": 500, "d": 64, "depth": 2, "heads": 4}
    ours = archc.load(EXAMPLES / "translate.arch")["Translate"].module(**sizes)
    theirs = Translate(**sizes)
    train(theirs, words(9), words(7))
    take_in_order(ours, theirs.in_order())
    compare(ours, theirs, words(9), words(7))
    with torch.no_grad():
        agree(ours(tgt=words(5), src=words(11)), theirs(words(11), words(5)))


def test_the_graph_network_gives_the_numbers_of_plain_torch() -> None:
    vertices, edges = torch.randn(4, 30, 16), torch.randint(30, (4, 2, 99))
    at = {"x": (30, 16), "edges": "Id(30)[2, 99]"}
    ours = archc.load(EXAMPLES / "graph.arch")["GraphNet"].module(at=at)
    theirs = tokens.GraphNet(16)
    train(theirs, vertices, edges)
    take_in_order(ours, theirs.state_dict().values())
    compare(ours, theirs, vertices, edges)


def test_a_sentence_beyond_the_context_is_refused() -> None:
    module = archc.load(EXAMPLES / "gpt2_small.arch")["Gpt2Small"].module(vocab=500, context=16, depth=1)
    with pytest.raises(ValueError, match="n = 17"):
        module(words(17))
