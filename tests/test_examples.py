"""Every example checks, is laid out by archc, and each of its models becomes a module and source; broken ones say why."""

import ast
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from documents import ACCEPT, WIDTH

import archc
from archc.check import check
from archc.grammar.diagnostics import CompileError
from archc.grammar.format import format_source
from archc.grammar.render import render
from archc.grammar.source import Source
from archc.load import load_file

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = sorted((ROOT / "examples").glob("*.arch"))
BROKEN = sorted((ROOT / "examples" / "broken").glob("*.arch"))

PICTURE = (3, 224, 224)
INPUTS = {
    "ConvNextTiny": PICTURE,
    "DenseNet121": PICTURE,
    "EfficientNetB0": PICTURE,
    "Gpt2Small": (1024,),
    "GraphNet": {"x": (30, 16), "edges": "Id(30)[2, 99]"},
    "Llama1B": (2048,),
    "MambaLm": (2048,),
    "MlpMixer": None,
    "MlpMixerSeed": None,
    "ResNet18": PICTURE,
    "ResNet18NoMaxPool": None,
    "T5Encoder": (512,),
    "Tagger": (20,),
    "TransformerSeed": None,
    "Translate": {"src": (20,), "tgt": (30,)},
    "UNet": (3, 256, 256),
    "ViTTiny": None,
    "WideResNet16x4": None,
}
"""An input for every model; None where its type leaves nothing open."""

MODELS = sorted(
    (file, line.split()[1].partition("(")[0])
    for file in EXAMPLES
    for line in file.read_text(encoding="utf-8").splitlines()
    if line.startswith("model ")
)


def name(case: object) -> str:
    """Return how a test calls a file or a model."""
    return case.stem if isinstance(case, Path) else str(case)


def test_every_model_has_an_input_here() -> None:
    assert sorted(model for _, model in MODELS) == sorted(INPUTS)


@pytest.mark.parametrize("file", EXAMPLES, ids=name)
def test_an_example_checks_without_a_word(file: Path) -> None:
    assert not check(load_file(file)).warnings


@pytest.mark.parametrize("file", EXAMPLES + BROKEN, ids=name)
def test_an_example_stands_as_archc_lays_it_out(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert format_source(Source(file.name, text)) == text


@pytest.mark.parametrize("file", EXAMPLES, ids=name)
def test_an_example_cites_its_origin(file: Path) -> None:
    assert file.read_text(encoding="utf-8").splitlines()[1].startswith("#!")


@pytest.mark.parametrize(("file", "model"), MODELS, ids=name)
def test_the_weights_of_a_model_keep_their_names_and_shapes(file: Path, model: str) -> None:
    module = archc.load(file)[model].module(at=INPUTS[model], device="meta")
    lines = [f"{key} {list(weight.shape)}\n" for key, weight in module.state_dict().items()]
    expect(GOLDEN / file.stem / f"{model}.weights.txt", "".join(lines))


@pytest.mark.parametrize(("file", "model"), MODELS, ids=name)
def test_a_model_becomes_source_with_the_same_weights(file: Path, model: str, tmp_path: Path) -> None:
    import torch

    declaration = archc.load(file)[model]
    text = declaration.python(at=INPUTS[model])
    assert "import archc" not in text
    classes = [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    assert model in classes
    with torch.device("meta"):
        alone = getattr(imported(text, tmp_path), model)()
    module = declaration.module(at=INPUTS[model], device="meta")
    assert shapes(alone) == shapes(module)


@pytest.mark.parametrize("file", BROKEN, ids=name)
def test_a_broken_example_is_told_in_one_message(file: Path) -> None:
    with pytest.raises(CompileError) as caught:
        archc.load(file)
    assert len(caught.value.diagnostics) == 1
    expect(GOLDEN / "broken" / f"{file.stem}.txt", f"{render(caught.value.diagnostics, color=False, width=WIDTH)}\n")


def imported(text: str, folder: Path) -> ModuleType:
    """Return the Python module that `text` is."""
    (folder / "generated.py").write_text(text, encoding="utf-8")
    spec = spec_from_file_location("generated", folder / "generated.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shapes(module: object) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight by its name."""
    import torch

    assert isinstance(module, torch.nn.Module)
    return {key: tuple(weight.shape) for key, weight in module.state_dict().items()}


def expect(file: Path, text: str) -> None:
    """Assert that `file` holds `text`; `ARCHC_ACCEPT=1` writes it instead."""
    if ACCEPT:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text
