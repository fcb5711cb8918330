"""A language model that has seen a few hundred invoices writes more of them, with and without a constraint."""

import time
from pathlib import Path
from random import Random
from shutil import get_terminal_size
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from archc import Declaration
    from archc.runtime.decode.model import Model
    from archc.runtime.decode.processor import Processor

FOLDER = Path(__file__).parent.parent / "build" / "demo" / "decode"
TYPE = """\
arch 0.1

type Money = Decimal(2) where it >= 0, it < 10000
type Line = {
  item:     String(1..30),
  quantity: 1..99,
  price:    Money,
  amount:   Decimal(2) = quantity*price,
}
type Invoice = {
  number:   re"INV-[0-9]{4}",
  issued:   Date,
  customer: String(1..40),
  currency: "USD" | "EUR" = "EUR",
  lines:    Line[1..3],
  paid:     Bool,
  total:    Decimal(2) = sum(lines.amount),
}
"""
LEARNT, STEPS = 300, 250
TRIES = 5


def main(folder: Path = FOLDER) -> None:
    """Train a model into `folder`, and print what it writes with and without the constraint."""
    import torch

    import archc

    torch.set_num_threads(1)  # a model so small is slower with more
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "invoice.arch"
    path.write_text(TYPE, encoding="utf-8")
    invoice = archc.load(path)["Invoice"]
    model, tokenizer = _learnt(invoice, folder)
    print("  without a constraint")
    free = _attempts(invoice, model, tokenizer, [])
    constraint = invoice.constraint(tokenizer)
    print(f"  under the constraint ({constraint.engine})")
    kept = _attempts(invoice, model, tokenizer, [constraint.logits_processor()])
    print(f"  {free} of {TRIES} are invoices without the constraint, {kept} of {TRIES} under it")
    if kept < TRIES:
        raise SystemExit("the demo expected every constrained document to be an invoice")


def _learnt(invoice: "Declaration", folder: Path) -> "tuple[Model, PreTrainedTokenizerFast]":
    from transformers.utils.logging import disable_progress_bar

    from archc.runtime.decode.tiny import tiny_model, tiny_tokenizer, trained

    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    start = time.perf_counter()
    texts = invoice.sample(Random(0), LEARNT)
    tokenizer = tiny_tokenizer(texts, 600)
    model = tiny_model(tokenizer, width=64, context=512)
    loss = trained(model, tokenizer, texts, steps=STEPS)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = sum(weight.numel() for weight in model.parameters())
    took = time.perf_counter() - start
    print(
        f"  {size:,} parameters and {len(tokenizer)} tokens learnt {LEARNT} invoices in {took:.0f} s (loss {loss:.2f})"
    )
    return model, tokenizer


def _attempts(
    invoice: "Declaration",
    model: "Model",
    tokenizer: "PreTrainedTokenizerFast",
    processors: "list[Processor]",
) -> int:
    """Print what the model writes and what archc says to it, and return how many invoices there are."""
    import torch
    from transformers import LogitsProcessorList

    from archc.runtime.decode.tiny import BEGIN_NUMBER

    torch.manual_seed(1)
    begin = torch.full((TRIES, 1), BEGIN_NUMBER)
    with torch.no_grad():
        rows = model.generate(
            begin,
            attention_mask=torch.ones_like(begin),
            do_sample=True,
            max_new_tokens=400,
            logits_processor=LogitsProcessorList(processors),
        )
    texts = tokenizer.batch_decode(rows, skip_special_tokens=True)
    found = [_verdict(invoice, text) for text in texts]
    for text, verdict in list(zip(texts, found, strict=True))[:2]:
        print(f"{_folded(text[:400])}\n      {verdict}")
    return sum(verdict.startswith("an invoice") for verdict in found)


def _folded(text: str) -> str:
    """Return a document on lines that the terminal can hold, broken behind commas."""
    width, lines = get_terminal_size((100, 24)).columns - 4, [""]
    for piece in text.replace(",", ",\n").splitlines():
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(f"    {line}" for line in lines)


def _verdict(invoice: "Declaration", text: str) -> str:
    from archc.data.violations import DocumentError

    try:
        value = invoice.parse(text)
    except DocumentError as error:
        return f"no invoice: {error.violations[0]}"
    assert isinstance(value, dict)
    return f"an invoice, its total worked out: {value['total']}"


if __name__ == "__main__":
    main()
