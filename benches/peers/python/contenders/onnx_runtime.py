"""ONNX Runtime: f32, and what its quantiser makes of the model."""

import logging
from functools import cached_property

import numpy as np
import onnxruntime

from contenders import Contender, Layer


def session(path) -> onnxruntime.InferenceSession:
    """On one thread, with all optimisations, which is the default."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class OnnxRuntime(Contender):
    """A step goes through bound buffers, which takes less time than `run`; the state alternates between two."""

    name, package, precision = "ONNX Runtime", "onnxruntime", "f32"
    files = "step.onnx", "window.onnx"

    def __init__(self, layer: Layer):
        step, self.long_path = (layer.path(file) for file in self.files)
        self.inputs = layer.inputs()[:, None]
        self.rows = list(self.inputs[:, None])
        self.zero = np.zeros((1, 1, layer.hidden), np.float32)
        value = onnxruntime.OrtValue.ortvalue_from_numpy
        self.row, self.hidden = value(self.rows[0].copy()), [value(self.zero.copy()) for _ in range(2)]
        self.short, self.current = session(step), 0
        self.bindings = [self.binding(*self.hidden), self.binding(*reversed(self.hidden))]

    def binding(self, before, after):
        binding = self.short.io_binding()
        binding.bind_ortvalue_input("x", self.row)
        binding.bind_ortvalue_input("h", before)
        binding.bind_ortvalue_output("next", after)
        return binding

    @cached_property
    def long(self):
        return session(self.long_path)

    def reset(self):
        self.hidden[self.current].update_inplace(self.zero)

    def steps(self, rows):
        run, update = self.short.run_with_iobinding, self.row.update_inplace
        bindings, current = self.bindings, self.current
        for row in rows:
            update(row)
            run(bindings[current])
            current = 1 - current
        self.current = current

    def state(self):
        return self.hidden[self.current].numpy()

    def window(self):
        hidden = self.hidden[self.current]
        self.results, after = self.long.run(None, {"x": self.inputs, "h": hidden.numpy()})
        hidden.update_inplace(after)

    def outputs(self):
        return self.results


class Quantised(OnnxRuntime):
    """ONNX Runtime's quantiser leaves `GRU` as it is, so that this is f32 again; where it no longer does, this
    says so."""

    name = "ONNX Runtime, quantize_dynamic (its GRU stays f32)"
    files = "step.quantised.onnx", "window.quantised.onnx"

    @classmethod
    def prepare(cls, layer: Layer):
        import onnx
        from onnxruntime.quantization import quantize_dynamic

        logging.disable(logging.WARNING)
        for before, after in zip(OnnxRuntime.files, cls.files):
            quantize_dynamic(layer.path(before), layer.path(after))
            tensors = onnx.load(layer.path(after)).graph.initializer
            if any(tensor.data_type != onnx.TensorProto.FLOAT for tensor in tensors):
                raise RuntimeError("ONNX Runtime's quantiser changed a GRU: its precision is no longer f32")


CONTENDERS = [OnnxRuntime, Quantised]
