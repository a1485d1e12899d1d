//! Layers of a chain, class by class.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Result, quoted};
use crate::ir::{Activated, Activation, Affine, Dense, Embedding, Layer, LayerNorm, Model, Standardization};

use super::chain::{Entry, Object, mask_note};
use super::weights::Weights;
use super::{SAVE_KERAS, cell};

/// Smallest standard deviation that Keras divides by.
const EPSILON: f64 = 1e-7;

/// Builds the model of a chain.
pub(super) fn build(chain: &[Entry<'_>], weights: Weights) -> Result<Model> {
    let mut builder = Builder { weights, layers: Vec::new(), standardization: None, inputs: None };
    chain.iter().try_for_each(|entry| builder.add(entry))?;
    let model = Model::new(builder.layers, builder.standardization)?;
    Ok(match mask_note(chain) {
        Some(note) => model.with_note(note),
        None => model,
    })
}

/// The layers so far.
struct Builder {
    weights: Weights,
    layers: Vec<Layer>,
    standardization: Option<Standardization>,
    /// The size that the input layer states.
    inputs: Option<usize>,
}

impl Builder {
    fn add(&mut self, entry: &Entry<'_>) -> Result<()> {
        match &*entry.class {
            "InputLayer" => self.input(entry)?,
            "ActivityRegularization"
            | "AlphaDropout"
            | "Dropout"
            | "GaussianDropout"
            | "GaussianNoise"
            | "Identity"
            | "Masking"
            | "SpatialDropout1D" => {}
            "GRU" => self.layers.push(Layer::Gru(cell::gru(entry, &mut self.weights)?)),
            "RNN" => self.layers.extend(cell::rnn(entry, &mut self.weights)?.into_iter().map(Layer::Gru)),
            "Bidirectional" => {
                self.layers.push(Layer::Bidirectional(cell::bidirectional(entry, &mut self.weights)?.into()));
            }
            "Embedding" => {
                let table = self.weights.variable(&entry.path, 0)?;
                self.layers.push(Layer::Embedding(Embedding { name: entry.name(), weight: table.matrix()? }));
            }
            "TimeDistributed" => self.time_distributed(entry)?,
            "Dense" => self.dense(entry)?,
            "BatchNormalization" => self.batch_normalization(entry)?,
            "LayerNormalization" => self.layer_normalization(entry)?,
            "Normalization" => self.normalization(entry)?,
            "Activation" => {
                let Function { activation } = entry.parse()?;
                self.activate(entry, activation)?;
            }
            "ReLU" => self.relu(entry)?,
            "Softmax" => self.softmax(entry)?,
            _ => {
                return Err(entry.error("not supported").help(
                    "understood are GRU, Bidirectional, RNN of GRUCell, Dense, Embedding, TimeDistributed, the normalizations of \
                     batch, layer and input, Activation, ReLU, Softmax, dropout and noise; run other layers outside of the model",
                ));
            }
        }
        Ok(())
    }

    /// The size of what the layers so far give.
    fn size(&self, entry: &Entry<'_>) -> Result<usize> {
        let size = self.layers.last().map(Layer::output_size).or(self.inputs);
        size.ok_or_else(|| {
            entry.error("the size of its input is not known; begin the model with keras.Input((None, SIZE))")
        })
    }

    fn input(&mut self, entry: &Entry<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Config {
            batch_shape: Vec<Option<usize>>,
        }
        let Config { batch_shape } = entry.parse()?;
        // The input layer of a model within a model says nothing new.
        if let (true, &[_, _, Some(size)]) = (self.layers.is_empty(), &batch_shape[..]) {
            self.inputs = Some(size);
        }
        Ok(())
    }

    /// A layer that is applied to each step: so are all but the recurrent ones.
    fn time_distributed(&mut self, entry: &Entry<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Config<'a> {
            #[serde(borrow)]
            layer: Object<'a>,
        }
        let Config { layer } = entry.parse()?;
        let inner = entry.inner(layer, "layer");
        match &*inner.class {
            "Activation" | "BatchNormalization" | "Dense" | "Dropout" | "LayerNormalization" | "ReLU" | "Softmax" => {
                self.add(&inner)
            }
            _ => Err(inner.error("not supported in a TimeDistributed")),
        }
    }

    fn dense(&mut self, entry: &Entry<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Config<'a> {
            units: usize,
            use_bias: bool,
            #[serde(borrow)]
            activation: &'a RawValue,
        }
        let Config { units, use_bias, activation } = entry.parse()?;
        let kernel = self.weights.variable(&entry.path, 0)?;
        let (inputs, _) = kernel.sides()?;
        let weight = kernel.expect(&[inputs, units])?.transposed(0, 1)?;
        let bias = match use_bias {
            true => self.weights.variable(&entry.path, 1)?.expect(&[units])?.values(),
            false => vec![0.0; units],
        };
        self.layers.push(Layer::Dense(Dense { name: entry.name(), weight, bias }));
        self.activate(entry, activation)
    }

    /// An activation, named after the layer that has it.
    fn activate(&mut self, entry: &Entry<'_>, function: &RawValue) -> Result<()> {
        let activation = activation(function).map_err(|found| {
            entry
                .error(format!("activation {} is not supported", quoted(&found)))
                .help("understood are tanh, sigmoid, hard_sigmoid, relu, linear and softmax")
        })?;
        if activation == Activation::Linear {
            return Ok(());
        }
        let name = match &*entry.class {
            "Dense" => format!("{}.activation", entry.name()),
            _ => entry.name(),
        };
        let size = self.size(entry)?;
        self.layers.push(Layer::Activation(Activated { name, size, activation }));
        Ok(())
    }

    fn relu(&mut self, entry: &Entry<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Config {
            max_value: Option<f64>,
            #[serde(default)]
            negative_slope: f64,
            #[serde(default)]
            threshold: f64,
        }
        let Config { max_value, negative_slope, threshold } = entry.parse()?;
        if max_value.is_some() || negative_slope != 0.0 || threshold != 0.0 {
            return Err(entry.error("max_value, negative_slope and threshold are not supported"));
        }
        let (name, size) = (entry.name(), self.size(entry)?);
        self.layers.push(Layer::Activation(Activated { name, size, activation: Activation::Relu }));
        Ok(())
    }

    fn softmax(&mut self, entry: &Entry<'_>) -> Result<()> {
        last_axis(entry)?;
        let (name, size) = (entry.name(), self.size(entry)?);
        self.layers.push(Layer::Activation(Activated { name, size, activation: Activation::Softmax }));
        Ok(())
    }

    /// `[N]` of variable `next`, or what stands for it where the layer has none.
    fn vector(&mut self, entry: &Entry<'_>, next: &mut usize, is_there: bool, otherwise: f64) -> Result<Vec<f64>> {
        let size = self.size(entry)?;
        if !is_there {
            return Ok(vec![otherwise; size]);
        }
        *next += 1;
        Ok(self.weights.variable(&entry.path, *next - 1)?.expect(&[size])?.values())
    }

    fn batch_normalization(&mut self, entry: &Entry<'_>) -> Result<()> {
        let Norm { epsilon, center, scale, .. } = Norm::parse(entry)?;
        let mut next = 0;
        let gamma = self.vector(entry, &mut next, scale, 1.0)?;
        let beta = self.vector(entry, &mut next, center, 0.0)?;
        let mean = self.vector(entry, &mut next, true, 0.0)?;
        let variance = self.vector(entry, &mut next, true, 1.0)?;
        if let Some(negative) = variance.iter().find(|&&v| v < 0.0) {
            return Err(entry.error(format!("its moving variance has {negative}, below zero")));
        }
        let scale: Vec<f64> = gamma.iter().zip(&variance).map(|(gamma, v)| gamma / (v + epsilon).sqrt()).collect();
        let shift = beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
        self.layers.push(Layer::Affine(Affine { name: entry.name(), scale, shift }));
        Ok(())
    }

    fn layer_normalization(&mut self, entry: &Entry<'_>) -> Result<()> {
        let Norm { epsilon, center, scale, rms_scaling } = Norm::parse(entry)?;
        if rms_scaling {
            return Err(entry.error("rms_scaling is not supported"));
        }
        let mut next = 0;
        let weight = self.vector(entry, &mut next, scale, 1.0)?;
        let bias = self.vector(entry, &mut next, center, 0.0)?;
        self.layers.push(Layer::LayerNorm(LayerNorm { name: entry.name(), weight, bias, epsilon }));
        Ok(())
    }

    /// `(x − mean) / std`: before all layers the input's standardization, after one an affine layer.
    fn normalization(&mut self, entry: &Entry<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Config<'a> {
            #[serde(default)]
            invert: bool,
            #[serde(borrow)]
            mean: Option<&'a RawValue>,
            #[serde(borrow)]
            variance: Option<&'a RawValue>,
            #[serde(borrow)]
            axis: Option<&'a RawValue>,
        }
        let Config { invert, mean, variance, axis } = entry.parse()?;
        // No axis: one mean and variance for all channels.
        if axis.is_some_and(|axis| axis.get() != "[]") {
            last_axis(entry)?;
        }
        let size = self.size(entry)?;
        let mut values = |given: Option<&RawValue>, index| {
            let values = match given {
                Some(given) => numbers(given).ok_or_else(|| entry.error("expected a number or a list of numbers"))?,
                None => self.weights.variable(&entry.path, index)?.values(),
            };
            match values[..] {
                [value] => Ok(vec![value; size]),
                _ if values.len() == size => Ok(values),
                _ => Err(entry.error(format!("expected {size} or one mean and variance, found {}", values.len()))),
            }
        };
        let (mean, variance) = (values(mean, 0)?, values(variance, 1)?);
        let std: Vec<f64> = variance.iter().map(|v| v.max(0.0).sqrt().max(EPSILON)).collect();
        if self.layers.is_empty() && self.standardization.is_none() && !invert {
            self.standardization = Some(Standardization { mean, std });
            return Ok(());
        }
        let (scale, shift) = if invert {
            (std, mean)
        } else {
            let shift = mean.iter().zip(&std).map(|(mean, std)| -mean / std).collect();
            (std.iter().map(|std| 1.0 / std).collect(), shift)
        };
        self.layers.push(Layer::Affine(Affine { name: entry.name(), scale, shift }));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    activation: &'a RawValue,
}

