-- Materialized views that show the rows of a publish only once they are refreshed.
CREATE TABLE freshet.lagging_views (
    dataset text NOT NULL,
    schema_name text NOT NULL,
    view_name text NOT NULL,
    PRIMARY KEY (dataset, schema_name, view_name)
);
