"""Break one rule of the SQL at a time and see that a test notices: `python -m tests.mutate`.

`tests/mutations.yaml` is the reviewed list: a file of `sql/`, the text to find, what to put in its place, the rule that
this breaks and the tests that guard it. The tests run in scratch copies; the working tree is never touched.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "mutations.yaml"
COPIED = ("assets", "data_contracts", "pipelines", "sample_data", "sql", "tests", "settings.toml", "pyproject.toml")
EVERYTHING = ("tests/stories", "tests/properties/test_adherence_laws.py")
SECONDS = 900  # after which a run counts as a failure: a rule broken into an endless loop is broken
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


class Mutation(BaseModel):
    """One rule of the SQL, and how to break it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    file: str
    find: str
    replace: str
    times: int = Field(default=1, ge=1)  # how often the text occurs; all places are replaced
    tests: list[str] = Field(min_length=1)

    def apply(self, root: Path) -> None:
        """Break the rule in a scratch copy."""
        path = root / "sql" / self.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(self.find, self.replace), encoding="utf-8")


def read_mutations() -> list[Mutation]:
    """The reviewed list.

    Raises:
        SystemExit: An entry no longer matches its file.
    """
    mutations = TypeAdapter(list[Mutation]).validate_python(yaml.safe_load(LIST.read_text(encoding="utf-8")))
    for mutation in mutations:
        found = (ROOT / "sql" / mutation.file).read_text(encoding="utf-8").count(mutation.find)
        if found != mutation.times or mutation.find == mutation.replace:
            raise SystemExit(
                f"mutations.yaml: {mutation.rule}: found the text {found} times; {mutation.times} expected"
            )
    return mutations


def listed(mutations: list[Mutation]) -> list[str]:
    """The list as the rows of `docs/testing.md`."""
    return [f"| `{mutation.file}` | {mutation.rule} |" for mutation in sorted(mutations, key=lambda m: m.file)]


def scratch_copy(folder: Path) -> Path:
    """A copy of what the tests need."""
    root = Path(tempfile.mkdtemp(dir=folder))
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, root / name)
    return root


def failing_test(root: Path, tests: list[str]) -> str | None:
    """The first of the tests that fails in a scratch copy, or None.

    Raises:
        SystemExit: The tests could not be run, or ran on other code than the copy's.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--no-header", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    where = [sys.executable, "-c", "from assets.engine.model import ROOT; print(ROOT)"]
    found = subprocess.run(where, cwd=root, env=environment, check=True, capture_output=True, text=True)
    if Path(found.stdout.strip()) != root.resolve():
        raise SystemExit(f"mutate: the tests would read {found.stdout.strip()}; the scratch copy is expected")
    try:
        run = subprocess.run(
            command, cwd=root, env=environment, check=False, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} s"
    if run.returncode == 0:
        return None
    if run.returncode != 1:
        raise SystemExit(f"mutate: pytest ended with {run.returncode}\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    names = FAILED.findall(run.stdout)
    return names[0] if names else "a test"


def killers(mutations: list[Mutation], jobs: int, *, everything: bool) -> Iterator[tuple[Mutation, str | None]]:
    """Each mutation with the test that noticed it, or None; each job has a scratch copy of its own."""
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        copies: Queue[Path] = Queue()
        for _ in range(jobs):
            copies.put(scratch_copy(Path(folder)))

        def check(mutation: Mutation) -> str | None:
            root = copies.get()
            try:
                mutation.apply(root)
                found = failing_test(root, mutation.tests)
                return failing_test(root, list(EVERYTHING)) if found is None and everything else found
            finally:
                shutil.copy(ROOT / "sql" / mutation.file, root / "sql" / mutation.file)
                copies.put(root)

        with ThreadPoolExecutor(jobs) as pool:
            yield from zip(mutations, pool.map(check, mutations), strict=True)


def green_at_rest(mutations: list[Mutation]) -> None:
    """Stop unless every guarding test passes on unbroken SQL.

    Raises:
        SystemExit: One does not, so that its failure would prove nothing.
    """
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        tests = sorted({test for mutation in mutations for test in mutation.tests})
        if (failed := failing_test(scratch_copy(Path(folder)), tests)) is not None:
            raise SystemExit(f"mutate: {failed} fails on unbroken SQL; mend it first")


def main() -> int:
    """Run the list; 1 if a mutation survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "words", nargs="*", help="run entries whose rule or file holds one of these words; default: all"
    )
    parser.add_argument(
        "--everything", action="store_true", help="where the guarding tests notice nothing, run all fast ones"
    )
    parser.add_argument("--jobs", type=int, default=2, help="scratch copies at a time")
    parser.add_argument("--list", action="store_true", help="print the list as docs/testing.md shows it, and stop")
    asked = parser.parse_args()
    if asked.list:
        print("\n".join(listed(read_mutations())))
        return 0
    mutations = [
        m
        for m in read_mutations()
        if not asked.words or any(w.lower() in f"{m.rule} {m.file}".lower() for w in asked.words)
    ]
    if not mutations:
        raise SystemExit(f"mutations.yaml: no entry speaks of {asked.words}")
    started = time.perf_counter()
    green_at_rest(mutations)
    survivors = 0
    for mutation, killer in killers(mutations, asked.jobs, everything=asked.everything):
        survivors += killer is None
        print(f"{'SURVIVED' if killer is None else 'killed  '} {mutation.file}: {mutation.rule}", flush=True)
        if killer is not None:
            print(f"         by {killer}", flush=True)
    print(f"{len(mutations) - survivors} killed, {survivors} survived, in {time.perf_counter() - started:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
