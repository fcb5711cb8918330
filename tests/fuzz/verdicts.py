"""What archc says: of one call, by the walk that types and the module that is built from it."""

import torch

import archc
from archc.check import check
from archc.grammar.diagnostics import CompileError
from archc.grammar.limits import DEFAULT
from archc.load import load_text
from archc.rules.infer import apply
from archc.rules.session import Refusal, Session
from archc.rules.static import evaluate
from archc.sizes.prove import Context
from archc.tensor import Product, Tensor, Type
from archc.values import Env, flow
from fuzz.kinds import Kinds, Tensors, kinds_of, shapes, tensors, tupled


def inferred(call: str, into: Kinds) -> Type | str:
    """Return the type of what comes out of `call` when `into` flows in, or the message why it does not type."""
    text = f"arch 0.1\nblock Call = {call}\nop takes : {into} -> [1]\n"
    try:
        program = check(load_text(text))
        definition = program.definition("Call")
        session = Session(definition, program.scopes, program.checker, Context(), limits=DEFAULT)
        assert definition.declaration.value is not None
        value = evaluate(session, definition.declaration.value, Env(definition.module, {}))
        return apply(session, value, flow(typed(into)), definition.declaration.value.span).type
    except CompileError as error:
        return error.diagnostics[0].message
    except Refusal as refusal:
        return refusal.diagnostic.message


def typed(kinds: Kinds) -> Type:
    """Return the type of `kinds`."""
    from archc.sizes.size import Size
    from fuzz.kinds import Kind

    if isinstance(kinds, Kind):
        dims = tuple(Size.of(axis) for axis in kinds.dims)
        return Tensor(dims) if kinds.bound is None else Tensor(dims, "Id", Size.of(kinds.bound))
    return Product(tuple(typed(item) for item in kinds.items))


def sizes(kind: Type) -> object:
    """Return the bare sizes of a type, for comparing with those of tensors."""
    if isinstance(kind, Product):
        return tupled([sizes(item) for item in kind.items])
    assert isinstance(kind, Tensor), kind
    return [axis.constant for axis in kind.sizes]


def built(call: str, into: Kinds, output: Type) -> torch.nn.Module:
    """Return the module of the model that makes one call."""
    program = archc.loads(f"arch 0.1\nmodel Call : {into} -> {output} = {call}\n")
    return program["Call"].module()


def outcome(module: torch.nn.Module, into: Kinds) -> Tensors:
    """Return what a module makes of two random samples."""
    given = tensors(into, (2,))
    with torch.no_grad():
        result = module(*flat(given))
    assert isinstance(result, (torch.Tensor, tuple))
    return result


def flat(given: Tensors) -> tuple[torch.Tensor, ...]:
    """Return the tensors of a tuple of tuples from left to right."""
    return (given,) if isinstance(given, torch.Tensor) else tuple(leaf for item in given for leaf in flat(item))


def batched(result: Tensors) -> object:
    """Return the sizes of a result without its batch axis, which must be there."""
    if isinstance(result, torch.Tensor):
        assert result.shape[:1] == (2,), result.shape
        return list(result.shape[1:])
    return tupled([batched(item) for item in result])


def unbatched(result: Tensors) -> object:
    """Return the sizes of a result for one sample."""
    return shapes(kinds_of(result))
