"""Small graphs, built node by node: what the exporters write today and wrote in the past, and what else the operators allow."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnx_runtime import Case

INPUTS, HIDDEN, OUTPUTS, STEPS = 3, 5, 2, 20


class Graph:
    """Nodes one after the other; `self.value` is what the last one gave."""

    def __init__(self, seed: int, **kwargs):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0
        self.value = "x"
        self.opset = kwargs.pop("opset", 21)
        self.shape = kwargs.pop("shape", ["T", "N", INPUTS])
        self.kind = kwargs.pop("kind", TensorProto.FLOAT)
        self.producer = kwargs.pop("producer", "")
        assert not kwargs

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what}_{self.count}"

    def constant(self, array) -> str:
        name = self.name("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, *shape: int, scale: float = 0.6) -> str:
        return self.constant(self.uniform(*shape, scale=scale))

    def uniform(self, *shape: int, scale: float = 0.6) -> np.ndarray:
        return self.random.uniform(-scale, scale, shape).astype(np.float32)

    def add(
        self, op: str, inputs: list[str] | None = None, outputs: int = 1, **attributes
    ) -> str | list[str]:
        names = [self.name(op.lower()) for _ in range(outputs)]
        inputs = [self.value] if inputs is None else inputs
        self.nodes.append(helper.make_node(op, inputs, names, self.name(op), **attributes))
        self.value = names[0]
        return names if outputs > 1 else names[0]

    def then(self, op: str, *constants, **attributes) -> "Graph":
        """A node of the value and these constants."""
        self.add(op, [self.value, *(self.constant(array) for array in constants)], **attributes)
        return self

    def gru(
        self, directions: int = 1, inputs: int = INPUTS, bias: bool = True, initial: str = "", **attributes
    ) -> "Graph":
        weights = [
            self.floats(directions, 3 * HIDDEN, inputs),
            self.floats(directions, 3 * HIDDEN, HIDDEN),
            self.floats(directions, 6 * HIDDEN) if bias else "",
        ]
        inputs = [self.value, *weights, "", initial]
        while not inputs[-1]:
            inputs.pop()
        if directions == 2:
            attributes["direction"] = "bidirectional"
        self.sequence, self.final = self.add("GRU", inputs, 2, hidden_size=HIDDEN, **attributes)
        self.value = self.sequence
        return self

    def squeezed_gru(self, **attributes) -> "Graph":
        return self.gru(**attributes).then("Squeeze", [1])

    def final_state(self) -> "Graph":
        self.value = self.final
        return self.then("Squeeze", [0])

    def batch_norm(self, size: int) -> "Graph":
        scale, bias, mean, var = (self.uniform(size) for _ in range(4))
        return self.then("BatchNormalization", scale + 1, bias, mean, var + 1, epsilon=1e-3)

    def head(self, inputs: int = HIDDEN) -> "Graph":
        return self.then("MatMul", self.uniform(inputs, OUTPUTS)).then("Add", self.uniform(OUTPUTS))

    def model(self, rank: int = 3) -> onnx.ModelProto:
        x = helper.make_tensor_value_info("x", self.kind, self.shape)
        y = helper.make_tensor_value_info(self.value, TensorProto.FLOAT, [None] * rank)
        graph = helper.make_graph(self.nodes, "graph", [x], [y], self.constants)
        opset = helper.make_opsetid("", self.opset)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name=self.producer)

    def case(self, rank: int = 3, **kwargs) -> Case:
        axes = kwargs.pop("axes", "tb")
        x = self.random.normal(size=(2, STEPS, INPUTS)).astype(np.float32)
        return Case(self.model(rank), kwargs.pop("x", x), axes, **kwargs)


def cells() -> dict[str, Case]:
    """The cell's equations."""
    relu = {"activations": ["Sigmoid", "Relu"]}
    hard = {"activations": ["HardSigmoid", "Tanh"]}
    steep = {"activations": ["HardSigmoid", "Relu"], "activation_alpha": [0.3], "activation_beta": [0.4]}
    both = {"activations": ["Sigmoid", "HardSigmoid"], "activation_alpha": [0.25], "activation_beta": [0.5]}
    linear = {
        "activations": ["HardSigmoid", "Affine"],
        "activation_alpha": [0.2, 1.0],
        "activation_beta": [0.5, 0.0],
    }
    settings = {
        "reset_before": {"linear_before_reset": 0},
        "reset_after": {"linear_before_reset": 1},
        "no_bias": {"bias": False},
        "no_bias_reset_after": {"bias": False, "linear_before_reset": 1},
        "clip": {"clip": 0.3},
        "clip_reset_after": {"clip": 0.4, "linear_before_reset": 1},
        "relu": relu,
        "hard_sigmoid": hard,
        "hard_sigmoid_relu": {**steep, "linear_before_reset": 1},
        "hard_sigmoid_candidate": both,
        "affine": {**linear, "linear_before_reset": 1},
        "lower_case": {"activations": ["sigmoid", "tanh"]},
    }
    cases = {
        name: Graph(seed).squeezed_gru(**kwargs).head().case()
        for seed, (name, kwargs) in enumerate(settings.items())
    }
    initial = Graph(20)
    zeros = initial.constant(np.zeros((1, 1, HIDDEN), np.float32))
    cases["zero_state"] = initial.squeezed_gru(initial=zeros).head().case()
    cases["pytorch_reset_before"] = Graph(21, producer="pytorch").squeezed_gru().head().case()
    # ONNX Runtime has no layout 1.
    swapped = (
        Graph(22, shape=["N", "T", INPUTS]).gru(layout=1, linear_before_reset=1).then("Squeeze", [2]).head()
    )
    twin = Graph(22, shape=["N", "T", INPUTS]).then("Transpose", perm=[1, 0, 2])
    twin = twin.gru(linear_before_reset=1).then("Squeeze", [1]).head().then("Transpose", perm=[1, 0, 2])
    cases["layout"] = swapped.case(axes="bt", twin=twin.model())
    return cases


