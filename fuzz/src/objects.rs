//! JSON, NDJSON and GeoJSON: however a text is cut into blocks, its objects and their places are the same, or it is refused for the same
//! reason; and what JSON's own parser takes for objects is read to the last member.

use manifest::dataset::Format;
use worker::format::json::Records;
use worker::format::{FormatError, ReadBlocks, ReadRecords, encoding, json_text};

use crate::files::{Found, Lines, Steps, all};

const FORMATS: [Format; 3] = [Format::Json, Format::Ndjson, Format::Geojson];

/// The first byte picks the format, the second where the rest is cut.
pub(crate) fn objects(data: &[u8]) {
    let [how, cut, file @ ..] = data else { return };
    let format = FORMATS[usize::from(*how) % FORMATS.len()];
    let step = usize::from(*cut) % 61 + 1;
    let whole = read(format, Steps { file, step: file.len().max(1) });
    assert_eq!(whole, read(format, Steps { file, step }), "cut every {step} bytes");
    if format == Format::Json
        && let Ok(objects) = serde_json::from_slice::<Vec<serde_json::Map<String, serde_json::Value>>>(file)
    {
        assert_eq!((whole.0.len(), &whole.1), (objects.len(), &None), "it is JSON");
    }
}

fn read(format: Format, file: Steps<'_>) -> Found {
    let mut read = Vec::new();
    let go = || -> Result<(), FormatError> {
        let text = json_text(ReadBlocks::new(file), encoding(None).expect("an encoding"))?;
        let records = Records::new(text, format, "geom")?;
        let fields = records.names().map(<[String]>::len);
        assert_eq!(Some(records.columns().len() + usize::from(format == Format::Geojson)), fields, "one for each");
        let _ = records.srid();
        all(records, Lines::Shared, &mut read)
    };
    let refused = go().err().map(|error| error.to_string());
    (read, refused)
}
