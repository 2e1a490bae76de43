use manifest::dataset::{Derivation, Function, Table};

use super::*;
use crate::format::ReadRecords as _;
use crate::format::blocks::tests::Pieces;
use crate::format::csv::Records;
use crate::reading::layout::tests::table;
use crate::reading::reject::Consequence;
use crate::reading::types::OwnTypes;

pub(super) type Row = Vec<Option<Vec<u8>>>;

/// The rows of a text as PostgreSQL would get them, what was counted, and what was rejected.
pub(super) fn load(table: &Table, text: &str) -> (Vec<Row>, TableReading, Vec<Reject>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let layout = Layout::new(table, None, &OwnTypes::default()).unwrap();
    let mut records = Records::new(Pieces::cut(text.as_bytes(), &[]), b',');
    let header: Vec<_> = {
        let record = records.read().unwrap().unwrap();
        record.fields().map(|field| String::from_utf8(field.to_vec()).unwrap()).collect()
    };
    let binding = layout.wanted.bind(&header).unwrap();
    let plan = Plan::new(table, &layout, &table.sources()[0], Some("d/t.csv"), &binding, b',');
    let mut rows = Rows::new(table.name.clone(), &layout, sender);
    while let Some(record) = records.read().unwrap() {
        rows.push(&plan, Place { file: "t.csv", member: None }, &record);
    }
    let (stream, reading) = rows.finish();
    let mut rejects = Vec::new();
    while let Ok(reject) = receiver.try_recv() {
        rejects.push(reject);
    }
    (parse(&stream), reading, rejects)
}

/// The fields of a binary `COPY` stream.
fn parse(stream: &[u8]) -> Vec<Row> {
    let mut rest = stream.strip_prefix(&wire::HEADER).unwrap();
    let mut take = |bytes: usize| {
        let (taken, left) = rest.split_at(bytes);
        rest = left;
        taken.to_vec()
    };
    let mut rows = Vec::new();
    loop {
        let width = i16::from_be_bytes(take(2).try_into().unwrap());
        if width == -1 {
            assert!(rest.is_empty());
            return rows;
        }
        rows.push(
            (0..width)
                .map(|_| {
                    let length = i32::from_be_bytes(take(4).try_into().unwrap());
                    usize::try_from(length).ok().map(&mut take)
                })
                .collect(),
        );
    }
}

fn field(value: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
    let value = value.into();
    (!value.is_empty()).then_some(value)
}

fn int(value: i32) -> Option<Vec<u8>> {
    field(value.to_be_bytes())
}

fn text(value: &str) -> Option<Vec<u8>> {
    field(value)
}

fn tally<'r>(reading: &'r TableReading, column: &str) -> &'r ColumnTally {
    &reading.columns.iter().find(|(name, _)| name.as_str() == column).unwrap().1
}

#[test]
fn fields_go_to_their_columns_in_the_order_of_the_table() {
    let table = table(&["id bigint identity", "a integer", "b text", "c text"]);
    let (rows, reading, rejects) = load(&table, "C,extra,A,B\nsee,x,1,\" bee \"\n,y,\"1,234\",\n");
    assert_eq!(rows, [vec![int(1), text("bee"), text("see")], vec![int(1_234), None, None]]);
    assert_eq!((reading.rows, reading.records(), rejects.len()), (2, 2, 0));
    assert_eq!((tally(&reading, "b").trimmed, tally(&reading, "b").nulls), (1, 1));
}

#[test]
fn a_bad_value_is_null_in_its_row_and_kept_with_its_place() {
    let table = table(&["a integer", "b text"]);
    let (rows, reading, rejects) = load(&table, "a,b\n1,\"x\ny\"\n12x,z\n");
    assert_eq!(rows, [vec![int(1), text("x\ny")], vec![None, text("z")]]);
    assert_eq!(tally(&reading, "a").bad, BTreeMap::from([("not_an_integer", 1)]));
    let Reject { line, offset, column, code, raw, consequence, .. } = rejects[0].clone();
    assert_eq!((line, offset, code, raw.as_str()), (4, 12, "not_an_integer", "12x"));
    assert_eq!(column, Some("a".parse().unwrap()));
    assert_eq!(consequence.as_str(), "null");
}

#[test]
fn a_row_without_a_value_where_one_must_be_is_kept_out_whole() {
    let mut table = table(&["a text", "k integer", "b integer", "c text not null"]);
    table.primary_key = vec!["k".parse().unwrap()];
    let given = "a,k,b,c\n x ,,7,c\n,x1,bad,\n, 3, ,\"c \"\"3\"\"\"\n,4,,\n";
    let (rows, reading, rejects) = load(&table, given);
    assert_eq!(rows, [vec![None, int(3), None, text("c \"3\"")]]);
    assert_eq!((reading.rows, reading.rejected_rows, reading.records()), (1, 3, 4));
    assert_eq!((tally(&reading, "a").nulls, tally(&reading, "a").trimmed), (1, 0));
    assert_eq!(tally(&reading, "k").bad, BTreeMap::from([("no_value", 1), ("not_an_integer", 1)]));
    assert_eq!((tally(&reading, "b").nulls, tally(&reading, "b").bad_values()), (1, 1));
    assert_eq!(tally(&reading, "c").bad, BTreeMap::from([("no_value", 2)]));
    let raw: Vec<_> = rejects.iter().map(|r| (r.line, r.code, r.raw.as_str(), r.consequence.as_str())).collect();
    assert_eq!(
        raw,
        [
            (2, "no_value", " x ,,7,c", "row_rejected"),
            (3, "not_an_integer", ",x1,bad,", "row_rejected"),
            (5, "no_value", ",4,,", "row_rejected"),
        ]
    );
}

