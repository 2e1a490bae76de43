//! A binary `COPY` stream as the server would read it.

/// Texts of a row; `None` is NULL.
pub(crate) type Row = Vec<Option<String>>;

/// The rows of a complete stream of text columns.
pub(crate) fn rows_of(stream: &[u8]) -> Vec<Row> {
    let mut rest =
        stream.strip_prefix(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0").expect("the stream begins with its header");
    let mut take = |bytes: usize| {
        let (taken, left) = rest.split_at(bytes);
        rest = left;
        taken.to_vec()
    };
    let mut rows = Vec::new();
    loop {
        let width = i16::from_be_bytes(take(2).try_into().unwrap());
        if width == -1 {
            assert!(rest.is_empty(), "nothing comes behind the trailer");
            return rows;
        }
        let row = (0..width).map(|_| {
            let length = i32::from_be_bytes(take(4).try_into().unwrap());
            usize::try_from(length).ok().map(|length| String::from_utf8(take(length)).unwrap())
        });
        rows.push(row.collect());
    }
}

/// A row without NULL.
pub(crate) fn row<const N: usize>(texts: [&str; N]) -> Row {
    texts.map(|text| Some(text.to_owned())).into()
}
