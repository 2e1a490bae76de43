//! libFuzzer's entry: one target, named by `FRESHET_FUZZ`.
#![no_main]
#![allow(unsafe_code, missing_docs, reason = "the macro exports a function to C")]

use std::sync::LazyLock;

use fuzz::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FRESHET_FUZZ").unwrap_or_default();
    Target::named(&name).expect("FRESHET_FUZZ names a target")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.run(data));
