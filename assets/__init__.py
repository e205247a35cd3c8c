"""What the night makes: thin Dagster assets and checks over `assets.engine`."""
