//! The program as its user meets it: what it prints, its exit codes, and that a failure leaves no file behind.

mod bad_arguments;
mod bad_data;
mod bad_keras;
mod bad_layers;
mod bad_models;
mod bad_nodes;
mod bad_npz;
mod bad_onnx;
mod bad_ranges;
mod bad_specs;
mod every_text;
mod export;
mod files;
mod help;
mod inspect;
mod library;
mod onnx_files;
mod precision;
mod program;
mod report;
mod verify;
mod weights;
