//! The example project, and this repository's own stack: both hold together, and mean what their files say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manifest::dataset::{
    Container, Content, Deletes, Demand, Derivation, Duplicates, Emptiness, Format, HeaderRow, HttpMethod, Index,
    IndexMethod, Load, Origin, Source, Status, Table, Uniqueness, ViewStorage,
};
use manifest::finding::{Code, Findings, Severity, Style};
use manifest::schedule::{Mode, Trigger};
use manifest::stack::{Environment, Need, PublicIp};
use manifest::task_def::{Arch, Engine};
use manifest::{Dataset, Project, list_datasets, load_dataset};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn load(path: &str) -> Project {
    Project::load(&folder(path)).unwrap_or_else(|findings: Findings| panic!("{}", findings.draw(Style::Plain, 120)))
}

fn example() -> Project {
    load("tests/example")
}

fn table(project: &Project, dataset: &str, name: &str) -> Table {
    let dataset: &Dataset = &project.datasets[&dataset.parse().expect("a name")];
    dataset.table(&name.parse().expect("a name")).expect("a table").clone()
}

fn only_source(table: &Table) -> &Source {
    let [source] = table.sources() else { panic!("{} sources", table.sources().len()) };
    source
}

fn names<'a, T: AsRef<str> + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<&'a str> {
    items.into_iter().map(AsRef::as_ref).collect()
}

#[test]
fn this_repositorys_own_stack_holds_together_and_is_served_by_its_worker() {
    let project = load("..");
    assert!(project.warnings.is_empty(), "{}", project.warnings.draw(Style::Plain, 120));
    let names = names(project.datasets.keys());
    for name in ["acris", "hpd_violations", "pluto_16v2", "zipcodes"] {
        assert!(names.contains(&name), "{name} is none of {names:?}");
    }
    assert_eq!(table(&project, "acris", "real_property_legals").columns.len(), 15);
    let zip = table(&project, "pluto_16v2", "pluto_16v2");
    assert_eq!(only_source(&zip).reading.container, Container::Zip { member: "*.csv".to_owned() });
    assert_eq!(only_source(&zip).reading.format, Format::Csv);
    let demo = project.environment(&"demo".parse().unwrap(), &BTreeMap::new()).unwrap_err().to_string();
    assert!(demo.contains("the environment variable FRESHET_DEMO_ENDPOINT is not set"), "{demo}");
}

#[test]
fn every_part_of_the_grammar_is_in_the_example_and_warned_of_where_the_worker_lacks_it() {
    let project = example();
    assert!(project.warnings.iter().all(|finding| finding.code == Code::NotServed), "{}", project.warnings);
    assert!(project.warnings.iter().all(|finding| finding.severity() == Severity::Warning));
    let kinds: BTreeSet<&str> = project
        .datasets
        .values()
        .flat_map(|dataset| &dataset.tables)
        .flat_map(Table::sources)
        .map(|source| source.origin.kind())
        .collect();
    assert_eq!(kinds, ["arcgis", "ckan", "database", "dcat", "socrata", "url"].into());
}

#[test]
fn an_environment_overrides_what_stands_above_it_and_keeps_the_rest() {
    let project = example();
    let variables = BTreeMap::from([("TEST_SECURITY_GROUP".to_owned(), "sg-99999999".to_owned())]);
    let environment = |name: &str| -> Environment {
        project.environment(&name.parse().expect("a name"), &variables).expect("it resolves")
    };
    let (prod, test) = (environment("prod"), environment("test"));
    assert_eq!((prod.account.as_str(), test.account.as_str()), ("123456789012", "210987654321"));
    let id = |environment: &Environment, name: &str| environment.secrets[&name.parse().expect("a name")].to_string();
    assert_eq!(
        (id(&prod, "DATABASE_URL").as_str(), id(&test, "DATABASE_URL").as_str()),
        ("civic/database:url", "civic-test/database:url")
    );
    assert_eq!(id(&test, "CASES_URL"), "civic/salesforce:url");
    assert_eq!(test.secrets[&"PERMITS_TOKEN".parse().unwrap()].need, Need::Optional);
    assert_eq!(
        prod.tags,
        BTreeMap::from([("team".to_owned(), "data".to_owned()), ("cost-center".to_owned(), "4711".to_owned())])
    );
    assert_eq!(test.tags["cost-center"], "4712");
    assert_eq!((prod.log_retention, test.log_retention), (180, 30));
    assert_eq!((prod.sources, test.sources.as_deref()), (None, Some("https://mirror.example.org/samples")));
    assert_eq!(test.network.security_groups, ["sg-99999999"]);
    assert_eq!((&test.network.subnets, test.network.public_ip), (&prod.network.subnets, PublicIp::Enabled));
    assert_eq!(prod.role_path.as_deref(), Some("/civic/"));
}

