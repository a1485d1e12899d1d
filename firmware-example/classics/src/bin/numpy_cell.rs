//! Prints what the cell from scratch gives in NumPy, in f32 and in int8.

use classics::numpy_cell::{Forward, table};

fn main() {
    let (numpy, float, int8) = (Forward::numpy(), Forward::float(), Forward::int8());
    print!("{}", table(&[("NumPy", &numpy), ("f32", &float), ("int8", &int8)]));
    println!(
        "largest difference from NumPy: f32 {:.1e}, int8 {:.1e}",
        float.difference(&numpy),
        int8.difference(&numpy)
    );
}
