//! `deploy dataset new` makes of a publisher's file a manifest that loads, whatever the file holds: it is tried on every format, on portals,
//! and on the CSV among the samples.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use freshet_tests::binaries;
use freshet_tests::http::{FileServer, Reply};
use freshet_tests::socrata::Portal;
use manifest::run::Outcome;
use serde_json::json;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::desk::{self, Desk, Known};
use crate::expected::Expected;

/// A file with all that goes wrong when types are guessed from the first row or by a spreadsheet.
const TREES: &str = "\u{feff}Tree ID;2020 count;Zip;Planted;Höhe;% alive\n\
    1;007;00501;31/12/2020;12,5;100\n\
    2;12;10002;01/02/2021;;99.5\n\
    3;1,000;;;\"a; b\";\n";

#[test]
fn a_manifest_made_of_an_address_loads_what_was_there() {
    let publisher = tempfile::tempdir().unwrap();
    fs::write(publisher.path().join("trees.csv"), TREES).unwrap();
    let server = FileServer::start(publisher.path()).unwrap();
    let project = tempfile::tempdir().unwrap();
    let deploy = binaries::deploy().unwrap();
    let address = format!("{}/trees.csv?version=1", server.url());
    let call = deploy.call(["dataset", "new", &address, "--place", "x"]).current_dir(project.path());
    call.expect_code(0);

    let known = Known::at(&project.path().join("datasets/x/trees.yml"));
    let manifest = fs::read_to_string(&known.path).unwrap();
    for line in [
        "tree_id: integer",
        "_2020_count: text",
        "zip: text",
        "planted: date",
        "pct_alive: numeric",
        "parse: {planted: dmy}",
    ] {
        assert!(manifest.contains(line), "{line} is not in\n{manifest}");
    }
    let desk = Desk::new();
    assert_eq!(desk::record(&desk.load(&known, &known.samples(), &[])).outcome, Outcome::Published);
    desk.assert_as(&known, &Expected::beside(&known.path));
    let rows = desk.rows(&known, "trees");
    assert_eq!(rows[0], "(1,007,00501,2020-12-31,\"12,5\",100)");

    // What is there already is nobody's to overwrite.
    let again = call.expect_code(1).to_string();
    assert!(again.contains("--name"), "{again}");
}

#[test]
fn every_csv_among_the_samples_becomes_a_manifest_that_loads_it() {
    let project = tempfile::tempdir().unwrap();
    let desk = Desk::new();
    let deploy = binaries::deploy().unwrap();
    let samples = desk::repository().join("datasets/nyc/samples");
    let mut files: Vec<_> = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension() == Some(OsStr::new("csv")));
    files.sort();
    // Each load is a process: every third is enough to meet all the shapes.
    for file in files.iter().step_by(3) {
        let name = format!("new_{}", file.file_stem().unwrap().to_string_lossy().replace('-', "_"));
        let name = name.chars().take(40).collect::<String>();
        let source = file.to_str().unwrap();
        let call = deploy.call(["dataset", "new", source, "--place", "x", "--name", &name]);
        call.current_dir(project.path()).expect_code(0);
        let known = Known::at(&project.path().join(format!("datasets/x/{name}.yml")));
        let run = desk.load(&known, &known.samples(), &[]);
        let record = desk::record(run.expect_code(0));
        assert_eq!((record.outcome, record.bad_values), (Outcome::Published, 0), "{run}");
        desk.assert_as(&known, &Expected::beside(&known.path));
    }
}

