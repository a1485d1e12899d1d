//! ONNX Runtime, by `tests/golden/make_onnx.py` and, of tf2onnx, `make_tf2onnx.py`.

use gru_export::{Source, load};

use crate::golden;

cases! {
    reset_before: "GRU, linear_before_reset=0", "onnx/reset_before.onnx";
    reset_after: "GRU, linear_before_reset=1", "onnx/reset_after.onnx";
    no_bias: "no B", "onnx/no_bias.onnx";
    no_bias_reset_after: "no B, linear_before_reset=1", "onnx/no_bias_reset_after.onnx";
    zero_state: "constant zeros as initial_h", "onnx/zero_state.onnx";
    layout: "layout=1", "onnx/layout.onnx";
    clip: "clip", "onnx/clip.onnx";
    clip_reset_after: "clip, linear_before_reset=1", "onnx/clip_reset_after.onnx";
    relu: "activations Sigmoid, Relu", "onnx/relu.onnx";
    hard_sigmoid: "activations HardSigmoid, Tanh", "onnx/hard_sigmoid.onnx";
    hard_sigmoid_relu: "activation_alpha, activation_beta", "onnx/hard_sigmoid_relu.onnx";
    hard_sigmoid_candidate: "activations Sigmoid, HardSigmoid", "onnx/hard_sigmoid_candidate.onnx";
    affine: "activations HardSigmoid, Affine", "onnx/affine.onnx";
    lower_case: "activations in lower case", "onnx/lower_case.onnx";
    bidirectional: "direction=bidirectional", "onnx/bidirectional.onnx";
    bidirectional_activations: "activations of each direction", "onnx/bidirectional_activations.onnx";
    bidirectional_concat: "directions by Slice, Squeeze, Concat", "onnx/bidirectional_concat.onnx";
    bidirectional_ends: "final states of both directions", "onnx/bidirectional_ends.onnx";
    bidirectional_average: "directions averaged", "onnx/bidirectional_average.onnx";
    bidirectional_product: "directions multiplied", "onnx/bidirectional_product.onnx";
    dense_chain: "MatMul, Add, Relu, Sigmoid, Tanh, HardSigmoid", "onnx/dense_chain.onnx";
    gemm_softmax: "Y_h, Gemm, Relu, Softmax", "onnx/gemm_softmax.onnx";
    embedding: "Gather as an embedding", "onnx/embedding.onnx";
    batch_norm: "BatchNormalization", "onnx/batch_norm.onnx";
    layer_norm: "LayerNormalization", "onnx/layer_norm.onnx";
    standardized: "Sub, Div, Mul by constants", "onnx/standardized.onnx";
    no_batch: "no batch axis", "onnx/no_batch.onnx";
    opset_7: "opset 7: attributes for axes, Slice to the last step", "onnx/opset_7.onnx";
    float_data: "weights in float_data", "onnx/float_data.onnx";
    float16: "FLOAT16 weights, Cast", "onnx/float16.onnx";
    constant_nodes: "Constant", "onnx/constant_nodes.onnx";
    pytorch_reset_before: "linear_before_reset=0 from PyTorch", "onnx/pytorch_reset_before.onnx";
    torchscript_gru_linear: "TorchScript exporter: nn.GRU, nn.Linear", "onnx/torchscript_gru_linear.onnx";
    torchscript_dynamic: "TorchScript exporter: dynamic axes", "onnx/torchscript_dynamic.onnx";
    torchscript_large: "TorchScript exporter: 12 units", "onnx/torchscript_large.onnx";
    torchscript_time_first: "TorchScript exporter: time first", "onnx/torchscript_time_first.onnx";
    torchscript_no_batch: "TorchScript exporter: no batch axis", "onnx/torchscript_no_batch.onnx";
    torchscript_no_bias: "TorchScript exporter: bias=False", "onnx/torchscript_no_bias.onnx";
    torchscript_last_step: "TorchScript exporter: y[:, -1]", "onnx/torchscript_last_step.onnx";
    torchscript_final_state: "TorchScript exporter: h[-1]", "onnx/torchscript_final_state.onnx";
    torchscript_two_layers: "TorchScript exporter: num_layers=2", "onnx/torchscript_two_layers.onnx";
    torchscript_bidirectional: "TorchScript exporter: bidirectional=True, num_layers=2", "onnx/torchscript_bidirectional.onnx";
    torchscript_ends: "TorchScript exporter: h[-2] and h[-1] of both directions", "onnx/torchscript_ends.onnx";
    torchscript_streaming: "TorchScript exporter: state in and out, softmax", "onnx/torchscript_streaming.onnx";
    torchscript_symbols: "TorchScript exporter: nn.Embedding, nn.LayerNorm, ReLU", "onnx/torchscript_symbols.onnx";
    torchscript_normalized: "TorchScript exporter: nn.BatchNorm1d, dense chain", "onnx/torchscript_normalized.onnx";
    dynamo_gru_linear: "dynamo exporter: nn.GRU, nn.Linear, external data", "onnx/dynamo_gru_linear.onnx";
    dynamo_dynamic: "dynamo exporter: dynamic axes", "onnx/dynamo_dynamic.onnx";
    dynamo_large: "dynamo exporter: 12 units", "onnx/dynamo_large.onnx";
    dynamo_time_first: "dynamo exporter: time first", "onnx/dynamo_time_first.onnx";
    dynamo_no_batch: "dynamo exporter: no batch axis", "onnx/dynamo_no_batch.onnx";
    dynamo_no_bias: "dynamo exporter: bias=False", "onnx/dynamo_no_bias.onnx";
    dynamo_last_step: "dynamo exporter: y[:, -1]", "onnx/dynamo_last_step.onnx";
    dynamo_final_state: "dynamo exporter: h[-1]", "onnx/dynamo_final_state.onnx";
    dynamo_two_layers: "dynamo exporter: num_layers=2", "onnx/dynamo_two_layers.onnx";
    dynamo_bidirectional: "dynamo exporter: bidirectional=True, num_layers=2", "onnx/dynamo_bidirectional.onnx";
    dynamo_ends: "dynamo exporter: h[-2] and h[-1] of both directions", "onnx/dynamo_ends.onnx";
    dynamo_streaming: "dynamo exporter: state in and out, softmax", "onnx/dynamo_streaming.onnx";
    dynamo_symbols: "dynamo exporter: nn.Embedding, nn.LayerNorm, ReLU", "onnx/dynamo_symbols.onnx";
    dynamo_normalized: "dynamo exporter: nn.BatchNorm1d, dense chain", "onnx/dynamo_normalized.onnx";
    tf2onnx_gru_dense: "tf2onnx: Keras 2 GRU, Dense with softmax", "onnx/tf2onnx_gru_dense.onnx";
    tf2onnx_last_step: "tf2onnx: last step, two Dense", "onnx/tf2onnx_last_step.onnx";
    tf2onnx_stacked: "tf2onnx: stacked GRU, Dense with tanh", "onnx/tf2onnx_stacked.onnx";
    tf2onnx_bidirectional: "tf2onnx: Bidirectional, BatchNormalization", "onnx/tf2onnx_bidirectional.onnx";
    tf2onnx_embedding: "tf2onnx: Embedding", "onnx/tf2onnx_embedding.onnx";
    dynamo_unoptimized: "dynamo exporter: optimize=False", "onnx/dynamo_unoptimized.onnx";
}

/// The notes on a file.
fn notes(name: &str) -> String {
    let model = load(&Source::read(golden(&format!("onnx/{name}.onnx"))).unwrap(), None).unwrap();
    model.notes().join("\n")
}

#[test]
fn a_reset_before_by_pytorch_is_noted() {
    assert!(notes("pytorch_reset_before").contains("linear_before_reset is 0"));
    assert_eq!(notes("reset_before"), "");
}

#[test]
fn an_output_of_the_last_step_is_noted() {
    for name in ["gemm_softmax", "torchscript_last_step", "dynamo_final_state"] {
        assert!(notes(name).contains("last step"), "{name}");
    }
}

#[test]
fn a_loop_is_refused() {
    let error = load(&Source::read(golden("onnx/tf2onnx_loop.onnx")).unwrap(), None).unwrap_err();
    assert!(error.to_string().contains("(Loop)"), "{error}");
}
