-- Foreign keys of other tables that a publish has added again and that are to be proven against the rows it brought.
CREATE TABLE freshet.unproven_keys (
    dataset text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    constraint_name text NOT NULL,
    PRIMARY KEY (dataset, schema_name, table_name, constraint_name)
);
