"""The weights of a choice -> what is wrong with them."""

from collections.abc import Iterator
from fractions import Fraction

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic

_LONGEST = 40


def weights(choice: s.Choice, kind: str) -> Iterator[Diagnostic]:
    """Yield a complaint if the arms of `choice`, in a declaration of this `kind`, cannot share the mass as written."""
    weighted = [arm.weight for arm in choice.arms if arm.weight is not None]
    if not weighted:
        return
    if kind != "space":
        hint = "declare this as a space, or leave the weights away"
        yield Diagnostic(
            "A0302", "weights belong to a choice, and only a space has choices", weighted[0].span, hint=hint
        )
        return
    if any(len(weight.text) > _LONGEST or "e" in weight.text.lower() for weight in weighted):
        return
    percents = [weight for weight in weighted if isinstance(weight, s.Percent)]
    total = sum((Fraction(weight.text[:-1]) for weight in percents), Fraction(0))
    if total > 100:
        label = f"the percentages add up to {float(total):g}%"
        yield Diagnostic(
            "A0406", "the arms of a choice share 100%", percents[-1].span, label, hint=_hint(percents, total)
        )
    elif len(percents) == len(choice.arms) and total != 100:
        label = f"they add up to {float(total):g}%, and no arm without a percentage takes the rest"
        yield Diagnostic(
            "A0406", "the arms of a choice share 100%", percents[-1].span, label, hint=_hint(percents, total)
        )
    elif len(percents) < len(choice.arms) and total == 100:
        rest = next(arm for arm in choice.arms if not isinstance(arm.weight, s.Percent))
        label = "the percentages leave nothing for this arm"
        yield Diagnostic(
            "A0406", "the arms of a choice share 100%", rest.span, label, hint="lower a percentage, or drop this arm"
        )
    elif len(weighted) == len(choice.arms) and all(_zero(weight) for weight in weighted):
        yield Diagnostic("A0406", "one arm of a choice must weigh more than 0", weighted[0].span, hint="1")


def _zero(weight: s.Number | s.Percent) -> bool:
    return not any(digit in weight.text for digit in "123456789")


def _hint(percents: list[s.Percent], total: Fraction) -> str:
    last = Fraction(percents[-1].text[:-1]) + 100 - total
    return f"{float(last):g}%" if last > 0 else "write plain numbers, which are relative weights"