/// The arguments that batch and layer normalization share.
#[derive(Deserialize)]
struct Norm {
    epsilon: f64,
    center: bool,
    scale: bool,
    #[serde(default)]
    rms_scaling: bool,
}

impl Norm {
    fn parse(entry: &Entry<'_>) -> Result<Self> {
        last_axis(entry)?;
        entry.parse()
    }
}

/// Fails unless the layer works along the last axis of `[batch, steps, values]`.
fn last_axis(entry: &Entry<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Config<'a> {
        #[serde(borrow)]
        axis: &'a RawValue,
    }
    let Config { axis } = entry.parse()?;
    match numbers(axis).as_deref() {
        Some([-1.0 | 2.0]) => Ok(()),
        _ => Err(entry
            .error(format!("expected the last axis, found axis {}", axis.get().escape_debug()))
            .help(format!("normalize along the last axis, and {SAVE_KERAS} again"))),
    }
}

/// A number, or the numbers of a list, in whatever depth.
fn numbers(json: &RawValue) -> Option<Vec<f64>> {
    let list = json.get().replace(['[', ']'], " ");
    list.split(',').map(|number| number.trim().parse().ok().filter(|value: &f64| value.is_finite())).collect()
}

/// A function by its name, alone or in a serialized object; else its name.
pub(super) fn activation(json: &RawValue) -> Result<Activation, String> {
    #[derive(Deserialize)]
    struct Object {
        class_name: String,
        config: Option<String>,
    }
    let name = match serde_json::from_str::<Option<String>>(json.get()) {
        Ok(name) => name.unwrap_or_else(|| "linear".to_owned()),
        Err(_) => match serde_json::from_str(json.get()) {
            Ok(Object { class_name, config }) => config.unwrap_or(class_name),
            Err(_) => return Err(json.get().chars().take(40).collect()),
        },
    };
    Ok(match &*name {
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "hard_sigmoid" => Activation::HardSigmoid { slope: 1.0 / 6.0, offset: 0.5 },
        "relu" => Activation::Relu,
        "linear" => Activation::Linear,
        "softmax" => Activation::Softmax,
        _ => return Err(name),
    })
}
