"""The runbook: every line that the code can end with has its cause and remedy there, and every row of it can be met."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from assets.engine.model import ROOT

RUNBOOK = ROOT / "docs" / "runbook.md"
ANY = "…"

# Lines that are no exception of ours when they arise: failed checks, and what a run's events come to.
CHECKS = {
    "assets/table.py": "{}: contract failed: {}",
    "assets/raw.py": "raw.{}: {} of {} rows are rejected, most for {}; at most {} is allowed",
    "assets/quality.py": "{} border: {} Found {}.",
    # Warnings of the manifest and the log.
    "assets/engine/returned_file.py": "{}: the file is set aside: {}; {}",
    "assets/engine/refused_word.py": "{}: nothing can be read of line {}; look there for a wish not to be contacted",
}


def error_classes() -> set[str]:
    tree = ast.parse((ROOT / "assets" / "engine" / "errors.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def constants(tree: ast.AST) -> dict[str, str]:
    """Names that a module gives one text each."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = template(node.value, {})
            found.setdefault(node.targets[0].id, set()).add(text)
    return {name: texts.pop() for name, texts in found.items() if len(texts) == 1}


def template(node: ast.expr, known: dict[str, str]) -> str:
    """The text of a message, with `…` for what differs."""
    match node:
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.FormattedValue(value=ast.Name(id=name)) if name in known:
            return known[name]
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(template(p, known) for p in parts)
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return template(left, known) + template(right, known)
        case ast.BoolOp(values=values):
            return template(values[-1], known)
    return ANY


def sources() -> list[Path]:
    return [p for folder in ("assets", "pipelines") for p in sorted((ROOT / folder).rglob("*.py"))]


def raised() -> Iterator[tuple[str, str]]:
    """Every message of an error of ours, and where it is made."""
    classes = error_classes()
    for path in sources():
        place = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in classes and node.args:
                    yield f"{place}:{node.lineno}", template(node.args[0], known)
                if node.func.id == "Problem":
                    yield (
                        f"{place}:{node.lineno}",
                        f"{ANY}: {template(node.args[0], known)}; {template(node.args[1], known)}",
                    )
                if (
                    node.func.id == "print"
                    and place in {"pipelines/cli.py", "pipelines/entry.py"}
                    and "error: " in template(node.args[0], known)
                ):
                    yield f"{place}:{node.lineno}", template(node.args[0], known).removeprefix("error: ")
            if place == "pipelines/failure.py" and isinstance(node, ast.Return) and node.value is not None:
                if (
                    not isinstance(node.value, ast.Constant | ast.JoinedStr | ast.BoolOp)
                    or template(node.value, known) == ANY
                ):
                    continue
                if isinstance(node.value, ast.Constant) and not isinstance(node.value.value, str):
                    continue
                yield f"{place}:{node.lineno}", template(node.value, known)
    for place, text in CHECKS.items():
        assert text.split("{}")[1] in (ROOT / place).read_text(encoding="utf-8"), place
        yield place, text.replace("{}", ANY)


@cache
def rows() -> dict[str, re.Pattern[str]]:
    """The runbook's lines, each as a pattern; `…` is anything."""
    found = {}
    for line in RUNBOOK.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| `((?:[^`])+)` \| .+ \| .+ \|$", line):
            text = match[1].replace("\\|", "|")
            found[text] = re.compile(".*".join(re.escape(part) for part in text.split(ANY)), re.DOTALL)
    return found


# A message that only hands on what another says: that one is on the page.
HANDED_ON = {ANY, f"{ANY}: {ANY}", f"{ANY}: {ANY}: {ANY}"}

# What those come to.
MADE = {
    "settings.toml: limits.threads: found 0; a number of at least 1 is expected",
    "gap_families.yaml: adherence.wieght: not known",
}

MESSAGES = [(place, text) for place, text in raised() if text not in HANDED_ON]


@pytest.mark.parametrize(("place", "text"), MESSAGES, ids=[place for place, _ in MESSAGES])
def test_every_error_line_is_in_the_runbook(place: str, text: str) -> None:
    assert any(pattern.match(text) for pattern in rows().values()), f"{place}: {text!r} is not in docs/runbook.md"


@pytest.mark.parametrize("text", sorted(MADE))
def test_lines_of_settings_and_registries_are_in_the_runbook(text: str) -> None:
    assert any(pattern.match(text) for pattern in rows().values())


def test_every_row_of_the_runbook_can_be_met() -> None:
    texts = MADE | {text for _, text in MESSAGES}
    assert [row for row, pattern in rows().items() if not any(pattern.match(text) for text in texts)] == []


def test_no_row_of_the_runbook_takes_everything() -> None:
    """A row that matches any line would make the test above say nothing."""
    assert [row for row in rows() if len(re.findall("[a-z]", row)) < 4 and "--" not in row] == []
    assert not [row for row, pattern in rows().items() if pattern.match("somewhere: something; something else")]


def test_what_is_handed_on_is_little() -> None:
    """Messages without a word of their own: those of settings and registries, whose words are pydantic's."""
    assert len([text for _, text in raised() if text in HANDED_ON]) <= 8