#[test]
fn an_environment_that_does_not_exist_or_misses_a_variable_is_told() {
    let project = example();
    let none = BTreeMap::new();
    let unknown = project.environment(&"staging".parse().unwrap(), &none).unwrap_err();
    assert_eq!(unknown.to_string(), "freshet.yml has no environment `staging`; it has prod, test");
    let missing = project.environment(&"test".parse().unwrap(), &none).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "freshet.yml:25:34: the environment variable TEST_SECURITY_GROUP is not set [M502]"
    );
    let wrong = BTreeMap::from([("TEST_SECURITY_GROUP".to_owned(), "web".to_owned())]);
    let wrong = project.environment(&"test".parse().unwrap(), &wrong).unwrap_err().to_string();
    assert!(wrong.contains("`web` is not an id of security groups"), "{wrong}");
}

#[test]
fn task_defs_have_their_defaults() {
    let project = example();
    let small = &project.task_defs[&"small".parse().unwrap()];
    assert_eq!((small.engine, small.arch, small.attempts, small.storage), (Engine::Fargate, Arch::X86_64, 2, None));
    assert_eq!(small.timeout.to_string(), "2h");
    let large = &project.task_defs[&"large".parse().unwrap()];
    assert_eq!((large.arch, large.attempts, large.storage), (Arch::Arm64, 3, Some(100)));
    assert_eq!(project.task_defs[&"batch".parse().unwrap()].engine, Engine::Batch);
}

#[test]
fn schedules_are_in_awss_terms_each_with_a_name_of_its_own() {
    let project = example();
    let told: Vec<String> = project
        .schedules
        .iter()
        .map(|s| format!("{} {} {} {}", s.name, s.expression, s.timezone, s.task_def))
        .collect();
    assert_eq!(
        told,
        [
            "boundaries cron(29 0 1 1 ? *) America/New_York batch",
            "cases cron(15 6 ? * 2-6 *) UTC small",
            "geohub cron(0 5 ? 1,4,7,10 1#1 *) America/Los_Angeles small",
            "hpd_violations cron(38 22 * * ? *) America/New_York small",
            "la_311 cron(0 8 * * ? *) America/Los_Angeles small",
            "la_311-full cron(0 4 1 * ? *) America/Los_Angeles small",
            "pad cron(7 23 1/2 * ? *) America/New_York large",
            "pluto_latest cron(31 3 ? * 2 *) America/New_York large",
            "pluto_latest_districts cron(0 6 ? * 2 *) America/New_York small",
            "zipcodes cron(16 0 1 1 ? *) America/New_York batch",
        ]
    );
    let of = |name: &str| project.schedules.iter().find(|schedule| schedule.name == name).expect("a schedule");
    assert_eq!((of("la_311-full").mode, of("la_311").mode), (Mode::Full, Mode::Normal));
    assert_eq!((of("cases").trigger, of("la_311").trigger), (Trigger::Rule, Trigger::Scheduler));
    assert_eq!(of("hpd_violations").freshness.map(|span| span.to_string()).as_deref(), Some("36h"));
    assert_eq!(of("hpd_violations").written, "0 22 * * *");
    assert_eq!(names(project.manual.keys()), ["closed_permits", "dof_annual_sales"]);
}

