"""The ledger's SQL, one set of statements for SQLite and PostgreSQL."""
