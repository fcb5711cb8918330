"""A layer that is mentioned more than once: its weights must have one shape."""

from collections.abc import Mapping

from archc.grammar.diagnostics import Diagnostic, Note
from archc.graph import OpNode, Pattern
from archc.ops import find
from archc.rules.emission import static
from archc.rules.session import Refusal, Session, Site
from archc.shapes import Undetermined, has_run
from archc.sizes.prove import equal
from archc.sizes.size import Size
from archc.tensor import Product, Tensor, Type, leaves
from archc.values import ARCHITECTURES, Need, Value


def check_shared(
    session: Session, name: str, values: Mapping[str, Value | Pattern], into: Type, output: Type, site: Site
) -> None:
    """Compare the weights of this mention of a `let` layer with those of its first mention.

    Raises Refusal where their shapes differ; what is not known of the input here is compared when a module is built.
    """
    if site.layer is None or session.flexible or not (_is_known(into) and _is_known(output)):
        return
    try:
        attributes = tuple(
            (key, static(value)) for key, value in values.items() if not isinstance(value, ARCHITECTURES)
        )
    except Undetermined:
        return
    key = name.removesuffix("_decode")
    node = OpNode(name, attributes, (), leaves(into), leaves(output), key, span=site.span)
    shapes = tuple((weight.name, weight.shape) for weight in find(name).weights(node))
    first, place = session.shared.setdefault(site.layer.token, (shapes, site.span))
    if first == shapes:
        return
    text = "this layer has one set of weights, and its mentions need weights of different shapes"
    mentions = (Note(_shown(first), "needed by its first mention", place), Note(_shown(shapes), "needed by this one"))
    found = Diagnostic("A0304", text, site.span, "", mentions, "mention the architecture itself: each mention is new")
    for (_, one), (_, other) in zip(first, shapes, strict=False):
        for left, right in zip(one, other, strict=False):
            need = Need("A0304", name, f"{left} == {right}", None, site.span)
            session.require(equal(left, right), need, lambda _: found, equation=True)
    if [name for name, _ in first] != [name for name, _ in shapes]:
        raise Refusal(found)


def _is_known(kind: Type) -> bool:
    match kind:
        case Tensor(dims):
            return not has_run(dims)
        case Product(items):
            return all(_is_known(item) for item in items)
        case _:
            return False


def _shown(shapes: tuple[tuple[str, tuple[Size, ...]], ...]) -> str:
    return ", ".join(f"{name} [{', '.join(map(str, shape))}]" for name, shape in shapes if shape)
