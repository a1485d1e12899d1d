"""Makes the golden vectors of gru-export's tests with ONNX Runtime.

Usage: pip install -r requirements-onnx.txt && python make_onnx.py

Writes `onnx/CASE.onnx`, the input `CASE_x.npy` of two sequences, and the outputs of every step as ONNX Runtime
computes them, `CASE_y.npy`: of the models of onnx_pytorch.py, as both of PyTorch's exporters write them, and of
onnx_graphs.py, built node by node.
"""

import onnx_graphs
import onnx_pytorch
from onnx_runtime import HERE, save


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, case in onnx_graphs.cases().items():
        save(name, case)
    for name, case in onnx_pytorch.cases():
        save(name, case)


if __name__ == "__main__":
    main()
