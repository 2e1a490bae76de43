-- What the sources said about themselves when a run read them: with it, rows that stand complete in staging or in an earlier
-- generation can be published by another run, which does not read them again.
CREATE TABLE freshet.run_sources (
    run uuid NOT NULL REFERENCES freshet.runs ON DELETE CASCADE,
    file text NOT NULL,
    address text,
    etag text,
    last_modified text,
    bytes bigint,
    sha256 text,
    PRIMARY KEY (run, file)
);

-- What did not hold of the rows and was let pass by --accept-drop, in words.
ALTER TABLE freshet.runs ADD COLUMN accepted text;

-- What somebody took back: the same sources are not loaded again by themselves.
CREATE TABLE freshet.withdrawn (
    dataset text PRIMARY KEY REFERENCES freshet.published ON DELETE CASCADE,
    run uuid NOT NULL REFERENCES freshet.runs,
    manifest text NOT NULL,
    fingerprint text NOT NULL,
    withdrawn timestamptz NOT NULL
);
