"""Quality at the two borders: Great Expectations suites as asset checks. Nothing else knows the library."""

from collections.abc import Iterator

import dagster as dg

from assets.engine import quality, warehouse
from assets.engine.border import BORDERS
from assets.engine.releases import night_before
from assets.engine.suite import expectation_specs
from assets.resources import NightResource
from assets.table import POOL

# The small profile table that each border's suite reads: a suite never scans claims.
PROFILES = {"raw": ("core", "input_profile"), "outreach": ("outreach", "worklist_profile")}

SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def border_checks(border: str) -> dg.AssetChecksDefinition:
    """One border's suite: one check per expectation, blocking where its severity is error."""
    asset = dg.AssetKey(PROFILES[border])
    specs = [
        dg.AssetCheckSpec(name, asset=asset, description=description, blocking=severity == "error")
        for name, severity, description in expectation_specs(border)
    ]

    @dg.multi_asset_check(name=f"{border}_border", specs=specs, pool=POOL)
    def checks(context: dg.AssetCheckExecutionContext, night: NightResource) -> Iterator[dg.AssetCheckResult]:
        with night.open(context.run) as (con, plan):
            before = night_before(plan.output, plan.as_of)
            results = quality.run_suite(con, border, before, warehouse.spill_folder(plan.warehouse))
            quality.keep_results(con, border, results)
        for result in results:
            yield dg.AssetCheckResult(
                asset_key=asset,
                check_name=result.name,
                passed=result.passed,
                severity=SEVERITIES[result.severity],
                description=None
                if result.passed
                else f"{border} border: {result.description} Found {result.observed}.",
                metadata={"observed": _shown(result.observed), "allowed": _shown(result.allowed)},
            )

    return checks


def _shown(value: object) -> str:
    return "nothing to judge" if value is None else str(value)


def checks() -> list[dg.AssetChecksDefinition]:
    """The suites of both borders."""
    return [border_checks(border) for border in BORDERS]
