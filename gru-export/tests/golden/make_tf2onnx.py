"""Makes the golden vectors of gru-export's tests with tf2onnx and ONNX Runtime.

Usage: pip install -r requirements-tf2onnx.txt && python make_tf2onnx.py

Writes `onnx/tf2onnx_CASE.onnx`, its input, and the outputs of every step as ONNX Runtime computes them. Keras 2 (tf_keras), because
tf2onnx makes GRU nodes of its layers alone: of Keras 3's it makes loops.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
import tf_keras
from tf_keras import layers

from onnx_runtime import HERE, Case, save, strip

STEPS = 12


def convert(*stack: layers.Layer, symbols: int | None = None, last: bool = False) -> Case:
    shape, dtype = ((None, 3), tf.float32) if symbols is None else ((None,), tf.int32)
    model = tf_keras.Sequential([tf_keras.Input(shape, dtype=dtype), *stack])
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
        else:
            layer.set_weights([random.uniform(-0.6, 0.6, weight.shape) for weight in layer.get_weights()])
    signature = [tf.TensorSpec((None, *shape), dtype, "x")]
    proto, _ = tf2onnx.convert.from_function(
        tf.function(model, input_signature=signature), signature, opset=17
    )
    if symbols is None:
        x = random.normal(size=(2, STEPS, 3)).astype(np.float32)
    else:
        x = random.integers(0, symbols, (2, STEPS), np.int32)
    return Case(strip(proto), x, last=last)


def cases() -> dict[str, Case]:
    every = {"return_sequences": True}
    return {
        "gru_dense": convert(layers.GRU(5, **every), layers.Dense(2, activation="softmax")),
        "last_step": convert(layers.GRU(5), layers.Dense(4, activation="relu"), layers.Dense(2), last=True),
        "stacked": convert(
            layers.GRU(5, **every),
            layers.GRU(4, **every),
            layers.Dense(3, activation="tanh"),
            layers.Dense(2),
        ),
        "bidirectional": convert(
            layers.Bidirectional(layers.GRU(5, **every)), layers.BatchNormalization(), layers.Dense(2)
        ),
        "embedding": convert(layers.Embedding(7, 3), layers.GRU(5, **every), layers.Dense(7), symbols=7),
    }


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, case in cases().items():
        save(f"tf2onnx_{name}", case)
    # What tf2onnx makes of Keras 3 is much the same: the reset before the product has no node either.
    loop = convert(layers.GRU(2, reset_after=False, return_sequences=True), layers.Dense(1)).model
    onnx.save(loop, HERE / "tf2onnx_loop.onnx")


if __name__ == "__main__":
    main()
