"""Quality at the two borders: Great Expectations suites as asset checks. Nothing else knows the library."""


import dagster as dg


def checks() -> list[dg.AssetChecksDefinition]:
    """The border suites."""
    return []
