//! ONNX files made in memory, sound and otherwise.

/// A message: fields in the order in which they were added.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn new() -> Self {
        Self::default()
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn int(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.as_ref().len() as u64);
        self.0.extend(bytes.as_ref());
        self
    }

    pub fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    pub fn each<T>(self, items: impl IntoIterator<Item = T>, add: impl Fn(Self, T) -> Self) -> Self {
        items.into_iter().fold(self, add)
    }
}

/// A tensor of this element type and these bytes.
pub fn raw_tensor(name: &str, kind: i64, dims: &[i64], bytes: &[u8]) -> Message {
    Message::new().each(dims, |m, &dim| m.int(1, dim)).int(2, kind).bytes(8, name).bytes(9, bytes)
}

/// Small floats that all differ.
pub fn floats(name: &str, dims: &[i64]) -> Message {
    let len: i64 = dims.iter().product();
    let values: Vec<u8> = (0..len).flat_map(|i| (i as f32 / len as f32 - 0.4).to_le_bytes()).collect();
    raw_tensor(name, 1, dims, &values)
}

pub fn ints(name: &str, values: &[i64]) -> Message {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(name, 7, &[values.len() as i64], &bytes)
}

/// A tensor whose bytes are in a file of data.
pub fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Message {
    let tensor = Message::new().each(dims, |m, &dim| m.int(1, dim)).int(2, 1).bytes(8, name).int(14, 1);
    tensor.each(entries, |m, (key, value)| m.message(13, &Message::new().bytes(1, key).bytes(2, value)))
}

/// `OUTPUT = OP(INPUTS)` for a node called like its output.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: &[Message]) -> Message {
    let node = Message::new().each(inputs, |m, name| m.bytes(1, name)).each(outputs, |m, name| m.bytes(2, name));
    node.bytes(3, outputs[0]).bytes(4, op).each(attributes, |m, attribute| m.message(5, attribute))
}

pub fn int(name: &str, value: i64) -> Message {
    Message::new().bytes(1, name).int(3, value)
}

pub fn float(name: &str, value: f32) -> Message {
    Message::new().bytes(1, name).float(2, value)
}

pub fn text(name: &str, value: &str) -> Message {
    Message::new().bytes(1, name).bytes(4, value)
}

pub fn texts(name: &str, values: &[&str]) -> Message {
    Message::new().bytes(1, name).each(values, |m, value| m.bytes(9, value))
}

pub fn list(name: &str, values: &[i64]) -> Message {
    Message::new().bytes(1, name).each(values, |m, &value| m.int(8, value))
}

/// A graph, of which a test changes what it is about.
#[derive(Clone)]
pub struct Graph {
    pub nodes: Vec<Message>,
    pub constants: Vec<Message>,
    pub inputs: Vec<(&'static str, Vec<i64>)>,
    pub outputs: Vec<&'static str>,
    pub opset: i64,
}

/// What the sound graph's GRU takes.
pub const GRU_INPUTS: [&str; 4] = ["x", "W", "R", "B"];

impl Graph {
    /// `x [T, 1, 2]` through a GRU of 3 units, its direction squeezed out, to a dense layer of 4.
    pub fn sound() -> Self {
        Self {
            nodes: vec![
                node("GRU", &GRU_INPUTS, &["gru", "final"], &[int("hidden_size", 3)]),
                node("Squeeze", &["gru", "one"], &["steps"], &[]),
                node("MatMul", &["steps", "weight"], &["y"], &[]),
            ],
            constants: vec![
                floats("W", &[1, 9, 2]),
                floats("R", &[1, 9, 3]),
                floats("B", &[1, 18]),
                ints("one", &[1]),
                floats("weight", &[3, 4]),
            ],
            inputs: vec![("x", vec![0, 1, 2])],
            outputs: vec!["y"],
            opset: 17,
        }
    }

    /// With this after the squeezed GRU in place of the dense layer.
    pub fn ending(nodes: impl IntoIterator<Item = Message>, constants: impl IntoIterator<Item = Message>) -> Vec<u8> {
        let mut graph = Self::sound();
        graph.nodes.pop();
        graph.nodes.extend(nodes);
        graph.constants.extend(constants);
        graph.file()
    }

    /// With another GRU node.
    pub fn with_gru(inputs: &[&str], attributes: &[Message], constants: impl IntoIterator<Item = Message>) -> Vec<u8> {
        let mut graph = Self::sound();
        graph.nodes[0] = node("GRU", inputs, &["gru", "final"], attributes);
        graph.constants.extend(constants);
        graph.file()
    }

    /// With another constant.
    pub fn with_constant(index: usize, constant: Message) -> Vec<u8> {
        let mut graph = Self::sound();
        graph.constants[index] = constant;
        graph.file()
    }

    /// With changes.
    pub fn changed(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut graph = Self::sound();
        change(&mut graph);
        graph.file()
    }

    /// The file's bytes.
    pub fn file(&self) -> Vec<u8> {
        let dimension =
            |&size: &i64| if size == 0 { Message::new().bytes(2, "T") } else { Message::new().int(1, size) };
        let value = |(name, dims): &(&str, Vec<i64>)| {
            let shape = Message::new().each(dims, |m, size| m.message(1, &dimension(size)));
            let tensor = Message::new().int(1, 1).message(2, &shape);
            Message::new().bytes(1, name).message(2, &Message::new().message(1, &tensor))
        };
        let graph = Message::new()
            .each(&self.nodes, |m, node| m.message(1, node))
            .each(&self.constants, |m, tensor| m.message(5, tensor))
            .each(&self.inputs, |m, input| m.message(11, &value(input)))
            .each(&self.outputs, |m, name| m.message(12, &Message::new().bytes(1, name)));
        let opset = Message::new().int(2, self.opset);
        Message::new().int(1, 8).bytes(2, "test").message(7, &graph).message(8, &opset).0
    }
}
