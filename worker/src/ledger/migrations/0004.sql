-- The generation of each dataset that the SQL after its publish has run for.
CREATE TABLE freshet.followed (
    dataset text PRIMARY KEY,
    generation bigint NOT NULL,
    finished timestamptz NOT NULL
);
