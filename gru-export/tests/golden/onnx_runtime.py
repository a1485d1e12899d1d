"""Runs an ONNX file step by step and saves it with its input and outputs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime

HERE = Path(__file__).parent / "onnx"


class Case(NamedTuple):
    """A model and how to feed it."""

    model: onnx.ModelProto | None
    """The model, unless its file is there already."""
    x: np.ndarray
    """[N, T, I], or [N, T] of symbols."""
    axes: str = "bt"
    """The order of the input's batch and time axes; "t" for a model without a batch."""
    last: bool = False
    """Whether the model gives the last step alone."""
    ends: bool = False
    """Whether the model gives one output a window, from its both ends."""
    state: tuple[int, ...] | None = None
    """The shape of an initial state that the model takes."""
    twin: onnx.ModelProto | None = None
    """The same function, for a model that ONNX Runtime cannot run."""


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what names the machine that exported it."""
    graph = model.graph
    for item in [
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.input,
        *graph.output,
        *graph.value_info,
    ]:
        item.ClearField("metadata_props")
        item.ClearField("doc_string")
    return model


def steps(session: onnxruntime.InferenceSession, case: Case, sequence: np.ndarray) -> np.ndarray:
    """The outputs [T, O] of one sequence."""
    feed = {}
    if case.state:
        feed[session.get_inputs()[1].name] = np.zeros(case.state, np.float32)

    def run(window: np.ndarray) -> np.ndarray:
        batch = window if case.axes == "t" else window[None] if case.axes == "bt" else window[:, None]
        output = session.run(None, {session.get_inputs()[0].name: batch, **feed})[0]
        return output.reshape(-1, output.shape[-1])

    if case.last:
        return np.concatenate([run(sequence[: end + 1]) for end in range(len(sequence))])
    if case.ends:
        return np.repeat(run(sequence), len(sequence), axis=0)
    return run(sequence)


def save(name: str, case: Case) -> None:
    path = HERE / f"{name}.onnx"
    if case.model is not None:
        onnx.checker.check_model(case.model)
        path.write_bytes(case.model.SerializeToString(deterministic=True))
    session = onnxruntime.InferenceSession(case.twin.SerializeToString() if case.twin else path)
    np.save(HERE / f"{name}_x.npy", case.x)
    np.save(HERE / f"{name}_y.npy", np.stack([steps(session, case, sequence) for sequence in case.x]))