/// A source, its rows, and lines of the manifest that it becomes.
type Case = (&'static str, u64, &'static [&'static str]);

const FORMATS: &[Case] = &[
    ("points.tsv", 2, &["id: text", "name: text", "found: date"]),
    ("latin.txt", 2, &["delimiter: \"|\"", "encoding: windows-1252", "n: numeric"]),
    ("packed.csv.gz", 20, &["code: text", "n: integer"]),
    ("boroughs.zip", 3, &["member: \"*.csv\"", "block: text"]),
    ("sales.xlsx", 2, &["header: find", "sale_price:", "sale_date: date"]),
    ("old.xls", 2, &["header: find", "sale_date: date"]),
    ("objects.json", 30, &["zip: text", "seen: timestamp", "open: boolean", "more: jsonb", "optional: [late]"]),
    ("lines.ndjson", 2, &["id: integer", "name: text"]),
    ("areas.geojson", 30, &["geom: geometry(MultiPolygon, 4326)", "people: integer"]),
    ("districts.zip", 5, &["member: \"nyad_25a/nyad.shp\"", "geom: geometry(MultiPolygon, 2263)"]),
];

fn publish(folder: &Path) {
    let samples = desk::repository().join("datasets/nyc/samples");
    for (sample, name) in [
        ("dof_annual_sales_2020_manhattan.xlsx", "sales.xlsx"),
        ("dof_annual_sales_2015_bronx.xls", "old.xls"),
        ("nyad_25a.zip", "districts.zip"),
    ] {
        fs::copy(samples.join(sample), folder.join(name)).unwrap();
    }
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("points.tsv", b"id\tname\tfound\n001\ta \"b\"\t2020-01-31\n002\tc, d\t02/01/2021\n");
    write("latin.txt", b"id|caf\xe9|n\n1|\xe0 la carte|1.5\n2|plain|2\n");
    let rows: Vec<_> = (0..20).map(|n| format!("{n:03},{n}\n")).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(format!("code,n\n{}", rows.concat()).as_bytes()).unwrap();
    write("packed.csv.gz", &packed.finish().unwrap());
    let mut archive = ZipWriter::new(File::create(folder.join("boroughs.zip")).unwrap());
    for (member, text) in [
        ("lots/BK.csv", "block,n\n00012,1\n"),
        ("lots/MN.csv", "block,n\n00013,2\n00014,3\n"),
        ("lots/readme.pdf", "%PDF-1.4"),
        ("__MACOSX/lots/._BK.csv", "\0\u{5}"),
    ] {
        archive.start_file(member, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    let object = |n: usize| {
        let mut object = json!({"zip": format!("0{n:04}"), "seen": format!("2024-01-02T03:04:{n:02}"), "open": n.is_multiple_of(2), "more": {"n": [n]}});
        if n == 20 {
            object["late"] = json!("late");
        }
        object
    };
    write("objects.json", json!((0..30).map(object).collect::<Vec<_>>()).to_string().as_bytes());
    write("lines.ndjson", b"{\"id\": 1, \"name\": \"a } b\"}\n{\"id\": 2, \"name\": null}\n");
    let ring = json!([[0, 0], [0, 1], [1, 1], [0, 0]]);
    let feature = |n: usize| {
        let (shape, coordinates) =
            if n.is_multiple_of(2) { ("Polygon", json!([ring])) } else { ("MultiPolygon", json!([[ring]])) };
        json!({"type": "Feature", "properties": {"people": n}, "geometry": {"type": shape, "coordinates": coordinates}})
    };
    let features: Vec<_> = (0..30).map(feature).collect();
    write("areas.geojson", json!({"type": "FeatureCollection", "features": features}).to_string().as_bytes());
}

/// Drafts a source, and loads its sample as expected.
fn drafted(desk: &Desk, project: &Path, source: &str, lines: &[&str]) -> Known {
    let deploy = binaries::deploy().unwrap();
    let run = deploy.call(["dataset", "new", source, "--place", "x", "--output", "json"]).current_dir(project);
    let written: serde_json::Value = serde_json::from_str(&run.expect_code(0).stdout).unwrap();
    let known = Known::at(&project.join(written["files"][0].as_str().unwrap()));
    let manifest = fs::read_to_string(&known.path).unwrap();
    for line in lines {
        assert!(manifest.contains(line), "{line} is not in\n{manifest}");
    }
    let run = desk.load(&known, &known.samples(), &[]);
    let record = desk::record(run.expect_code(0));
    assert_eq!((record.outcome, record.bad_values, record.rejected_rows), (Outcome::Published, 0, 0), "{run}");
    desk.assert_as(&known, &Expected::beside(&known.path));
    known
}

#[test]
fn every_format_becomes_a_manifest_that_loads_it() {
    let publisher = tempfile::tempdir().unwrap();
    publish(publisher.path());
    let server = FileServer::start(publisher.path()).unwrap();
    let (project, desk) = (tempfile::tempdir().unwrap(), Desk::new());
    for (file, rows, lines) in FORMATS {
        let known = drafted(&desk, project.path(), &server.url_of(file), lines);
        // And the whole of it, as the publisher has it.
        let whole = tempfile::tempdir().unwrap();
        let source = &known.dataset.tables[0].sources()[0].file;
        fs::copy(publisher.path().join(file), whole.path().join(source)).unwrap();
        let run = desk.load(&known, whole.path(), &["--force"]);
        let record = desk::record(run.expect_code(0));
        assert_eq!((record.rows, record.bad_values, record.rejected_rows), (*rows, 0, 0), "{file}\n{run}");
    }
}

#[test]
fn portals_and_layers_tell_their_types() {
    let server = FileServer::start(tempfile::tempdir().unwrap().path()).unwrap();
    let portal = Portal::start(&server);
    portal.write("abcd-1234", |trees| {
        trees.columns = ["id", "code", "planted", "alive", "height"].map(str::to_owned).to_vec();
        trees.types = ["number", "text", "calendar_date", "checkbox", "number"].map(str::to_owned).to_vec();
        for (id, height) in [("1", "2.5"), ("2", ""), ("3", "10")] {
            trees.insert(&[id, "7", "2024-03-01T00:00:00.000", "true", height], "2024-03-01T00:00:00.000Z");
        }
    });
    let answer =
        |body: serde_json::Value| Reply { status: 200, content_type: "application/json", body: body.to_string() };
    server.serve("/arcgis/Parks/FeatureServer/0", move |request| {
        if request.path.ends_with("/0") {
            let fields =
                [("OBJECTID", "esriFieldTypeOID"), ("code", "esriFieldTypeString"), ("edited", "esriFieldTypeDate")];
            let fields: Vec<_> = fields.iter().map(|(name, of)| json!({"name": name, "type": of})).collect();
            return answer(json!({"objectIdField": "OBJECTID", "maxRecordCount": 100, "fields": fields}));
        }
        if request.parameter("returnCountOnly").is_some() {
            return answer(json!({"count": 2}));
        }
        let is_first = !request.parameter("where").unwrap_or_default().contains("> 2");
        let feature = |n: u32| {
            json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [-73.9, 40.7]},
                "properties": {"OBJECTID": n, "code": "7", "edited": 1_709_251_200_000_u64}})
        };
        let features: Vec<_> = [1, 2].into_iter().filter(|_| is_first).map(feature).collect();
        answer(json!({"type": "FeatureCollection", "features": features}))
    });

    let (project, desk) = (tempfile::tempdir().unwrap(), Desk::new());
    let socrata = format!("socrata: \"{}\", id: abcd-1234", server.host());
    let lines = [&socrata, "id: integer", "code: text", "planted: date", "alive: boolean", "height: numeric"];
    drafted(&desk, project.path(), &format!("{}/d/abcd-1234", server.url()), &lines);
    let layer = format!("{}/arcgis/Parks/FeatureServer/0", server.url());
    let arcgis = format!("arcgis: \"{layer}\"");
    let lines =
        [&arcgis, "code: text", "edited: timestamptz", "parse: {edited: unix_ms}", "geom: geometry(Point, 4326)"];
    drafted(&desk, project.path(), &layer, &lines);
}

#[test]
fn what_is_no_table_is_refused_by_what_it_is() {
    let (folder, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, content, word) in [
        ("empty.csv", &b""[..], "empty"),
        ("page.csv", b"<!DOCTYPE html><html>", "page"),
        ("short.csv", b"a,b\n1\n", "line 2 has 1 fields"),
        ("twice.csv", b"Tree ID,tree_id\n1,2\n", "one name"),
        ("alone.csv", b"a,b\n", "no rows"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
        let source = folder.path().join(name);
        let deploy = binaries::deploy().unwrap();
        let call =
            deploy.call(["dataset", "new", source.to_str().unwrap(), "--place", "x"]).current_dir(project.path());
        let told = call.expect_code(1).to_string();
        assert!(told.contains(word), "{told}");
    }
}
