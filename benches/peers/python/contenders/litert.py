"""LiteRT: f32, and dynamic-range quantisation: int8 weights of a scale for each row."""

from functools import cached_property
from time import perf_counter

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from contenders import WINDOW, Contender, Layer


class Model:
    """A model in an interpreter of one thread."""

    def __init__(self, path, kernels=OpResolverType.AUTO):
        self.interpreter = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=kernels)
        self.interpreter.allocate_tensors()
        self.row, self.state = (tensor["index"] for tensor in self.interpreter.get_input_details())
        *self.outputs, self.next = (tensor["index"] for tensor in self.interpreter.get_output_details())


class LiteRT(Contender):
    name, package, precision = "LiteRT", "ai-edge-litert", "f32"
    files, int8 = ("step.f32.tflite", "window.f32.tflite"), False

    @classmethod
    def prepare(cls, layer: Layer):
        from contenders.litert_model import gru

        for steps, file in zip((1, WINDOW), cls.files):
            layer.path(file).write_bytes(gru(layer.weights(), steps, cls.int8))

    def __init__(self, layer: Layer):
        step, self.long_path = (layer.path(file) for file in self.files)
        self.short = Model(step)
        self.inputs = layer.inputs()
        self.rows = list(self.inputs[:, None])
        self.zero = np.zeros((1, layer.hidden), np.float32)
        self.reset()

    @cached_property
    def long(self):
        """With XNNPACK, which is the default, or with the built-in kernels where these are faster: XNNPACK has
        the weights once for each unrolled step, and they outgrow the caches."""
        kernels = [OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES]
        hidden = self.hidden

        def seconds(model):
            start = perf_counter()
            self.advance(model, [self.inputs] * 5)
            return perf_counter() - start

        models = [Model(self.long_path, kernel) for kernel in kernels]
        fastest = min(models, key=lambda model: min(seconds(model) for _ in range(5)))
        self.hidden = hidden
        return fastest

    def advance(self, model, inputs):
        interpreter, hidden = model.interpreter, self.hidden
        row, state, last = model.row, model.state, model.next
        assign, run, result = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
        for values in inputs:
            assign(row, values)
            assign(state, hidden)
            run()
            hidden = result(last)
        self.hidden = hidden

    def reset(self):
        self.hidden = self.zero

    def steps(self, rows):
        self.advance(self.short, rows)

    def state(self):
        return self.hidden

    def window(self):
        self.advance(self.long, [self.inputs])
        self.results = self.long.interpreter.get_tensor(*self.long.outputs)

    def outputs(self):
        return self.results


class Quantised(LiteRT):
    """What is multiplied with the weights is quantised anew in each step."""

    name, precision = "LiteRT, dynamic", "int8"
    files, int8 = ("step.int8.tflite", "window.int8.tflite"), True


CONTENDERS = [LiteRT, Quantised]
