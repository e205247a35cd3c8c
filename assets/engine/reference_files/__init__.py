"""Public reference files, as people download them, into the canonical reference tables (domain page deserts 2)."""
