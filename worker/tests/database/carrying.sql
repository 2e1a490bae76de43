CREATE ROLE own_{db};
CREATE ROLE ana_{db};
CREATE ROLE rdr_{db};
CREATE ROLE pub_{db};
GRANT own_{db}, ana_{db} TO {loader};
GRANT CREATE ON SCHEMA public TO ana_{db};
-- What a table in staging would be given, and must not keep.
ALTER DEFAULT PRIVILEGES FOR ROLE own_{db} GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE own_{db} GRANT SELECT ON SEQUENCES TO rdr_{db};

CREATE TABLE public.t (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5 MINVALUE -7 CACHE 3 CYCLE) CONSTRAINT the_key PRIMARY KEY,
    bbl char(10) COLLATE "C" NOT NULL DEFAULT 'none',
    note text COLLATE "POSIX" DEFAULT lower('N/A'::text),
    price numeric(9,2),
    CONSTRAINT "note is unique" UNIQUE (note) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT no_two EXCLUDE USING btree (bbl WITH =, price WITH =)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_enabled = false);
CREATE INDEX "t by BBL" ON public.t (bbl);
CREATE INDEX t_lower ON public.t (lower(note) DESC NULLS LAST) WITH (fillfactor = 60) WHERE price > 1;
CREATE INDEX t_include ON public.t USING btree (price) INCLUDE (note);
CREATE INDEX t_brin ON public.t USING brin (bbl) WITH (pages_per_range = 4);
ALTER TABLE public.t ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER TABLE public.t ALTER COLUMN note SET COMPRESSION pglz;
ALTER TABLE public.t ALTER COLUMN bbl SET STATISTICS 500;
ALTER TABLE public.t ALTER COLUMN bbl SET (n_distinct = -0.5);
ALTER SEQUENCE public.t_id_seq RENAME TO "numbers of t";
COMMENT ON TABLE public.t IS 'a table''s "comment"';
COMMENT ON COLUMN public.t.bbl IS 'borough, block, lot';
COMMENT ON INDEX public."t by BBL" IS 'index';
COMMENT ON CONSTRAINT the_key ON public.t IS 'key';
COMMENT ON CONSTRAINT "note is unique" ON public.t IS 'constraint \ backslash';
COMMENT ON SEQUENCE public."numbers of t" IS 'sequence';
CREATE FUNCTION public.is_good(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT $1 IS DISTINCT FROM 'bad' $$;
ALTER TABLE public.t ADD CONSTRAINT "good note" CHECK (public.is_good(note) AND pg_catalog.length(note) < 99) NO INHERIT;
ALTER TABLE public.t ADD CONSTRAINT low CHECK (price < 1) NOT VALID;
COMMENT ON CONSTRAINT low ON public.t IS 'check';
ALTER TABLE public.t CLUSTER ON t_include;
ALTER TABLE public.t REPLICA IDENTITY USING INDEX the_key;
ALTER TABLE public.t OWNER TO own_{db};
REVOKE ALL ON public.t FROM PUBLIC;
GRANT SELECT, INSERT ON public.t TO ana_{db} WITH GRANT OPTION;
GRANT UPDATE ON public.t TO ana_{db};
GRANT SELECT (bbl), INSERT (bbl, note) ON public.t TO PUBLIC;
GRANT UPDATE (note) ON public.t TO rdr_{db} WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE public."numbers of t" TO ana_{db};
SET ROLE ana_{db};
GRANT SELECT ON public.t TO rdr_{db};
GRANT INSERT ON public.t TO pub_{db};
RESET ROLE;
REVOKE INSERT ON public.t FROM own_{db};

CREATE TABLE public.u (id serial, label text);
ALTER TABLE public.u ALTER COLUMN id DROP NOT NULL;
CREATE SEQUENCE public."down by 2" AS smallint INCREMENT -2 START 30 MAXVALUE 31 MINVALUE -9 CYCLE CACHE 4 OWNED BY public.u.label;
ALTER TABLE public.u ALTER COLUMN label SET DEFAULT 'label ' || nextval('public."down by 2"') || nextval('public.u_id_seq');
COMMENT ON SEQUENCE public.u_id_seq IS 'numbers of u';
ALTER TABLE public.u REPLICA IDENTITY FULL;
ALTER TABLE public.u OWNER TO {loader};
GRANT SELECT ON public.u TO ana_{db};
GRANT USAGE ON SEQUENCE public.u_id_seq TO ana_{db} WITH GRANT OPTION;
GRANT SELECT ON SEQUENCE public."down by 2" TO PUBLIC;
GRANT TRIGGER, REFERENCES ON public.u TO own_{db};
-- Of somebody else, and only readable.
CREATE TABLE public.lookup (id integer, name text);
INSERT INTO public.lookup VALUES (1, 'one');
GRANT SELECT ON public.lookup TO ana_{db}, {loader};

-- Each of the dataset's tables names the other.
CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a load fires no triggers''; END';
CREATE TRIGGER "each row" BEFORE INSERT OR UPDATE OF note ON public.t
    FOR EACH ROW WHEN (new.note IS DISTINCT FROM 'x') EXECUTE FUNCTION public.fire('a', 'it''s');
CREATE TRIGGER whole AFTER UPDATE ON public.t FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION public.fire();
CREATE TRIGGER transition AFTER INSERT ON public.t REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION public.fire();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.t FROM public.u DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.fire();
CREATE TRIGGER emptied AFTER TRUNCATE ON public.u EXECUTE FUNCTION public.fire();
ALTER TABLE public.t DISABLE TRIGGER whole;
ALTER TABLE public.t ENABLE ALWAYS TRIGGER transition;
ALTER TABLE public.t ENABLE REPLICA TRIGGER late;
COMMENT ON TRIGGER "each row" ON public.t IS 'trigger';
CREATE RULE noted AS ON DELETE TO public.t WHERE old.price > 1 DO ALSO INSERT INTO public.u VALUES (old.id::int, old.note);
CREATE RULE kept AS ON UPDATE TO public.u DO INSTEAD NOTHING;
ALTER TABLE public.u DISABLE RULE kept;
COMMENT ON RULE noted ON public.t IS 'rule';
CREATE STATISTICS public."t's pair" (ndistinct, mcv) ON bbl, note FROM public.t;
CREATE STATISTICS public.words ON bbl, lower(note), (price / 2) FROM public.t;
CREATE STATISTICS public.single ON (price % 10) FROM public.t;
ALTER STATISTICS public.words SET STATISTICS 77;
COMMENT ON STATISTICS public.words IS 'statistics';
ALTER STATISTICS public."t's pair" OWNER TO own_{db};
ALTER STATISTICS public.words OWNER TO own_{db};
ALTER STATISTICS public.single OWNER TO own_{db};
ALTER INDEX public.t_lower ALTER COLUMN 1 SET STATISTICS 9;
CREATE POLICY everybody ON public.t USING (true);
CREATE POLICY "known only" ON public.t AS RESTRICTIVE FOR SELECT TO rdr_{db}, own_{db}
    USING (EXISTS (SELECT FROM public.u WHERE u.id = t.id) OR bbl IN (SELECT s.bbl FROM public.t s));
CREATE POLICY writing ON public.t FOR INSERT TO ana_{db} WITH CHECK (note <> 'x');
CREATE POLICY changing ON public.u FOR UPDATE TO ana_{db} USING (label IS NULL) WITH CHECK (id > (SELECT min(t.id) FROM public.t));
CREATE POLICY adding ON public.u FOR INSERT WITH CHECK (id IS NULL OR id > 0);
CREATE POLICY reading ON public.u FOR SELECT TO CURRENT_USER, ana_{db} USING (current_user <> 'nobody');
COMMENT ON POLICY writing ON public.t IS 'policy';
CREATE PUBLICATION parts_{db} FOR TABLE public.t (id, bbl) WHERE (bbl <> 'it''s'), TABLE public.u WITH (publish = 'update');
ALTER PUBLICATION parts_{db} OWNER TO {loader};
CREATE PUBLICATION whole_schema_{db} FOR TABLES IN SCHEMA public;
CREATE PUBLICATION only_deletes_{db} FOR ALL TABLES WITH (publish = 'delete');
ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.u ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE VIEW public.v WITH (security_barrier = true) AS
    SELECT t.*, u.label, count(*) OVER () AS n FROM public.t LEFT JOIN public.u ON u.id = t.id WHERE t.price IS NOT NULL;
CREATE VIEW public.v2 (a, "B b") AS SELECT id, note FROM public.v WHERE 'x' <> E'it''s \\ quoted';
CREATE VIEW public.v3 AS SELECT l.name, v2.a FROM public.lookup l JOIN public.v2 ON v2.a IS NOT NULL JOIN public.t ON true;
CREATE VIEW public.checked WITH (check_option = 'cascaded') AS SELECT bbl, note FROM public.t WHERE note IS NULL;
CREATE VIEW public.grouped AS SELECT id, note, count(*) AS n FROM public.t GROUP BY id;
ALTER VIEW public.checked ALTER COLUMN note SET DEFAULT 'none';
ALTER VIEW public.v OWNER TO ana_{db};
ALTER VIEW public.v2 OWNER TO {loader};
ALTER VIEW public.v3 OWNER TO ana_{db};
ALTER VIEW public.checked OWNER TO own_{db};
ALTER VIEW public.grouped OWNER TO {loader};
GRANT SELECT ON public.v TO rdr_{db} WITH GRANT OPTION;
GRANT SELECT (a) ON public.v2 TO PUBLIC;
COMMENT ON VIEW public.v IS 'view';
COMMENT ON COLUMN public.v.label IS 'column of a view';

-- What reads the tables: stored rows, in two schemas and over each other, views over those, rules, and parsed bodies.
CREATE SCHEMA reports;
GRANT USAGE, CREATE ON SCHEMA reports TO ana_{db}, {loader};
CREATE MATERIALIZED VIEW public."sums of t" WITH (fillfactor = 80, autovacuum_enabled = false, toast.autovacuum_enabled = false)
    AS SELECT bbl AS "the BBL", count(*) AS n, max(lower(note)) AS note FROM public.t GROUP BY bbl;
CREATE UNIQUE INDEX "sums by BBL" ON public."sums of t" ("the BBL");
CREATE INDEX sums_note ON public."sums of t" (upper(note)) WITH (fillfactor = 60) WHERE n > 0;
ALTER MATERIALIZED VIEW public."sums of t" CLUSTER ON "sums by BBL";
ALTER MATERIALIZED VIEW public."sums of t" ALTER COLUMN n SET STATISTICS 300, ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER MATERIALIZED VIEW public."sums of t" ALTER COLUMN n SET (n_distinct = 5);
ALTER MATERIALIZED VIEW public."sums of t" OWNER TO ana_{db};
GRANT SELECT ON public."sums of t" TO rdr_{db} WITH GRANT OPTION;
GRANT SELECT (n) ON public."sums of t" TO PUBLIC;
SET ROLE ana_{db};
GRANT SELECT ON public."sums of t" TO own_{db};
RESET ROLE;
COMMENT ON MATERIALIZED VIEW public."sums of t" IS 'stored';
COMMENT ON COLUMN public."sums of t".n IS 'how many';
COMMENT ON INDEX public.sums_note IS 'of stored rows';
CREATE MATERIALIZED VIEW reports.joined AS
    SELECT s.n, t.note, u.label FROM public."sums of t" s JOIN public.t ON t.bbl = s."the BBL" LEFT JOIN public.u USING (id);
ALTER MATERIALIZED VIEW reports.joined OWNER TO {loader};
GRANT SELECT ON reports.joined TO ana_{db};
GRANT USAGE ON SCHEMA reports TO rdr_{db};
CREATE MATERIALIZED VIEW public.not_yet AS SELECT id FROM public.u WITH NO DATA;
CREATE INDEX not_yet_id ON public.not_yet (id);
ALTER MATERIALIZED VIEW public.not_yet OWNER TO {loader};
CREATE MATERIALIZED VIEW public.through AS SELECT a, "B b" FROM public.v2;
ALTER MATERIALIZED VIEW public.through OWNER TO {loader};
CREATE VIEW public.over_stored WITH (security_barrier) AS
    SELECT j.n, j.note, s."the BBL" FROM reports.joined j JOIN public."sums of t" s USING (n);
ALTER VIEW public.over_stored OWNER TO ana_{db};
GRANT SELECT ON public.over_stored TO rdr_{db};
COMMENT ON VIEW public.over_stored IS 'over stored rows';
CREATE VIEW public.invoked WITH (security_invoker = true) AS SELECT id FROM public.u;
ALTER VIEW public.invoked OWNER TO {loader};
CREATE FUNCTION public.instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER instead INSTEAD OF INSERT ON public.v3 FOR EACH ROW EXECUTE FUNCTION public.instead();
CREATE RULE "write it" AS ON INSERT TO public.invoked DO INSTEAD INSERT INTO public.u (id, label) VALUES (new.id, 'by rule');
CREATE RULE quiet AS ON DELETE TO public.invoked DO INSTEAD DELETE FROM public.u WHERE u.id = old.id;
COMMENT ON RULE "write it" ON public.invoked IS 'rule';
CREATE VIEW public.inbox AS SELECT name FROM public.lookup;
ALTER VIEW public.inbox OWNER TO own_{db};
GRANT INSERT ON public.u TO own_{db};
CREATE RULE far AS ON INSERT TO public.inbox DO INSTEAD INSERT INTO public.u (label) VALUES (new.name);
CREATE FUNCTION public.total(minimum integer DEFAULT 1) RETURNS TABLE (bbl text, many bigint) LANGUAGE sql STABLE COST 7 SECURITY DEFINER
    BEGIN ATOMIC SELECT "the BBL", n FROM public."sums of t" WHERE n >= minimum; END;
ALTER FUNCTION public.total OWNER TO ana_{db};
REVOKE ALL ON FUNCTION public.total FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.total TO rdr_{db} WITH GRANT OPTION;
COMMENT ON FUNCTION public.total IS 'parsed';
CREATE PROCEDURE reports.note(what text) LANGUAGE sql BEGIN ATOMIC INSERT INTO public.u (label) VALUES (what); END;
ALTER PROCEDURE reports.note OWNER TO {loader};
