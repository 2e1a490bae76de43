//! The worker's binary.

fn main() {}
