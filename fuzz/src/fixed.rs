//! Text of fixed width under any layout. However it is cut into blocks, its records and their places are the same, or it is refused for
//! the same reason; and a record has the fields of the layout, or one too few.

use manifest::dataset::FixedField;
use worker::format::fixed::Records;
use worker::format::{FormatError, ReadBlocks, encoding, text};

use crate::files::{Found, Lines, Steps, all};

const ENCODINGS: [Option<&str>; 4] = [None, Some("windows-1252"), Some("utf-16le"), Some("shift_jis")];

/// Two bytes pick encoding and cut; two more for each of up to four fields say where it is, and a file follows.
pub(crate) fn fixed(data: &[u8]) {
    let [how, cut, rest @ ..] = data else { return };
    let label = ENCODINGS[usize::from(how / 4) % ENCODINGS.len()];
    let Some((layout, file)) = rest.split_at_checked(2 * (usize::from(how % 4) + 1)) else { return };
    let fields: Vec<_> = layout.chunks(2).map(field).collect();
    let step = usize::from(*cut) % 61 + 1;
    let whole = read(file, usize::MAX, label, &fields);
    assert_eq!(whole, read(file, step, label, &fields), "cut every {step} bytes");
    for (_, _, record) in &whole.0 {
        assert!(record.len() == fields.len() || record.len() == usize::from(fields.len() > 1), "{record:?}");
    }
}

fn field(place: &[u8]) -> FixedField {
    let (start, width) = (u32::from(place[0] % 64) + 1, u32::from(place[1] % 32));
    FixedField { name: format!("c{start}"), start, width: (width > 0).then_some(width) }
}

fn read(file: &[u8], step: usize, label: Option<&str>, fields: &[FixedField]) -> Found {
    let mut read = Vec::new();
    let mut go = || -> Result<(), FormatError> {
        let blocks = ReadBlocks::new(Steps { file, step });
        all(Records::new(text(blocks, encoding(label).expect("an encoding"))?, fields), Lines::Apart, &mut read)
    };
    let refused = go().err().map(|error| error.to_string());
    (read, refused)
}
