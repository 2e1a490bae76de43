-- What became of rows that were read, and of the table that they were meant for. The four are NULL where a new table took
-- the old one's place.
ALTER TABLE freshet.run_tables
    ADD COLUMN duplicates bigint NOT NULL DEFAULT 0,
    ADD COLUMN inserted bigint,
    ADD COLUMN updated bigint,
    ADD COLUMN deleted bigint,
    ADD COLUMN unchanged bigint;

-- How far a source was read that is read by what is new in it: the largest value of a column that is live.
CREATE TABLE freshet.watermarks (
    dataset text NOT NULL,
    table_name text NOT NULL,
    -- It says nothing about another table of the same name, or about another column.
    table_oid oid NOT NULL,
    column_name text NOT NULL,
    column_type text NOT NULL,
    -- As PostgreSQL writes a value of the column's type with DateStyle ISO and TimeZone UTC.
    value text NOT NULL,
    run uuid NOT NULL,
    PRIMARY KEY (dataset, table_name)
);

-- The files whose rows were added to a table: none of them is added again.
CREATE TABLE freshet.appended (
    dataset text NOT NULL,
    table_name text NOT NULL,
    sha256 text NOT NULL,
    file text NOT NULL,
    run uuid NOT NULL,
    appended timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (dataset, table_name, sha256)
);
