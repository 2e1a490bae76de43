-- Every table here has a key: a publication of all tables lets nobody delete from one that has none.

-- Which worker last changed these tables, and the oldest that can use them.
CREATE TABLE freshet.version (
    version integer PRIMARY KEY,
    oldest integer NOT NULL
);

-- One row for every attempt at a firing.
CREATE TABLE freshet.runs (
    run uuid PRIMARY KEY,
    dataset text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('running', 'published', 'unchanged', 'refused', 'failed', 'stopped', 'abandoned')),
    stack text NOT NULL,
    environment text NOT NULL,
    scheduled_time timestamptz,
    attempt integer NOT NULL CHECK (attempt > 0),
    worker text NOT NULL,
    manifest text NOT NULL,
    fingerprint text,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    rows bigint,
    publish_ms double precision,
    exit_code integer,
    code text,
    message text
);
-- Whatever becomes of leases: two runs of a dataset are never at work at once.
CREATE UNIQUE INDEX runs_one_running ON freshet.runs (dataset) WHERE state = 'running';
CREATE UNIQUE INDEX runs_one_attempt ON freshet.runs (dataset, scheduled_time, attempt);
CREATE INDEX runs_by_time ON freshet.runs (dataset, started);

-- What a run has complete in staging.
CREATE TABLE freshet.run_tables (
    run uuid NOT NULL REFERENCES freshet.runs ON DELETE CASCADE,
    table_name text NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    bad_values bigint NOT NULL,
    rejected_rows bigint NOT NULL,
    loaded timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, table_name)
);

-- Values and rows that could not be loaded, with their place and their text as it stood there.
CREATE TABLE freshet.rejects (
    reject bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL REFERENCES freshet.runs ON DELETE CASCADE,
    table_name text NOT NULL,
    file text NOT NULL,
    member text,
    line bigint,
    byte_offset bigint,
    column_name text,
    raw text,
    code text NOT NULL,
    -- null: the row is live with NULL in that column. row_rejected: it is not.
    consequence text NOT NULL
);
CREATE INDEX rejects_by_run ON freshet.rejects (run, table_name);

-- What is live.
CREATE TABLE freshet.published (
    dataset text PRIMARY KEY,
    run uuid NOT NULL REFERENCES freshet.runs,
    generation bigint NOT NULL,
    manifest text NOT NULL,
    fingerprint text NOT NULL,
    scheduled_time timestamptz,
    published timestamptz NOT NULL
);
CREATE TABLE freshet.published_tables (
    dataset text NOT NULL REFERENCES freshet.published ON DELETE CASCADE,
    table_name text NOT NULL,
    -- A table of the same name with another oid is not the one that was published.
    table_oid oid NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (dataset, table_name)
);
-- What the sources said about themselves when they were read for what is live.
CREATE TABLE freshet.sources (
    dataset text NOT NULL REFERENCES freshet.published ON DELETE CASCADE,
    file text NOT NULL,
    -- Validators say nothing about another address.
    address text,
    etag text,
    last_modified text,
    bytes bigint,
    sha256 text,
    PRIMARY KEY (dataset, file)
);

CREATE VIEW freshet.datasets AS
SELECT coalesce(p.dataset, r.dataset) AS dataset,
       p.published,
       p.generation,
       (SELECT sum(t.rows)::bigint FROM freshet.published_tables t WHERE t.dataset = p.dataset) AS rows,
       p.scheduled_time,
       r.state AS last_state,
       r.started AS last_started,
       r.finished AS last_finished,
       r.code AS last_code
FROM freshet.published p
FULL JOIN (
    SELECT DISTINCT ON (dataset) dataset, state, started, finished, code
    FROM freshet.runs ORDER BY dataset, started DESC
) r ON r.dataset = p.dataset;

COMMENT ON SCHEMA freshet IS 'What Freshet has loaded, when, and what it had to leave out';
COMMENT ON VIEW freshet.datasets IS 'How fresh each dataset is, and how its last run ended';