def bidirectional() -> dict[str, Case]:
    """Both directions, joined in each way."""
    cases = {}
    joined = (
        Graph(30)
        .gru(2, linear_before_reset=1)
        .then("Transpose", perm=[0, 2, 1, 3])
        .then("Reshape", [0, 0, -1])
    )
    cases["bidirectional"] = joined.head(2 * HIDDEN).case()
    lists = {
        "activations": ["HardSigmoid", "Tanh", "Sigmoid", "HardSigmoid"],
        "activation_alpha": [0.3, 0.15],
        "activation_beta": [0.45, 0.55],
        "clip": 1.5,
    }
    graph = Graph(31).gru(2, **lists).then("Transpose", perm=[0, 2, 1, 3])
    cases["bidirectional_activations"] = graph.then("Reshape", [0, 0, 2 * HIDDEN]).head(2 * HIDDEN).case()
    for seed, op in enumerate(["Concat", "Add", "Mul"]):
        graph = Graph(32 + seed).gru(2)
        parts = []
        for direction in (0, 1):
            graph.value = graph.sequence
            graph.then("Slice", [direction], [direction + 1], [1])
            parts.append(graph.then("Squeeze", [1]).value)
        graph.add(op, parts, **({"axis": 2} if op == "Concat" else {}))
        if op == "Add":
            graph.then("Mul", np.float32(0.5))
        name = {"Concat": "concat", "Add": "average", "Mul": "product"}[op]
        cases[f"bidirectional_{name}"] = graph.head(2 * HIDDEN if op == "Concat" else HIDDEN).case()
    graph = Graph(36).gru(2)
    graph.value = graph.final
    graph.then("Transpose", perm=[1, 0, 2]).then("Reshape", [0, -1])
    cases["bidirectional_ends"] = graph.head(2 * HIDDEN).case(rank=2, ends=True)
    return cases


