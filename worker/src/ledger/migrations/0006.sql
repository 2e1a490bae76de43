-- What the manifest declared of a table, and how it came out: what it does not declare any more is not somebody's own.
CREATE TABLE freshet.declared (
    dataset text NOT NULL,
    table_name text NOT NULL,
    -- It says nothing about another table of the same name.
    table_oid oid NOT NULL,
    declared jsonb NOT NULL,
    PRIMARY KEY (dataset, table_name)
);