#[test]
fn a_bad_value_of_a_row_that_is_kept_out_is_counted_and_not_told_as_loaded() {
    let table = table(&["a integer", "b text not null", "c integer"]);
    let (rows, reading, rejects) = load(&table, "a,b,c\nx,,y\nx,b,3\n");
    assert_eq!(rows, [vec![None, text("b"), int(3)]]);
    assert_eq!((tally(&reading, "a").bad_values(), tally(&reading, "c").bad_values()), (2, 1));
    let raw: Vec<_> = rejects.iter().map(|reject| (reject.raw.as_str(), reject.consequence)).collect();
    assert_eq!(raw, [("x,,y", Consequence::RowRejected), ("x", Consequence::Null)]);
}

#[test]
fn records_of_another_length_are_kept_out_and_blank_lines_are_none() {
    let table = table(&["a integer", "b text"]);
    let given = "a,b\n1\n\n   \n1,x,\n1,x,y\n1,\"q,\"\"r\",y\n2,z\n";
    let (rows, reading, rejects) = load(&table, given);
    assert_eq!(rows.len(), 2);
    assert_eq!(reading.bad_records, BTreeMap::from([("too_few_fields", 1), ("too_many_fields", 2)]));
    assert_eq!(reading.rejected_rows, 3);
    let raw: Vec<_> = rejects.iter().map(|reject| (reject.line, reject.raw.as_str())).collect();
    assert_eq!(raw, [(2, "1"), (6, "1,x,y"), (7, "1,\"q,\"\"r\",y")]);
    assert!(rejects.iter().all(|reject| reject.column.is_none()));
}

#[test]
fn derived_columns_are_made_from_the_record() {
    let mut table = table(&["boro text", "block integer", "bbl char(10)", "label text", "year smallint"]);
    let arguments = ["boro", "block", "lot"].map(|name| name.parse().unwrap()).to_vec();
    table.derive.insert("bbl".parse().unwrap(), Derivation::Call { function: Function::Bbl, arguments });
    table.derive.insert("label".parse().unwrap(), Derivation::Template("{boro}/{year}".into()));
    table.derive.insert("year".parse().unwrap(), Derivation::Template("{year}".into()));
    if let manifest::dataset::Content::Sources(sources) = &mut table.content {
        sources[0].vars.insert("year".into(), "2019".into());
    }
    let (rows, reading, rejects) = load(&table, "Boro,Block,Lot\n\u{a0}Bronx\u{202f},432,10\n\u{a0},1,1\nNYC,600,1\n");
    let year = Some(2019_i16.to_be_bytes().to_vec());
    assert_eq!(
        rows,
        [
            vec![text("Bronx"), int(432), text("2004320010"), text("Bronx/2019"), year.clone()],
            vec![None, int(1), None, None, year.clone()],
            vec![text("NYC"), int(600), None, text("NYC/2019"), year],
        ]
    );
    assert_eq!(tally(&reading, "bbl").nulls, 1);
    assert_eq!((rejects[0].code, rejects[0].raw.as_str()), ("not_a_borough", "NYC,600,1"));
}

#[test]
fn a_column_may_be_made_of_the_files_own_and_of_where_it_came_from() {
    let mut table = table(&["bbl char(10)", "owner text", "owner_hash bytea", "origin text"]);
    let call = |function, argument: &str| {
        let arguments = vec![argument.parse().unwrap()];
        Derivation::Call { function, arguments }
    };
    table.derive.insert("bbl".parse().unwrap(), call(Function::Bbl, "bbl"));
    table.derive.insert("owner_hash".parse().unwrap(), call(Function::Md5, "owner"));
    table.derive.insert("origin".parse().unwrap(), Derivation::Template("{file}: {member}".into()));
    if let manifest::dataset::Content::Sources(sources) = &mut table.content {
        sources[0].reading.nulls = vec!["none".into()];
    }
    let (rows, reading, rejects) = load(&table, "BBL,Owner\n1008300028.00,café\nnone,none\n1-830-28A, x \n");
    let origin = text("t.csv: d/t.csv");
    let hash = |text: &str| Some(md5::compute(text).0.to_vec());
    assert_eq!(
        rows,
        [
            vec![text("1008300028"), text("café"), hash("café"), origin.clone()],
            vec![None, None, None, origin.clone()],
            vec![None, text("x"), hash("x"), origin],
        ]
    );
    assert_eq!(reading.drift, []);
    assert_eq!((rejects[0].code, rejects[0].raw.as_str()), ("not_a_lot", "1-830-28A"));
}

#[test]
fn rows_that_are_not_wanted_are_counted_and_nothing_else() {
    let mut table = table(&["borough text", "price integer"]);
    table.keep.insert("borough".parse().unwrap(), ["1".to_owned(), "2".to_owned()].into());
    let (rows, reading, rejects) = load(&table, "borough,price\n1,5\n\u{a0}2 \u{a0},6\n3,x\nNote,\n");
    assert_eq!(rows.len(), 2);
    assert_eq!((reading.rows, reading.filtered_rows, reading.records(), rejects.len()), (2, 2, 2, 0));
}

#[test]
fn null_markers_are_null() {
    let mut table = table(&["a integer", "b text"]);
    if let manifest::dataset::Content::Sources(sources) = &mut table.content {
        sources[0].reading.nulls = vec!["N/A".into()];
    }
    let (rows, ..) = load(&table, "a,b\nN/A, N/A \n");
    assert_eq!(rows, [vec![None, None]]);
}