#[test]
fn each_is_the_cross_product_of_its_variables() {
    let sales = table(&example(), "dof_annual_sales", "dof_annual_sales");
    assert_eq!(sales.sources().len(), 90);
    let urls: BTreeSet<&str> = sales
        .sources()
        .iter()
        .map(|source| match &source.origin {
            Origin::Url { url, .. } => url.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    let base = "https://www1.nyc.gov/assets/finance/downloads";
    for url in [
        "pdf/rolling_sales/annualized-sales/2020/2020_staten_island.xlsx",
        "pdf/rolling_sales/annualized-sales/2010/2010_bronx.xls",
        "pdf/rolling_sales/annualized-sales/2009_statenisland.xls",
        "pdf/09pdf/rolling_sales/sales_2008_queens.xls",
        "excel/rolling_sales/sales_2007_statenisland.xls",
        "sales_si_03.xls",
    ] {
        assert!(urls.contains(format!("{base}/{url}").as_str()), "{url}");
    }
    let last = sales.sources().last().expect("ninety");
    assert_eq!(
        (last.file.as_str(), last.vars["year"].as_str(), last.vars["boro"].as_str()),
        ("dof_annual_sales_2006_si.xls", "2006", "si")
    );
    assert_eq!(
        (last.reading.format, last.reading.sheet.as_deref(), last.reading.header),
        (Format::Xls, Some("1"), HeaderRow::Find)
    );
    assert_eq!(sales.sources()[0].reading.format, Format::Xlsx);
    assert_eq!(sales.keep[&"borough".parse().unwrap()], ["1", "2", "3", "4", "5"].map(str::to_owned).into());
    assert_eq!(sales.derive[&"year".parse().unwrap()], Derivation::Template("{year}".to_owned()));
    let Derivation::Call { function, arguments } = &sales.derive[&"bbl".parse().unwrap()] else { panic!("a call") };
    assert_eq!((function.as_str(), names(arguments)), ("bbl", vec!["borough", "block", "lot"]));
}

#[test]
fn a_table_has_its_columns_keys_and_limits() {
    let project = example();
    let pluto = table(&project, "pluto_latest", "pluto_latest");
    let types: Vec<String> =
        pluto.columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
    assert_eq!(types[3..], ["latitude numeric(9,6)", "longitude numeric(9,6)", "appdate date", "tags text[]"]);
    let index = |columns: &[&str], method, uniqueness| Index {
        columns: columns.iter().map(|name| name.parse().expect("a name")).collect(),
        method,
        uniqueness,
    };
    assert_eq!(
        pluto.indexes,
        [
            index(&["bbl"], IndexMethod::Btree, Uniqueness::Unique),
            index(&["cd", "council"], IndexMethod::Btree, Uniqueness::Repeatable),
            index(&["tags"], IndexMethod::Gin, Uniqueness::Repeatable),
            index(&["appdate"], IndexMethod::Brin, Uniqueness::Repeatable),
        ]
    );
    assert_eq!(pluto.rename["Community Board"].as_str(), "cd");
    assert_eq!(only_source(&pluto).reading.nulls, ["-", "N/A"]);
    let allowed = |name: &str| pluto.bad_values.allowed(&name.parse().expect("a name")).to_string();
    assert_eq!((allowed("appdate").as_str(), allowed("bbl").as_str()), ("5%", "0.1%"));
    assert_eq!(pluto.expect.max_nulls.columns.len(), 2);
    let zipcodes = table(&project, "zipcodes", "zipcodes");
    assert_eq!((zipcodes.columns.len(), zipcodes.source_columns_at), (2, Some(1)));
    assert_eq!(zipcodes.columns[1].type_name.as_str(), "geometry(multipolygon,2263)");
}

#[test]
fn sources_of_every_kind_are_read() {
    let project = example();
    let pad = table(&project, "pad", "pad_adr");
    assert_eq!(only_source(&pad).reading.container, Container::Zip { member: "bobaadr.txt".to_owned() });
    assert_eq!(only_source(&pad).reading.format, Format::Csv);
    let requests = table(&project, "la_311", "requests");
    assert_eq!(requests.sources().len(), 12);
    let Origin::Socrata { host, id, discover, .. } = &requests.sources()[11].origin else { panic!("socrata") };
    assert_eq!((host.as_str(), id.as_str()), ("data.lacity.org", "2cy6-i7zn"));
    assert_eq!(discover.as_deref(), Some("MyLA311 Service Request Data {year}"));
    let trees = table(&project, "geohub", "trees");
    let reading = &only_source(&trees).reading;
    assert_eq!((&reading.container, reading.format), (&Container::Gzip, Format::Csv));
    assert_eq!((reading.encoding.as_deref(), reading.delimiter), (Some("windows-1252"), Some(';')));
    assert_eq!(only_source(&table(&project, "geohub", "parcels")).reading.format, Format::Geojson);
    let cases = table(&project, "cases", "cases");
    let Origin::Database { url, query } = &only_source(&cases).origin else { panic!("database") };
    assert_eq!(
        (url.as_str(), query.as_str()),
        ("${secret:CASES_URL}", "SELECT id, opened, status FROM salesforce.cases\n")
    );
    let permits = table(&project, "cases", "permits");
    let Origin::Url { method, headers, body, .. } = &only_source(&permits).origin else { panic!("url") };
    assert_eq!((*method, headers["Authorization"].as_str()), (HttpMethod::Post, "Bearer ${secret:PERMITS_TOKEN}"));
    assert_eq!(body.as_deref(), Some(r#"{"since": "2015-01-01"}"#));
    assert_eq!(permits.expect.empty, Emptiness::Allowed);
    let secrets = project.datasets[&"cases".parse().unwrap()].secrets();
    assert_eq!(names(&secrets), ["CASES_URL", "INSPECTIONS_KEY", "PERMITS_TOKEN"]);
    let inspections = table(&project, "cases", "inspections");
    assert_eq!(only_source(&inspections).file, "inspections.csv");
    let Origin::Sftp { host_key, private_key, .. } = &only_source(&inspections).origin else { panic!("sftp") };
    assert_eq!(private_key.as_deref(), Some("${secret:INSPECTIONS_KEY}"));
    assert!(host_key.as_ref().is_some_and(|key| key.starts_with("SHA256:")));
    let archive = project.datasets[&"geohub".parse().unwrap()].archive.clone().unwrap();
    assert_eq!((archive.place(), archive.demand), (("civic-archive", "raw/".to_owned()), Demand::Wanted));
    // The last part of the address, where no file is named.
    let boundaries = table(&project, "boundaries", "nycd");
    assert_eq!(only_source(&boundaries).file, "nycd_25a.zip");
    assert_eq!(only_source(&table(&project, "boundaries", "nycc")).file, "nycc_25a.zip");
}

#[test]
fn loads_queries_views_and_scripts_are_read() {
    let project = example();
    let requests = table(&project, "la_311", "requests");
    let Load::Upsert { key, newer, deletes, .. } = &requests.load else { panic!("an upsert") };
    assert_eq!(
        (names(key), newer.as_ref().map(AsRef::as_ref), *deletes),
        (vec!["srnumber"], Some("updateddate"), Deletes::Keep)
    );
    assert_eq!(requests.duplicates, Duplicates::Newest);
    let view = &project.datasets[&"la_311".parse().unwrap()].views[0];
    assert_eq!(
        (view.storage, view.indexes.len(), names(&view.primary_key)),
        (ViewStorage::Materialized, 2, vec!["srnumber"])
    );
    assert!(view.query.sql.starts_with("SELECT srnumber"));
    // The dataset's own `load` is for every table that says nothing else.
    assert!(matches!(table(&project, "cases", "permits").load, Load::Upsert { deletes: Deletes::Apply, .. }));
    let districts = &project.datasets[&"pluto_latest_districts".parse().unwrap()];
    assert_eq!(names(&districts.depends_on), ["boundaries", "pluto_latest"]);
    assert!(
        matches!(&districts.tables[0].content, Content::Query(query) if query.file == "pluto_latest_districts.sql")
    );
    assert_eq!(project.datasets[&"cases".parse().unwrap()].after[0].file, "cases_summary.sql");
    assert_eq!(project.datasets[&"closed_permits".parse().unwrap()].status, Status::Unavailable);
    assert_eq!(project.paths[&"la_311".parse().unwrap()], "datasets/la/la_311.yml");
}

#[test]
fn a_dataset_is_found_by_name_and_loaded_by_itself() {
    let root = folder("tests/example");
    let listed = list_datasets(&root);
    assert_eq!(listed.len(), example().datasets.len());
    let (_, path) = listed.iter().find(|(name, _)| name == "la_311").expect("it is there");
    assert_eq!(path, &root.join("datasets/la/la_311.yml"));
    let alone = load_dataset(path).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(alone, example().datasets[&"la_311".parse().unwrap()]);
    let stack = load_dataset(&root.join("freshet.yml")).unwrap_err();
    assert!(!stack.is_empty());
    let sql = load_dataset(&root.join("datasets/la/service_requests.sql")).unwrap_err();
    assert!(sql.to_string().contains("is not the file of a dataset"), "{sql}");
    let missing = load_dataset(&root.join("datasets/la/la_312.yml")).unwrap_err();
    assert!(missing.to_string().contains("la_312.yml cannot be read"), "{missing}");
}
