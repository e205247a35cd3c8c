"""What `caregaps compare` tells of two nights: who enters and leaves, and why, as counts that give no small one away."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import main


def night(folder: Path, rows: str, gaps: str, settings: dict[str, object], as_of: str = "2026-06-30") -> Path:
    """A published output with nothing in it but lists and gaps."""
    tables = folder / f"as_of={as_of}" / "tables"
    tables.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(f"copy ({rows}) to '{tables / 'worklist.parquet'}'")
        con.execute(f"copy ({gaps}) to '{tables / 'gap.parquet'}'")
    manifest = {"as_of": as_of, "settings": settings}
    (tables.parent / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "latest").symlink_to(f"as_of={as_of}")
    return folder


LIST = """
    select 'P' || lpad(i::varchar, 4, '0') as person_id, {state} as state, 'adherence' as gap_family, 'ADHERENCE_LATE' as gap_code,
        'pdc_statins' as subject, {band} as priority_band, '1999000015' as pharmacy_npi, '{salt}' || i as gap_id
    from range({first}, {last}) as t (i)
"""
GAPS = """
    select 'P' || lpad(i::varchar, 4, '0') as person_id, 'ADHERENCE_LATE' as gap_code, 'pdc_statins' as subject, '{salt}' || i as gap_id,
        {status} as status, {reason} as status_reason
    from range({first}, {last}) as t (i)
"""


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """100 listed in TX and 50 in OK, the first 60 urgent; 30 more are off the list for want of places."""
    return night(
        tmp_path / "before",
        LIST.format(
            state="case when i < 100 then 'TX' else 'OK' end", salt="a", first=0, last=150,
            band="case when i < 60 then 'urgent' else 'routine' end",
        ),
        GAPS.format(salt="a", first=0, last=180, status="'open'", reason="case when i >= 150 then 'capacity' end"),
        {"band_high_score": 20.0, "default_weekly_capacity": 25},
    )  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["compare", *(str(argument) for argument in arguments)])
    said = capsys.readouterr()
    return status, said.out, said.err


def lines(text: str) -> dict[str, list[str]]:
    """Each line of a table by its first word."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_two_nights_are_compared_by_state_family_and_band(before: Path, tmp_path: Path, capsys) -> None:
    """40 of TX leave (20 closed, 20 no longer there), 20 of those without a place enter; the next 30 fall to routine.

    Another salt gives every row another id: what a row is about tells it again.
    """
    after = night(
        tmp_path / "after",
        LIST.format(
            state="case when i < 100 then 'TX' else 'OK' end", salt="b", first=40, last=170,
            band="case when i between 40 and 69 then 'routine' when i < 100 then 'urgent' else 'routine' end",
        ),
        GAPS.format(
            salt="b", first=20, last=180, status="case when i < 40 then 'closed' else 'open' end",
            reason="case when i < 40 then 'resolved' when i >= 170 then 'capacity' end",
        ),
        {"band_high_score": 12.0, "default_weekly_capacity": 25},
    )  # fmt: skip
    status, out, _ = told(capsys, before, after)
    assert status == 0
    assert "What differs:\n  band_high_score: 20.0 -> 12.0\nMembers" in out
    assert "Members: 20 enter the lists, 40 leave them, 110 stay." in out
    assert "Rows: 20 enter, 40 leave, 110 stay, 0 of them with another pharmacy." in out
    found = lines(out)
    # before, leave, stay, enter, after
    assert found["TX"] == ["100", "40", "60", "0", "60"]
    assert found["OK"] == ["50", "0", "50", "20", "70"]
    assert found["adherence"] == ["150", "40", "110", "20", "130"]
    # before, leave, out, in, enter, after: members 40 to 59 go from urgent to routine, 70 to 99 the other way.
    assert found["urgent"] == ["60", "40", "20", "30", "0", "30"]
    assert found["high"] == ["0"] * 6
    assert found["routine"] == ["90", "0", "30", "20", "20", "100"]
    assert found["capacity"] == ["20"]
    assert found["no_gap"] == ["40"]


def test_small_counts_are_hidden_and_what_gives_them_back(before: Path, tmp_path: Path, capsys) -> None:
    """Three rows of TX leave: neither the three, nor the 97 that stay, nor the total after is told."""
    after = night(
        tmp_path / "after",
        LIST.format(state="case when i < 100 then 'TX' else 'OK' end", salt="a", first=3, last=150,
                    band="case when i < 60 then 'urgent' else 'routine' end"),
        GAPS.format(salt="a", first=0, last=180, status="'open'",
                    reason="case when i < 3 then 'capacity' when i >= 150 then 'capacity' end"),
        {},
    )  # fmt: skip
    _, out, _ = told(capsys, before, after)
    assert "fewer than 11 leave them" in out
    # The difference of two shown numbers of one line is nowhere 3.
    for values in lines(out).values():
        shown = [int(value.replace(",", "")) for value in values if value.replace(",", "").isdecimal()]
        assert not any(0 < abs(one - other) < 11 for one in shown for other in shown), values
    assert "P0" not in out


