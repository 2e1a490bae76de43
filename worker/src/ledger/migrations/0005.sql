-- The views that datasets have made, so that nobody else's of the same name is taken for one.
CREATE TABLE freshet.published_views (
    dataset text NOT NULL,
    view_name text NOT NULL,
    view_oid oid NOT NULL,
    PRIMARY KEY (dataset, view_name)
);
