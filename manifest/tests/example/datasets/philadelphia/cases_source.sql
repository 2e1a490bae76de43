SELECT id, opened, status FROM salesforce.cases