ALIKE = """
    select 'P' || lpad(i::varchar, 4, '0') as person_id, 'TX' as state, 'medication_review' as gap_family, 'CHECK_IN' as gap_code,
        null::varchar as subject, band as priority_band, '1999000015' as pharmacy_npi, '{salt}' || number || '-' || i as gap_id
    from range(20) as t (i)
    cross join (values {rows}) as gap (number, band)
"""
ALIKE_GAPS = """
    select 'P' || lpad(i::varchar, 4, '0') as person_id, code as gap_code, 'episode 1' as subject, '{salt}' || number || '-' || i as gap_id,
        'open' as status, case when number = 1 then 'declined' end as status_reason
    from range(20) as t (i)
    cross join (values (1, 'FLU'), (2, 'TDAP'), (3, 'MATERNAL_CHECK_IN'), (4, 'LDA')) as gap (number, code)
"""


def test_rows_that_public_names_make_alike_are_told_apart_by_their_id(tmp_path: Path, capsys) -> None:
    """Interface 3.1: three rows of each of 20 people are `CHECK_IN`. The first, routine, is declined: it leaves, the others
    stay in their bands. Of other ids (another salt) the last by number leaves.
    """
    rows = ["(1, 'routine')", "(2, 'urgent')", "(3, 'high')"]
    before, after, salted = (
        night(tmp_path / name, ALIKE.format(salt=salt, rows=", ".join(some)), ALIKE_GAPS.format(salt=salt), {})
        for name, salt, some in (("before", "a", rows), ("after", "a", rows[1:]), ("salted", "b", rows[1:]))
    )
    _, out, _ = told(capsys, before, after)
    assert "Rows: 0 enter, 20 leave, 40 stay" in out
    found = lines(out)
    # before, leave, out, in, enter, after
    assert found["urgent"] == ["20", "0", "0", "0", "0", "20"]
    assert found["high"] == ["20", "0", "0", "0", "0", "20"]
    assert found["routine"] == ["20", "20", "0", "0", "0", "0"]
    assert found["declined"] == ["20"]
    _, out, _ = told(capsys, before, salted)
    assert "Rows: 0 enter, 20 leave, 40 stay" in out
    # A row whose gap has begun anew, under another id, is still what it is about.
    anew = night(
        tmp_path / "anew",
        ALIKE.format(salt="a", rows="(2, 'urgent'), (3, 'high'), (4, 'routine')"),
        ALIKE_GAPS.format(salt="a"),
        {},
    )
    _, out, _ = told(capsys, before, anew)
    assert "Rows: 0 enter, 0 leave, 60 stay" in out
    assert lines(out)["routine"] == ["20", "0", "0", "0", "0", "20"]


def test_no_side_lowers_what_the_other_hides(before: Path, tmp_path: Path, capsys) -> None:
    """A night that hides counts below 31 hides the 20 that enter, whatever the settings of the command say."""
    rows = {"state": "'TX'", "salt": "a", "first": 0, "band": "'urgent'"}
    after = night(
        tmp_path / "after",
        LIST.format(last=170, **rows | {"state": "case when i < 100 then 'TX' else 'OK' end"}),
        GAPS.format(salt="a", first=0, last=180, status="'open'", reason="null::varchar"),
        {"small_cell": 31},
    )
    assert "fewer than 31 enter the lists" in told(capsys, before, after)[1]


def test_a_night_with_itself_changes_nothing(before: Path, capsys) -> None:
    _, out, _ = told(capsys, before, before)
    assert "No setting differs." in out
    assert "Members: 0 enter the lists, 0 leave them, 150 stay." in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "compare: found no single other side"),
        (["{other}", "--config", "settings.toml"], "compare: found no single other side"),
        (["{other}"], "found no published night"),
        (["--config", "settings.toml"], "found no working warehouse"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(before: Path, tmp_path, capsys, arguments, complaint) -> None:
    status, _, err = told(capsys, before, *(argument.format(other=tmp_path / "other") for argument in arguments))
    assert status == 1
    assert err.startswith("error: ")
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"as_of": "yesterday"}', "\x00"])
def test_a_manifest_that_is_none_is_one_line(before: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (before / "latest" / "manifest.json").write_text(content, encoding="utf-8")
    status, _, error = told(capsys, before, before)
    assert status == 1
    assert error.startswith(f"error: {before}: the manifest of the last night cannot be read; restore the night")
