INSERT INTO summary SELECT count(*) FROM after_that_writes_to_its_own_table;
UPDATE after_that_writes_to_its_own_table SET name = upper(name);
