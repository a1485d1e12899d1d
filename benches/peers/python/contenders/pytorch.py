"""PyTorch: f32, and what its dynamic quantisation makes of the layer."""

import warnings

import torch
from torch.ao.quantization import quantize_dynamic

from contenders import Contender, Layer

torch.set_num_threads(1)
torch.set_grad_enabled(False)


class PyTorch(Contender):
    """A step is `torch.gru_cell`, which takes less time than `nn.GRU` and `nn.GRUCell`."""

    name, package, precision = "PyTorch", "torch", "f32"

    def __init__(self, layer: Layer):
        self.weights = [torch.from_numpy(values) for values in layer.weights()]
        inputs = torch.from_numpy(layer.inputs())
        self.gru = torch.nn.GRU(inputs.shape[1], layer.hidden)
        self.gru.load_state_dict(dict(zip(self.gru.state_dict(), self.weights)))
        self.gru.eval()
        self.rows, self.inputs = list(inputs.split(1)), inputs[:, None]
        self.zero = torch.zeros(1, layer.hidden)
        self.reset()

    def reset(self):
        self.hidden = self.zero

    def steps(self, rows):
        cell, weights, hidden = torch.gru_cell, self.weights, self.hidden
        with torch.inference_mode():
            for row in rows:
                hidden = cell(row, hidden, *weights)
        self.hidden = hidden

    def state(self):
        return self.hidden.numpy()

    def window(self):
        with torch.inference_mode():
            self.results, hidden = self.gru(self.inputs, self.hidden[None])
            self.hidden = hidden[0]

    def outputs(self):
        return self.results.numpy()


class Quantised(PyTorch):
    """Weights of int8; what is multiplied with them is quantised anew in each step."""

    name, precision = "PyTorch, dynamic", "int8"

    def __init__(self, layer: Layer):
        super().__init__(layer)
        with warnings.catch_warnings():
            # It is to be replaced by another package, which has no GRU.
            warnings.simplefilter("ignore")
            (self.gru,) = quantize_dynamic(torch.nn.Sequential(self.gru), {torch.nn.GRU}, torch.qint8)
        self.rows = [row[None] for row in self.rows]

    def steps(self, rows):
        gru, hidden = self.gru, self.hidden[None]
        with torch.inference_mode():
            for row in rows:
                _, hidden = gru(row, hidden)
        self.hidden = hidden[0]


CONTENDERS = [PyTorch, Quantised]
