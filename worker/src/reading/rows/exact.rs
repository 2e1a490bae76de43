//! Any file is loaded exactly, or what is not is counted and kept. There is nothing third.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::layout::tests::table;
use super::super::reject::Consequence;
use super::tests::load;

/// A record's fields, of which some are values of their columns.
fn record() -> impl Strategy<Value = Vec<String>> {
    let blank = prop_oneof![Just(String::new()), Just(" ".to_owned()), Just("\u{a0}\t".to_owned())];
    let number = any::<i32>().prop_map(|number| number.to_string());
    let text = "[a-zé \u{a0},;\"'\n-]{0,8}";
    let date = prop_oneof![Just("2020-02-29".to_owned()), Just("02/30/2020".to_owned())];
    let field = prop_oneof![3 => number, 2 => text, 1 => blank, 2 => date];
    // Few records have a field too many or too few.
    (prop::collection::vec(field, 4), 0..20).prop_map(|(mut fields, luck)| {
        match luck {
            0 => drop(fields.pop()),
            1 => fields.push("more".to_owned()),
            _ => {}
        }
        fields
    })
}

fn csv(records: &[Vec<String>]) -> String {
    let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
    let lines = records.iter().map(|fields| fields.iter().map(quoted).collect::<Vec<_>>().join(","));
    std::iter::once("a,b,c,d".to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn every_value_is_loaded_exactly_or_counted_and_kept(records in prop::collection::vec(record(), 0..40)) {
        let table = table(&["a integer", "b text", "c date", "d text not null"]);
        let (rows, reading, rejects) = load(&table, &csv(&records));
        // The line on which each record begins.
        let mut line = 2;
        let mut places = BTreeMap::new();
        for fields in &records {
            places.insert(line, fields);
            line += 1 + fields.iter().map(|field| field.matches('\n').count() as u64).sum::<u64>();
        }
        let is_out = |line: &u64| {
            rejects.iter().any(|reject| reject.line == *line && reject.consequence == Consequence::RowRejected)
        };
        let loaded: Vec<_> = places.iter().filter(|(line, _)| !is_out(line)).collect();
        prop_assert_eq!(rows.len(), loaded.len());
        prop_assert_eq!(reading.rows + reading.rejected_rows, records.len() as u64);
        prop_assert_eq!(rejects.iter().filter(|reject| reject.consequence == Consequence::RowRejected).count() as u64, reading.rejected_rows);

        let mut nulls = [0_u64; 4];
        let mut kept = [0_u64; 4];
        for (row, (line, fields)) in rows.iter().zip(loaded) {
            for (index, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
                let raw = fields[index].as_str();
                let trimmed = raw.trim();
                let reject = rejects.iter().find(|reject| {
                    reject.line == *line && reject.column.as_ref().is_some_and(|column| column.as_str() == name)
                });
                match (&row[index], reject) {
                    (Some(value), None) => {
                        let expected = match name {
                            "a" => trimmed.parse::<i32>().unwrap().to_be_bytes().to_vec(),
                            "c" if trimmed == "2020-02-29" => 7_364_i32.to_be_bytes().to_vec(),
                            // Eight digits may be a day.
                            "c" if trimmed.len() == 8 && trimmed.parse::<u32>().is_ok() => value.clone(),
                            _ => trimmed.as_bytes().to_vec(),
                        };
                        prop_assert_eq!(value, &expected, "{} of line {}", name, line);
                    }
                    (None, Some(reject)) => {
                        prop_assert_eq!(&reject.raw, raw);
                        kept[index] += 1;
                    }
                    (None, None) => {
                        prop_assert!(trimmed.is_empty(), "{:?} of line {} is lost", raw, line);
                        nulls[index] += 1;
                    }
                    (Some(_), Some(_)) => prop_assert!(false, "{:?} of line {} is loaded and rejected", raw, line),
                }
            }
        }
        for (index, (_, tally)) in reading.columns.iter().enumerate() {
            prop_assert_eq!(tally.nulls, nulls[index]);
            prop_assert!(tally.bad_values() >= kept[index]);
        }
    }
}
