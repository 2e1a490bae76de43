-- What it takes to read a kept record again: its fields, each with its length before it, and the names that they stand under. NULL where it
-- is too long to be kept.
ALTER TABLE freshet.rejects
    ADD COLUMN record bytea,
    ADD COLUMN replayed timestamptz,
    ADD COLUMN replayed_by uuid;

-- The header of each file that has such records.
CREATE TABLE freshet.reject_files (
    run uuid NOT NULL REFERENCES freshet.runs ON DELETE CASCADE,
    table_name text NOT NULL,
    file text NOT NULL,
    -- Empty where the file is no archive.
    member text NOT NULL,
    names text[] NOT NULL,
    PRIMARY KEY (run, table_name, file, member)
);
