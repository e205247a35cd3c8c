"""The Dagster UI and the report, as an analyst's browser sees them.

One UI over an instance of its own, and one small night launched through it, serve all tests of this file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assets.engine.contract import contract_for
from assets.engine.model import ROOT

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; `make setup-dev` does it")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")

AS_OF = "2026-06-30"
MEMBERS = 300
LAYERS = ["raw", "core", "facts", "gaps", "outreach", "published"]
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
IN_PROGRESS = {"STARTING", "STARTED"}


@dataclass(frozen=True)
class Ui:
    """A running UI: its address, its one code location, and where its nights go."""

    address: str
    location: str
    input: Path
    output: Path

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return ask(self.address, query, **variables)

    def launch(self, job: str, *, assets: tuple[tuple[str, str], ...] = ()) -> str:
        """Launch a job, or some assets of it, for the night of `AS_OF`; the id of the run."""
        selector: dict[str, Any] = {
            "repositoryLocationName": self.location,
            "repositoryName": "__repository__",
            "pipelineName": job,
        }
        if assets:
            selector |= {"assetSelection": [{"path": list(key)} for key in assets]}
        return self.launch_selector(selector, [] if assets else [{"key": "dagster/partition", "value": AS_OF}])

    def launch_selector(self, selector: dict[str, Any], tags: list[dict[str, str]]) -> str:
        """Launch what a selector names, on this test's input and output, and return the run's id."""
        night = {"input": str(self.input), "output": str(self.output), "as_of": AS_OF}
        answer = self.ask(
            "mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) { __typename "
            "... on LaunchRunSuccess { run { runId } } ... on RunConfigValidationInvalid { errors { message } } "
            "... on PythonError { message } } }",
            params={
                "selector": selector,
                "mode": "default",
                "runConfigData": {"resources": {"night": {"config": night}}},
                "executionMetadata": {"tags": tags},
            },
        )["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def status(self, run_id: str) -> str:
        return self.ask("query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)[
            "runOrError"
        ]["status"]

    def failures(self, run_id: str) -> list[str]:
        """What went wrong in a run, for the message of an assertion."""
        events = self.ask(
            "query ($id: ID!) { logsForRun(runId: $id, limit: 5000) { ... on EventConnection { events { "
            "... on ExecutionStepFailureEvent { stepKey error { message cause { message } } } } } } }",
            id=run_id,
        )["logsForRun"]["events"]
        return [f"{e['stepKey']}: {e['error']['cause'] or e['error']}" for e in events if e.get("stepKey")]


@dataclass(frozen=True)
class Launched:
    """A night that the UI ran, with a second run that was launched while it was at work."""

    statuses: list[tuple[str, str]]
    failures: list[str]
    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))


def ask(address: str, query: str, **variables: Any) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def wait_for(what: str, attempt: Callable[[], Any], seconds: float) -> Any:
    """The first truthy answer of `attempt`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := attempt():
                return found
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.5)
    raise AssertionError(f"{what}: nothing after {seconds:.0f} seconds")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and every child of its session: the UI outlives a mere SIGTERM to its parent."""
    for number, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait(10)


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    from sample_data.generate import generate

    home = tmp_path_factory.mktemp("ui")
    sample, storage = home / "sample", home / "storage"
    for folder in (sample, storage):
        folder.mkdir()
    generate(MEMBERS, 1, sample)
    port = free_port()
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(ROOT),
        "CAREGAPS_DAGSTER_STORAGE": str(storage),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [Path(sys.executable).with_name("dg"), "dev", "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with (home / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            locations = wait_for("the code location", lambda: code_locations(address, process, home / "ui.log"), 120)
            yield Ui(address, locations[0], sample, home / "output")
        finally:
            end_group(process)


def code_locations(address: str, process: subprocess.Popen[bytes], log: Path) -> list[str]:
    assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-2000:]
    entries = ask(
        address,
        "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename "
        "... on PythonError { message } } } } } }",
    )["workspaceOrError"]["locationEntries"]
    loaded = [e for e in entries if e["loadStatus"] == "LOADED" and e["locationOrLoadError"]]
    for entry in loaded:
        assert entry["locationOrLoadError"]["__typename"] == "RepositoryLocation", entry
    return [entry["name"] for entry in loaded]


@pytest.fixture(scope="module")
def launched(ui: Ui) -> Launched:
    """The nightly job and, as soon as it has left the queue, a run of one small asset."""
    night = ui.launch("nightly")
    wait_for("the nightly run", lambda: ui.status(night) != "QUEUED", 60)
    other = ui.launch("__ASSET_JOB", assets=(("raw", "gap_code"),))
    seen: list[tuple[str, str]] = []

    def both_ended() -> bool:
        statuses = ui.status(night), ui.status(other)
        if not seen or seen[-1] != statuses:
            seen.append(statuses)
        return set(statuses) <= ENDED

    wait_for("both runs", both_ended, 300)
    return Launched(seen, [*ui.failures(night), *ui.failures(other)], ui.output / f"as_of={AS_OF}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Tab:
    """A browser page, with what it complained of and whom it called."""

    page: Any
    complaints: list[str]
    calls: list[str]

    def calls_outside(self, *homes: str) -> list[str]:
        return [url for url in self.calls if not url.startswith((*homes, "data:", "blob:"))]


@pytest.fixture
def open_tab(browser: Any) -> Iterator[Callable[..., Tab]]:
    contexts = []

    def open_one(width: int, height: int) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        tab = Tab(context.new_page(), [], [])
        tab.page.on("request", lambda request: tab.calls.append(request.url))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on("console", lambda said: tab.complaints.append(said.text) if said.type == "error" else None)
        return tab

    yield open_one
    for context in contexts:
        context.close()


def test_the_job_is_there_and_its_schedule_and_sensor_are_off(ui: Ui) -> None:
    [repository] = ui.ask(
        "{ repositoriesOrError { ... on RepositoryConnection { nodes { assetGroups { groupName } jobs { name } "
        "schedules { name scheduleState { status } } sensors { name sensorState { status } } } } } }"
    )["repositoriesOrError"]["nodes"]
    assert "nightly" in {job["name"] for job in repository["jobs"]}
    assert {group["groupName"] for group in repository["assetGroups"]} == set(LAYERS)
    assert {s["name"]: s["scheduleState"]["status"] for s in repository["schedules"]} == {"nightly_schedule": "STOPPED"}
    assert {s["name"]: s["sensorState"]["status"] for s in repository["sensors"]} == {
        "delivery_done": "STOPPED", "night_failed": "STOPPED", "night_watch": "STOPPED",
    }  # fmt: skip


def test_every_table_is_described_column_by_column(ui: Ui) -> None:
    nodes = ui.ask(
        "{ assetNodes { assetKey { path } description metadataEntries { __typename ... on TableSchemaMetadataEntry "
        "{ schema { columns { name description } } } } } }"
    )["assetNodes"]
    for node in nodes:
        layer, table = node["assetKey"]["path"]
        assert node["description"], (layer, table)
        columns = [c for entry in node["metadataEntries"] for c in entry.get("schema", {}).get("columns", [])]
        if layer != "published":
            assert columns, (layer, table)
        assert [c["name"] for c in columns if not c["description"]] == [], (layer, table)


def test_the_lineage_page_shows_one_group_per_layer_and_calls_nobody(ui: Ui, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(1400, 900)
    tab.page.goto(f"{ui.address}/asset-groups")
    for layer in LAYERS:
        tab.page.get_by_text(layer, exact=True).first.wait_for(timeout=30_000)
    tab.page.get_by_text("Materialize all").first.wait_for(timeout=30_000)
    assert tab.calls_outside(ui.address) == []


def test_the_night_that_the_ui_launched_is_published(launched: Launched) -> None:
    assert launched.statuses[-1] == ("SUCCESS", "SUCCESS"), launched.failures
    assert launched.manifest["as_of"] == AS_OF
    assert (launched.folder.parent / "latest" / "report" / "index.html").is_file()


def test_a_second_run_waits_while_one_is_at_work(launched: Launched) -> None:
    assert not [pair for pair in launched.statuses if set(pair) <= IN_PROGRESS], launched.statuses
    assert [pair for pair in launched.statuses if pair == ("STARTED", "QUEUED")], launched.statuses


def test_an_asset_page_shows_columns_and_row_count(ui: Ui, launched: Launched, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(1400, 1400)
    tab.page.goto(f"{ui.address}/assets/outreach/worklist")
    tab.page.get_by_text("Row count", exact=True).first.wait_for(timeout=30_000)
    rows = launched.manifest["assets"]["outreach.worklist"]["rows"]
    tab.page.get_by_text(f"{rows:,}", exact=True).first.wait_for(timeout=30_000)
    column = next(p for p in contract_for("outreach", "worklist").properties if p.name == "list_rank")
    tab.page.get_by_text(column.name, exact=True).first.wait_for(timeout=30_000)
    tab.page.get_by_text(column.description, exact=True).first.wait_for(timeout=30_000)


def test_the_button_of_an_asset_page_launches_it_with_its_contract(
    ui: Ui, launched: Launched, open_tab: Callable[..., Tab]
) -> None:
    """What the button sends is caught, so that it does not run on the paths of settings.toml, and launched on ours."""
    tab = open_tab(1400, 900)
    sent: list[dict[str, Any]] = []

    def catch(route: Any) -> None:
        asked = (route.request.post_data_json or {}).get("variables") or {}
        if "executionParams" in asked:
            sent.append(asked["executionParams"])
            route.abort()
        else:
            route.continue_()

    tab.page.route(re.compile("/graphql"), catch)
    tab.page.goto(f"{ui.address}/assets/raw/gap_code")
    tab.page.locator("button", has_text=re.compile(r"Materialize$")).first.click(timeout=30_000)
    for _ in range(60):
        if sent:
            break
        tab.page.wait_for_timeout(500)
    run = ui.launch_selector(sent[0]["selector"], [])
    wait_for("the run", lambda: ui.status(run) in ENDED, 120)
    assert ui.status(run) == "SUCCESS", ui.failures(run)


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 900), (390, 844), (360, 780)], ids=["desktop", "phone", "small phone"]
)
@pytest.mark.parametrize("name", ["index.html", "fairness.html", "quality.html"])
def test_the_report_reads_well(
    launched: Launched, open_tab: Callable[..., Tab], name: str, width: int, height: int
) -> None:
    """No error, nothing fetched from anywhere, and nothing that has to be scrolled sideways to."""
    tab = open_tab(width, height)
    report = (launched.folder / "report" / name).resolve().as_uri()
    tab.page.goto(report)
    tab.page.get_by_role("heading", level=1).wait_for(timeout=10_000)
    assert tab.complaints == []
    assert tab.calls_outside(report) == []
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_column_of_the_page_on_fairness_is_seen_on_a_small_phone(
    launched: Launched, open_tab: Callable[..., Tab]
) -> None:
    """The last one, what closed, is what the page is about."""
    tab = open_tab(360, 780)
    tab.page.goto((launched.folder / "report" / "fairness.html").resolve().as_uri())
    assert tab.page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)"
        ".map(one => one.getAttribute('aria-label'))"
    ) == []  # fmt: skip


# Letter less margins of 14 mm, in CSS pixels of a 96th of an inch.
PAPER_WIDTH, PAPER_HEIGHT = 710, 949


def test_the_report_is_printed_without_a_cut(launched: Launched, open_tab: Callable[..., Tab]) -> None:
    """No drawing is higher than a sheet, the longest table has its whole width, and no total stands on every page."""
    tab = open_tab(PAPER_WIDTH, PAPER_HEIGHT)
    tab.page.emulate_media(media="print")
    tab.page.goto((launched.folder / "report" / "index.html").resolve().as_uri())
    heights = tab.page.evaluate("[...document.querySelectorAll('figure')].map(one => one.offsetHeight)")
    assert max(heights) < PAPER_HEIGHT
    table, section = tab.page.evaluate(
        "(one => [one.querySelector('table').offsetWidth, one.offsetWidth])"
        "(document.querySelector('section[aria-labelledby=gaps]'))"
    )
    assert table == section
    assert set(
        tab.page.evaluate("[...document.querySelectorAll('tfoot')].map(one => getComputedStyle(one).display)")
    ) == {"table-row-group"}  # fmt: skip
