"""Plain Python that knows no Dagster: SQL models, contracts, the warehouse, ingest, publication."""
