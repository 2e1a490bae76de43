use super::*;
use crate::reading::layout::tests::table;

fn wanted(declared: &[&str], edit: impl FnOnce(&mut Table)) -> Wanted {
    let mut table = table(&[]);
    edit(&mut table);
    let need = |name: &Identifier| {
        if table.optional.contains(name) { Need::Optional } else { Need::Required }
    };
    let columns = declared.iter().map(|name| name.parse::<Identifier>().unwrap()).map(|name| {
        let need = need(&name);
        (name, need)
    });
    Wanted::new(&table, columns.collect::<Vec<_>>())
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn id(name: &str) -> Identifier {
    name.parse().unwrap()
}

#[test]
fn names_are_matched_without_case_and_punctuation() {
    let wanted = wanted(&["documentid", "pcttransferred", "recorded_filed", "job_no"], |_| {});
    let binding = wanted.bind(&header(&["% TRANSFERRED", "Recorded / Filed", "DOCUMENT ID ", "Job No."])).unwrap();
    assert_eq!(binding.fields, [Some(2), Some(0), Some(1), Some(3)]);
    assert_eq!((binding.width, binding.extra.len()), (4, 0));
}

#[test]
fn letters_of_any_script_are_letters() {
    let wanted = wanted(&["año", "straße"], |_| {});
    assert_eq!(wanted.bind(&header(&["STRAßE", "AÑO"])).unwrap().fields, [Some(1), Some(0)]);
}

#[test]
fn a_renamed_header_is_found_and_the_exact_one_first() {
    let wanted = wanted(&["series_name", "lot"], |table| {
        table.rename.insert("table".into(), id("series_name"));
        table.rename.insert("LOT #".into(), id("lot"));
    });
    let binding = wanted.bind(&header(&["lot", "Table", "LOT #"])).unwrap_err();
    assert!(matches!(binding, HeaderError::Duplicate { .. }));
    assert_eq!(wanted.bind(&header(&["Table", "LOT #"])).unwrap().fields, [Some(0), Some(1)]);
    assert_eq!(wanted.bind(&header(&["Table", "Lot"])).unwrap().fields, [Some(0), Some(1)]);
}

#[test]
fn a_missing_column_is_answered_with_the_header_that_was_meant() {
    let wanted = wanted(&["violationid", "communityboard"], |_| {});
    let error = wanted.bind(&header(&["ViolationID", "Community Bord", "Other"])).unwrap_err();
    assert_eq!(error.to_string(), "the header has no column for `communityboard` (did you mean \"Community Bord\"?)");
    assert_eq!(error.advice().unwrap(), "if it was renamed, say `rename: {\"Community Bord\": communityboard}`");
    let error = wanted.bind(&header(&["ViolationID", "Other"])).unwrap_err();
    assert_eq!(error.to_string(), "the header has no column for `communityboard`");
    assert_eq!(error.advice().unwrap(), "if files may lack it, say `optional: [communityboard]`");
}

#[test]
fn optional_extra_and_skipped_columns_are_told_apart() {
    let edit = |table: &mut Table| {
        table.optional.insert(id("nta"));
        table.skip.insert("Not Used".into());
    };
    let given = header(&["ID", "NOT_USED", "New One", ""]);
    let binding = wanted(&["id", "nta"], edit).bind(&given).unwrap();
    assert_eq!(binding.fields, [Some(0), None]);
    let told: Vec<_> = binding.drift("a.csv").iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["a.csv has columns that the manifest does not know: \"New One\"", "a.csv lacks the optional columns nta"]
    );
    let strict = wanted(&["id"], |table| {
        edit(table);
        table.extra = ExtraColumns::Refuse;
    });
    let error = strict.bind(&given).unwrap_err();
    assert_eq!(error.to_string(), "the header has columns that the manifest does not know: \"New One\"");
    assert_eq!(error.advice().unwrap(), "declare them, or say `skip: [\"New One\"]`");
}

#[test]
fn two_headers_for_one_column_are_refused_and_two_that_nobody_wants_are_not() {
    let wanted = wanted(&["lot"], |_| {});
    let error = wanted.bind(&header(&["Lot", "LOT."])).unwrap_err();
    assert_eq!(error.to_string(), "the headers \"Lot\", \"LOT.\" are all column `lot`");
    assert!(wanted.bind(&header(&["Lot", "x", "X", "", ""])).is_ok());
}

#[test]
fn a_file_of_another_kind_does_not_fill_the_log() {
    let names: Vec<String> = (0..300).map(|n| format!("c{n}")).collect();
    let columns: Vec<&str> = names.iter().map(String::as_str).collect();
    let error = wanted(&columns, |_| {}).bind(&header(&["a;b;c"])).unwrap_err();
    assert!(error.to_string().ends_with("`c19` and 280 more"), "{error}");
    assert!(error.advice().unwrap().contains("`delimiter:`"));
    let strict = wanted(&["a"], |table| table.extra = ExtraColumns::Refuse);
    let error = strict.bind(&[header(&["a"]), names].concat()).unwrap_err();
    assert!(error.to_string().ends_with("\"c19\" and 280 more"), "{error}");
}

#[test]
fn what_may_have_been_renamed_moved_or_left_without_a_name_is_told() {
    let optional = |table: &mut Table| {
        table.optional.insert(id("communityboard"));
    };
    let given = header(&["", "Lot", "Community Bord", "Block", "", ""]);
    let told = |wanted: &Wanted| {
        let drift = wanted.bind(&given).unwrap().drift("a.csv");
        drift.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&wanted(&["block", "lot", "communityboard"], optional)),
        [
            "a.csv may have renamed columns: \"Community Bord\": communityboard",
            "a.csv has columns without a name, at 1",
            "a.csv has its columns in another order: lot before others",
        ]
    );
    let silenced = wanted(&["lot", "block", "communityboard"], |table| {
        optional(table);
        table.skip.insert(String::new());
        table.rename.insert("Community Bord".into(), id("communityboard"));
    });
    assert_eq!(told(&silenced), ["a.csv has its columns in another order: communityboard before others"]);
    let strict = wanted(&["lot", "block"], |table| {
        table.skip.insert("Community Bord".into());
        table.extra = ExtraColumns::Refuse;
    });
    let error = strict.bind(&given).unwrap_err();
    assert_eq!(error.to_string(), "the header has columns that the manifest does not know: \"\"");
}

#[test]
fn one_of_two_headers_for_a_column_can_be_skipped() {
    let wanted = wanted(&["lot"], |table| {
        table.skip.insert("LOT.".into());
    });
    assert_eq!(wanted.bind(&header(&["LOT.", "Lot"])).unwrap().fields, [Some(1)]);
}
