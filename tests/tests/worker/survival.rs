//! What hangs on a live table is there after it was loaded anew: `pg_dump` of the schema is the same, byte for byte.

use std::collections::BTreeSet;

use freshet_tests::binaries::Invocation;
use freshet_tests::postgres::PostgresCluster;
use manifest::run::Outcome;

use crate::support::{City, Failure, TREES, Told};

/// The definition of everything in the schemas, as PostgreSQL's own tool writes it.
fn dump(city: &City) -> Vec<String> {
    let program = PostgresCluster::shared().program("pg_dump").unwrap();
    let url = PostgresCluster::shared().superuser_url_of(&city.database);
    let run =
        Invocation::bare(program).args(["--schema-only", "--schema=public", "--schema=reports", &url]).expect_code(0);
    // Newer versions begin and end with a key that is random.
    let noise = |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
    run.stdout.lines().filter(|line| !noise(line)).map(str::to_owned).collect()
}

/// The ids of views, which those that hold them in other definitions know them by.
fn view_oids(city: &City) -> Vec<String> {
    city.rows(
        "SELECT c.oid, c.relname, c.relfilenode FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'v' AND n.nspname IN ('public', 'reports') ORDER BY c.relname",
    )
}

#[test]
fn a_reload_leaves_everything_that_hangs_on_the_table_as_pg_dump_tells_it() {
    let city = City::new();
    city.edit_manifest("      id: integer not null\n", "      id: integer not null\n      number: bigint identity\n");
    city.load().is(Outcome::Published);
    let (loader, reader) = (&city.loader, &city.reader);
    let [owner, analyst, press] = ["owner", "analyst", "press"].map(|role| format!("{role}_{}", city.database));
    city.sql(&format!(
        r#"
        CREATE ROLE {owner};
        CREATE ROLE {analyst};
        CREATE ROLE "{press} 'n' Co";
        GRANT {owner}, {analyst} TO {loader};
        CREATE SCHEMA reports AUTHORIZATION {owner};
        GRANT USAGE, CREATE ON SCHEMA public TO {owner};
        GRANT USAGE ON SCHEMA reports TO {analyst}, {reader};

        ALTER TABLE public.trees OWNER TO {owner};
        ALTER TABLE public.trees SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.4, toast.autovacuum_enabled = false);
        ALTER TABLE public.trees ALTER species SET STORAGE EXTERNAL, ALTER species SET STATISTICS 321;
        ALTER TABLE public.trees ALTER planted SET (n_distinct = -0.5);

        SET ROLE {owner};
        GRANT SELECT ON public.trees TO PUBLIC;
        GRANT SELECT, INSERT ON public.trees TO {analyst} WITH GRANT OPTION;
        GRANT UPDATE (species, "height"), REFERENCES (id) ON public.trees TO {reader};
        GRANT SELECT (species) ON public.trees TO {reader} WITH GRANT OPTION;
        GRANT TRUNCATE, TRIGGER ON public.trees TO "{press} 'n' Co";
        REVOKE DELETE ON public.trees FROM {owner};
        GRANT USAGE ON SEQUENCE public.trees_number_seq TO {analyst};
        SET ROLE {analyst};
        GRANT SELECT ON public.trees TO "{press} 'n' Co" WITH GRANT OPTION;
        RESET ROLE;

        COMMENT ON TABLE public.trees IS 'All trees; see the city''s page — "as is"';
        COMMENT ON COLUMN public.trees.planted IS E'The day\nit was planted';
        COMMENT ON SEQUENCE public.trees_number_seq IS 'Numbers of rows';
        COMMENT ON CONSTRAINT trees_pkey ON public.trees IS 'The key';

        ALTER INDEX public.trees_species_idx RENAME TO "Trees by species";
        COMMENT ON INDEX public."Trees by species" IS 'For the map';
        CREATE INDEX tall ON public.trees (height DESC NULLS LAST) INCLUDE (species) WHERE height > 5;
        CREATE INDEX ON public.trees (lower(species) text_pattern_ops, (id % 7));
        CREATE UNIQUE INDEX one_each ON public.trees (id, planted);
        ALTER TABLE public.trees ADD CONSTRAINT named UNIQUE (species, id) DEFERRABLE INITIALLY DEFERRED;
        CREATE INDEX ON public.trees USING hash (planted);

        CREATE VIEW public.tall_trees WITH (security_barrier = true) AS
            SELECT t.id, t.species AS "Species", t.height FROM public.trees t WHERE t.height > 5 WITH LOCAL CHECK OPTION;
        CREATE VIEW reports.by_species AS
            SELECT species, count(*) AS trees, max(t.height) FROM public.trees t JOIN public.tall_trees USING (id)
            GROUP BY species HAVING count(*) > 0;
        CREATE VIEW reports.summary AS SELECT b.species, b.trees FROM reports.by_species b;
        CREATE VIEW public."Whole rows" AS SELECT * FROM public.trees;
        ALTER VIEW public.tall_trees OWNER TO {owner};
        ALTER VIEW reports.by_species OWNER TO {owner};
        ALTER VIEW reports.summary OWNER TO {owner};
        ALTER VIEW public."Whole rows" OWNER TO {loader};
        ALTER VIEW public.tall_trees ALTER COLUMN height SET DEFAULT 6;
        GRANT SELECT ON public.tall_trees, reports.summary TO {reader} WITH GRANT OPTION;
        GRANT SELECT ("Species") ON public.tall_trees TO PUBLIC;
        GRANT SELECT ON reports.by_species TO {analyst};
        COMMENT ON VIEW reports.by_species IS 'How many of each';
        COMMENT ON COLUMN public.tall_trees."Species" IS 'As the nursery spells it';
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT ALL ON TABLES TO PUBLIC;
        "#
    ));
    let (definitions, views) = (dump(&city), view_oids(&city));
    assert_eq!(views.len(), 4);
    let owner_before = city.value("SELECT relowner::regrole FROM pg_class WHERE oid = 'public.trees'::regclass");
    assert_eq!(owner_before, owner);

    let mut oids = BTreeSet::new();
    for id in [5, 6] {
        city.publish("trees.csv", format!("{TREES}{id},Maple,,30\n"));
        city.load().is(Outcome::Published);
        assert_same(&definitions, &dump(&city));
        assert_eq!(view_oids(&city), views);
        oids.insert(city.value("SELECT 'public.trees'::regclass::oid"));
        let seen =
            city.value(&format!("SELECT max(id) FROM public.tall_trees WHERE \"Species\" = 'Maple' AND id = {id}"));
        assert_eq!(seen, id.to_string(), "a view reads the new rows");
        let seen = city.value("SELECT trees FROM reports.summary WHERE species = 'Maple'");
        assert_eq!(seen, "1", "a view over views reads the new rows");
    }
    assert_eq!(oids.len(), 2, "the table was to be a new one each time");
}

/// Two dumps, shown by what differs rather than whole.
#[track_caller]
fn assert_same(before: &[String], after: &[String]) {
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
    assert_eq!(before, after, "the same lines in another order");
}

#[test]
fn what_would_be_lost_is_refused_by_name_before_anything_is_read() {
    let city = City::with_live_trees();
    city.sql(
        "CREATE TABLE public.saplings (age integer) INHERITS (public.trees);
         CREATE TABLE public.diary (day date, tree public.trees);
         ALTER TABLE public.trees ADD note text",
    );
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    city.publisher.forget_requests();
    city.fails(
        &city.call(&["trees"]),
        &Failure { exit: 78, code: "not_carried", says: &["saplings", "diary", "column note"], ledger: Told::Failed },
    );
    assert_eq!(city.publisher.requests(), [], "nothing is fetched for a load that cannot be published");
}
