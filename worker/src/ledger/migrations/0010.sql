-- Where the bytes of a source are kept as they came; NULL where they are not.
ALTER TABLE freshet.run_sources ADD COLUMN archived text;
