//! The corpus whole, item by item: what loaders stumble over, each as a file of a few lines, with the rows that it becomes, the values that
//! are lost and the line of each, or the code of its refusal. The other tests of this folder go further into many of them. Its last line is netCDF (a calendar without leap
//! days, scale and offset, `_FillValue`, packed shorts, longitudes from 0 to 360), which is no format of this product.

mod books;
mod packed;
mod shapes;
mod texts;

use super::checked::{Checked, check};

/// A file and what becomes of it.
struct Item {
    name: &'static str,
    /// Columns, and behind a dash other lines of the manifest.
    manifest: &'static [&'static str],
    file: &'static str,
    bytes: Vec<u8>,
    /// A line for each row, with `|` between its values; then one for each loss, `! line column code text`. Or `refused code: words`. What
    /// stands before a `…` is all that is compared.
    becomes: Vec<String>,
}

fn item(
    name: &'static str,
    manifest: &'static [&'static str],
    file: &'static str,
    bytes: impl AsRef<[u8]>,
    becomes: &[&str],
) -> Item {
    let becomes = becomes.iter().map(|line| (*line).to_owned()).collect();
    Item { name, manifest, file, bytes: bytes.as_ref().to_vec(), becomes }
}

/// In the words of [`Item::becomes`].
fn became(checked: &Checked, refusal: Option<&str>) -> Vec<String> {
    if let Some(words) = refusal {
        let refused = &checked.table["refused"];
        let told = format!("{} {}", refused["message"], refused["advice"]);
        let code = refused["code"].as_str().unwrap_or("nothing");
        let words = if told.contains(words) { words } else { &told };
        return vec![format!("refused {code}: {words}")];
    }
    let row =
        |row: Vec<Option<&str>>| row.into_iter().map(|value| value.unwrap_or("NULL")).collect::<Vec<_>>().join("|");
    let losses = checked.losses().into_iter().map(|loss| format!("! {loss}"));
    checked.rows().into_iter().map(row).chain(losses).collect()
}

#[test]
fn every_item_of_the_corpus_is_read_or_told_with_its_line() {
    let items = [texts::items(), packed::items(), books::items(), shapes::items()];
    let mut wrong = Vec::new();
    for Item { name, manifest, file, bytes, becomes } in items.into_iter().flatten() {
        let any = ["- bad_values: {allow: 100%}"];
        let refusal = becomes.first().and_then(|line| line.strip_prefix("refused ")?.split_once(": "));
        let manifest = if refusal.is_some() { manifest.to_vec() } else { [manifest, &any].concat() };
        let found = became(&check(&manifest, file, bytes), refusal.map(|(_, words)| words));
        let is_so = |(found, becomes): (&String, &String)| match becomes.strip_suffix('…') {
            Some(start) => found.starts_with(start),
            None => found == becomes,
        };
        if found.len() != becomes.len() || !found.iter().zip(&becomes).all(is_so) {
            wrong.push(format!("{name}: {found:#?} instead of {becomes:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