def chains() -> dict[str, Case]:
    """What stands around the GRU."""
    cases = {}
    graph = (
        Graph(40)
        .squeezed_gru()
        .head()
        .then("Relu")
        .then("MatMul", Graph(41).uniform(OUTPUTS, 4))
        .then("Sigmoid")
    )
    cases["dense_chain"] = (
        graph.then("MatMul", Graph(42).uniform(4, 3)).then("Tanh").then("HardSigmoid", alpha=0.3).case()
    )
    graph = Graph(43).gru().final_state()
    graph.then("Gemm", graph.uniform(HIDDEN, 4), graph.uniform(4), alpha=1.5, beta=0.5).then("Relu")
    graph.then("Gemm", graph.uniform(OUTPUTS, 4), graph.uniform(1, OUTPUTS), transB=1).then(
        "Softmax", axis=-1
    )
    cases["gemm_softmax"] = graph.case(2, last=True)
    graph = Graph(44, shape=["N", "T"], kind=TensorProto.INT64)
    graph.add("Gather", [graph.floats(7, INPUTS), "x"])
    graph.then("Transpose", perm=[1, 0, 2]).squeezed_gru().head().then("Transpose", perm=[1, 0, 2]).then(
        "Softmax"
    )
    cases["embedding"] = graph.case(axes="bt", x=graph.random.integers(0, 7, (2, STEPS)))
    graph = Graph(45, shape=["N", "T", INPUTS]).then("Transpose", perm=[0, 2, 1])
    graph.batch_norm(INPUTS).then("Transpose", perm=[2, 0, 1]).squeezed_gru()
    graph.then("Transpose", perm=[1, 2, 0]).batch_norm(HIDDEN).then("Transpose", perm=[0, 2, 1]).head()
    cases["batch_norm"] = graph.case(axes="bt")
    graph = Graph(46).squeezed_gru()
    graph.then(
        "LayerNormalization", graph.uniform(HIDDEN) + 1, graph.uniform(HIDDEN), axis=-1, epsilon=1e-3
    ).head()
    cases["layer_norm"] = graph.then("LayerNormalization", graph.uniform(OUTPUTS) + 1, axis=2).case()
    graph = Graph(47)
    graph.then("Sub", graph.uniform(INPUTS)).then(
        "Div", graph.uniform(1, 1, INPUTS) + np.float32(1.5)
    ).squeezed_gru()
    cases["standardized"] = graph.then("Mul", np.float32(2)).head().then("Sub", graph.uniform(OUTPUTS)).case()
    graph = Graph(48, shape=["T", INPUTS]).then("Unsqueeze", [1]).gru().then("Squeeze", [1, 2])
    cases["no_batch"] = graph.then("Gemm", graph.uniform(HIDDEN, OUTPUTS)).case(2, axes="t")
    return cases


def writings() -> dict[str, Case]:
    """Older operators, and other ways to write constants."""
    cases = {}
    graph = Graph(50, opset=7, shape=["N", "T", INPUTS]).then("Transpose", perm=[1, 0, 2])
    graph.gru().then("Squeeze", axes=[1]).then("Transpose", perm=[1, 0, 2])
    graph.then("Slice", axes=[1], starts=[-1], ends=[2**63 - 1]).then("Squeeze", axes=[1])
    graph.then("Gemm", graph.uniform(HIDDEN, OUTPUTS), graph.uniform(OUTPUTS))
    cases["opset_7"] = graph.then("Softmax").case(2, axes="bt", last=True)
    graph = Graph(51).squeezed_gru().head()
    for index, tensor in enumerate(graph.constants):
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            graph.constants[index] = helper.make_tensor(
                tensor.name, TensorProto.FLOAT, values.shape, values.ravel()
            )
    cases["float_data"] = graph.case()
    graph = Graph(52).squeezed_gru().head()
    casts, halves = [], []
    for tensor in graph.constants:
        if tensor.data_type == TensorProto.FLOAT:
            half = numpy_helper.from_array(
                numpy_helper.to_array(tensor).astype(np.float16), f"{tensor.name}_half"
            )
            casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
            halves.append(half)
        else:
            halves.append(tensor)
    graph.nodes, graph.constants = casts + graph.nodes, halves
    cases["float16"] = graph.case()
    graph = Graph(53).squeezed_gru().head()
    made = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in graph.constants]
    graph.nodes, graph.constants = made + graph.nodes, []
    cases["constant_nodes"] = graph.case()
    return cases


def cases() -> dict[str, Case]:
    """Every graph by name, the same on each run."""
    return cells() | bidirectional() | chains() | writings()
