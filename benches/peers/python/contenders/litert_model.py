"""Writes .tflite files of a GRU layer, operator by operator: of one step, and of a window of unrolled ones."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl

OPERATORS = ["FULLY_CONNECTED", "CONCATENATION", "SPLIT", "LOGISTIC", "TANH", "MUL", "ADD", "SUB"]


class Graph:
    """A subgraph that grows by one operator a call; tensors are numbers."""

    def __init__(self):
        self.buffers = [tfl.BufferT()]
        self.tensors = []
        self.operators = []
        self.axes = [self.tensor([], np.array(axis, np.int32)) for axis in (0, 1)]

    def tensor(self, shape, values=None, scale=None):
        """One of these values, or one that is computed or given; with a scale for each row, of int8."""
        tensor = tfl.TensorT()
        tensor.name = f"t{len(self.tensors)}".encode()
        tensor.shape = list(shape)
        tensor.type = tfl.TensorType.FLOAT32
        tensor.buffer = 0
        if values is not None:
            tensor.type = {
                "float32": tfl.TensorType.FLOAT32,
                "int32": tfl.TensorType.INT32,
                "int8": tfl.TensorType.INT8,
            }[str(values.dtype)]
            buffer = tfl.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scale is not None:
            quantization = tfl.QuantizationParametersT()
            quantization.scale = scale.astype(np.float32)
            quantization.zeroPoint = np.zeros(len(scale), np.int64)
            quantization.quantizedDimension = 0
            tensor.quantization = quantization
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(self, name, inputs, outputs, kind=None, options=None):
        operator = tfl.OperatorT()
        operator.opcodeIndex = OPERATORS.index(name)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.operators.append(operator)
        return outputs[0]

    def plain(self, name, *inputs):
        """An operator whose result has the shape of its first input."""
        kind, options = {
            "MUL": (tfl.BuiltinOptions.MulOptions, tfl.MulOptionsT),
            "ADD": (tfl.BuiltinOptions.AddOptions, tfl.AddOptionsT),
            "SUB": (tfl.BuiltinOptions.SubOptions, tfl.SubOptionsT),
        }.get(name, (None, lambda: None))
        output = self.tensor(self.tensors[inputs[0]].shape)
        return self.operator(name, inputs, [output], kind, options())

    def product(self, x, weight, bias):
        """x · weightᵀ + bias."""
        rows, columns = self.tensors[x].shape[0], self.tensors[weight].shape[0]
        options = tfl.FullyConnectedOptionsT()
        output = self.tensor([rows, columns])
        return self.operator(
            "FULLY_CONNECTED", [x, weight, bias], [output], tfl.BuiltinOptions.FullyConnectedOptions, options
        )

    def split(self, x, axis, parts):
        """Equal parts along an axis."""
        shape = list(self.tensors[x].shape)
        shape[axis] //= parts
        outputs = [self.tensor(shape) for _ in range(parts)]
        options = tfl.SplitOptionsT()
        options.numSplits = parts
        self.operator("SPLIT", [self.axes[axis], x], outputs, tfl.BuiltinOptions.SplitOptions, options)
        return outputs

    def joined(self, parts, axis):
        shape = list(self.tensors[parts[0]].shape)
        shape[axis] = sum(self.tensors[part].shape[axis] for part in parts)
        output, options = self.tensor(shape), tfl.ConcatenationOptionsT()
        options.axis = axis
        return self.operator(
            "CONCATENATION", parts, [output], tfl.BuiltinOptions.ConcatenationOptions, options
        )

    def pack(self, inputs, outputs):
        """The bytes of the file."""
        subgraph = tfl.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs = inputs, outputs
        codes = []
        for name in OPERATORS:
            code = tfl.OperatorCodeT()
            code.builtinCode = getattr(tfl.BuiltinOperator, name)
            code.deprecatedBuiltinCode = code.builtinCode
            # 5 is where weights of a product may have a scale for each row.
            code.version = 5 if name == "FULLY_CONNECTED" else 1
            codes.append(code)
        model = tfl.ModelT()
        model.version, model.description = 3, b"GRU"
        model.operatorCodes, model.subgraphs, model.buffers = codes, [subgraph], self.buffers
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def gru(weights, steps, int8):
    """x [steps, input], h [1, hidden] in; the last state [1, hidden] out, and of several steps all before it,
    [steps, hidden]."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    hidden, size = weight_hh.shape[1], weight_ih.shape[1]
    graph = Graph()

    def matrix(values):
        if not int8:
            return graph.tensor(values.shape, values)
        scale = np.abs(values).max(axis=1) / 127
        quantised = np.round(values / scale[:, None]).astype(np.int8)
        return graph.tensor(values.shape, quantised, scale)

    gates = slice(0, 2 * hidden)
    x, h = graph.tensor([steps, size]), graph.tensor([1, hidden])
    inputs = [x, h]
    # The input half of all steps is one product; with a single step it is part of the recurrent one.
    if steps == 1:
        both = np.concatenate([weight_ih[gates], weight_hh[gates]], axis=1)
        of_gates = matrix(both), graph.tensor([2 * hidden], bias_ih[gates] + bias_hh[gates])
        of_new = matrix(weight_ih[2 * hidden :]), graph.tensor([hidden], bias_ih[2 * hidden :])
        new = graph.product(x, *of_new)
    else:
        of_input = matrix(weight_ih), graph.tensor([3 * hidden], bias_ih)
        rows = graph.split(graph.product(x, *of_input), 0, steps)
        of_gates = matrix(weight_hh[gates]), graph.tensor([2 * hidden], bias_hh[gates])
    of_hidden = matrix(weight_hh[2 * hidden :]), graph.tensor([hidden], bias_hh[2 * hidden :])
    states = []
    for step in range(steps):
        if steps == 1:
            sums = graph.product(graph.joined([x, h], 1), *of_gates)
            reset, update = graph.split(graph.plain("LOGISTIC", sums), 1, 2)
        else:
            of_step = graph.split(rows[step], 1, 3)
            reset, update = (
                graph.plain("LOGISTIC", graph.plain("ADD", part, mine))
                for part, mine in zip(of_step, graph.split(graph.product(h, *of_gates), 1, 2))
            )
            new = of_step[2]
        recurrent = graph.plain("MUL", reset, graph.product(h, *of_hidden))
        candidate = graph.plain("TANH", graph.plain("ADD", new, recurrent))
        h = graph.plain("ADD", candidate, graph.plain("MUL", update, graph.plain("SUB", h, candidate)))
        states.append(h)
    outputs = [h] if steps == 1 else [graph.joined(states, 0), h]
    return graph.pack(inputs, outputs)
