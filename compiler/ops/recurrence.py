"""Recurrence and state space."""

from collections.abc import Mapping

from archc.graph import OpNode
from archc.ops.attributes import integer, whole
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.writing import APPLY, call
from archc.sizes.size import Size


class Recurrent:
    """A layer of torch's recurrent cells: `gates` maps of input and state a step, in one direction or both."""

    def __init__(self, module: str, gates: int) -> None:
        self._module = module
        self._gates = gates

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the maps of input and state with their biases, for each direction."""
        hidden = whole(node, "hidden")
        rows = hidden * self._gates
        found = []
        for direction in ("", "_reverse")[: integer(node, "dirs")]:
            found.append(Weight(f"weight_ih_l0{direction}", (rows, node.input_types[0].sizes[1])))
            found.append(Weight(f"weight_hh_l0{direction}", (rows, hidden)))
            found.append(Weight(f"bias_ih_l0{direction}", (rows,)))
            found.append(Weight(f"bias_hh_l0{direction}", (rows,)))
        return tuple(found)

    def cost(self, node: OpNode) -> Cost:
        """Return the products with input and state, for every step and direction."""
        n, d = node.input_types[0].sizes
        hidden = whole(node, "hidden")
        return Cost(n * hidden * (d + hidden) * (self._gates * integer(node, "dirs")))

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.RNN, nn.GRU or nn.LSTM; of what it gives, the states of all steps."""
        init = call(
            f"nn.{self._module}({{d}}, {{hidden}}",
            {"d": node.input_types[0].sizes[1], "hidden": whole(node, "hidden")},
            batch_first=(True, False),
            bidirectional=(integer(node, "dirs") == 2, False),
        )
        return Lowered(Code("{self}({0})[0]"), init)


class SelectiveScan:
    """The scan of Mamba."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the rates of decay, as logarithms, and the share of the input that passes by."""
        d = node.input_types[0].sizes[1]
        return Weight("A_log", (d, whole(node, "state"))), Weight("D", (d,))

    def cost(self, node: OpNode) -> Cost:
        """Return one product each for input, decay and output of every cell of the state, and one for what passes by."""
        n, d = node.input_types[0].sizes
        return Cost(n * d * (whole(node, "state") * 3 + 1))

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py."""
        return Lowered(Code("{self}({0}, {1}, {2}, {3})"), _state_space(node, "SelectiveScan"))


class StateSpace:
    """A state space whose parameters do not depend on the data."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return rates, output map, step and the share of the input that passes by."""
        d, state = node.input_types[0].sizes[1], whole(node, "state")
        return Weight("A_log", (d, state)), Weight("C", (d, state)), Weight("log_dt", (d,)), Weight("D", (d,))

    def cost(self, node: OpNode) -> Cost:
        """Return one product each for decay and output of every cell of the state, and one for what passes by."""
        n, d = node.input_types[0].sizes
        return Cost(n * d * (whole(node, "state") * 2 + 1))

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py."""
        return Lowered(APPLY, _state_space(node, "Ssm"))


def _state_space(node: OpNode, module: str) -> Code:
    d: dict[str, Size] = {"d": node.input_types[0].sizes[1]}
    return call(f"{module}({{d}}", d, needs=(module,), state=(whole(node, "state"), 16))


OPERATIONS: Mapping[str, Operation] = {
    "rnn": Recurrent("RNN", 1),
    "gru": Recurrent("GRU", 3),
    "lstm": Recurrent("LSTM", 4),
    "selective_scan": SelectiveScan(),
    "ssm": StateSpace(),
}
