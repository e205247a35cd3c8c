"""The settings file: what is wrong with it is one line that names the word, what was found and what is allowed."""

from __future__ import annotations

import grp
import json
import traceback
from pathlib import Path

import pytest

from assets.engine.destination import refuse_undeliverable
from assets.engine.errors import SettingsError
from assets.engine.settings import Settings, read_settings
from tests.integration.nightly_run import write_settings

FORMATS = 'formats = ["parquet"]'
# A line of the file, what it says instead, and the whole of what is told.
WRONG = {
    "a mistyped section": (
        "[holdout]", "[holdot]",
        (
            "holdot: found no section of this name; allowed are access, attribution, contact, delivery, holdout, identity, "
            "limits, maternal, notify, outreach, paths, schedule, score, spark"
        ),
    ),
    "a mistyped setting": (
        "formats = ", "formatz = ",
        (
            "delivery.formatz: found no setting of this name; allowed are destination, formats, group, key_folder, "
            "retention_nights, retention_releases"
        ),
    ),
    "a section left out": ("[holdout]\ncontrol_percent = 10 ", "#", "holdout: found nothing; a section is expected"),
    "a setting left out": ("control_percent = 10 ", "#", "holdout.control_percent: found nothing; a value is expected"),
    "an empty list": (FORMATS, "formats = []", "delivery.formats: found []; a list of at least 1 is expected"),
    "no list": (FORMATS, 'formats = "csv"', "delivery.formats: found 'csv'; a list is expected"),
    "an unknown word": (
        FORMATS, 'formats = ["csv", "pdf"]', "delivery.formats: found 'pdf'; 'parquet', 'csv' or 'xlsx' is expected",
    ),
    "a word twice": (
        FORMATS, 'formats = ["csv", "csv"]', "delivery.formats: found ['csv', 'csv']; each format once is expected",
    ),
    "too little": ("threads = 2", "threads = 0", "limits.threads: found 0; a number of at least 1 is expected"),
    "too much": ("threads = 2", "threads = 999", "limits.threads: found 999; a number of at most 256 is expected"),
    "not more than nothing": (
        "reject_share = 0.20", "reject_share = 0", "limits.reject_share: found 0; a number of more than 0.0 is expected",
    ),
    "text for a number": ("threads = 2", 'threads = "two"', "limits.threads: found 'two'; a whole number is expected"),
    "half a thread": ("threads = 2", "threads = 2.5", "limits.threads: found 2.5; a whole number is expected"),
    "text for a share": (
        "social_weight = 0.25", 'social_weight = "high"', "score.social_weight: found 'high'; a number is expected",
    ),
    "truth for a number": ("threads = 2", "threads = true", "limits.threads: found true; a number is expected"),
    "without end": ("memory_gb = 4.0", "memory_gb = inf", "limits.memory_gb: found inf; a finite number is expected"),
    "neither true nor false": ("enabled = false", 'enabled = "x"', "schedule.enabled: found 'x'; true or false is expected"),
    "a number for a path": ('input = "data/sample" ', "input = 3 ", "paths.input: found 3; a path is expected"),
    "no time zone": (
        "America/New_York", "Mars",
        "schedule.time_zone: found 'Mars'; an IANA time zone, such as 'America/New_York', is expected",
    ),
    "an endless text": ("America/New_York", "x" * 500, f"schedule.time_zone: found '{'x' * 79}; an IANA time zone"),
    "no text": ('salt = "change-me"', 'salt = ""', "identity.salt: found ''; a text that is not empty is expected"),
}  # fmt: skip


def told(path: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings(path)
    # What an error came from is printed with it where nobody catches it.
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))
    return str(refused.value)


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_named_with_what_is_allowed(tmp_path: Path, kind: str) -> None:
    line, instead, expected = WRONG[kind]
    assert told(write_settings(tmp_path / "s.toml", {line: instead})).startswith(f"s.toml: {expected}")


SECRETS = {
    'salt = "change-me"': ('salt = ["hunter2"]', "identity.salt: found another value; a text is expected"),
    'key_folder = ""': (
        'key_folder = "hunter2"',
        "delivery.key_folder: found another value; an absolute path outside the repository is expected",
    ),
    'destination = ""': (
        'destination = "s3:user:hunter2@host"',
        "delivery.destination: found another value; an absolute path or a URL that fsspec knows",
    ),
    "command = []": (
        'command = ["curl", "hunter2"]',
        "notify.command: found another value; the absolute path of a program",
    ),
    "[spark.conf]": (
        '[spark.conf]\n"spark.ssl.keyPassword" = ["hunter2"]',
        "spark.conf.spark.ssl.keyPassword: found another value; a text, a number, true or false is expected",
    ),
    "[delivery]": ("[[delivery]]\nsalt = 'hunter2'", "delivery: found another value; a section is expected"),
}


@pytest.mark.parametrize("line", SECRETS)
def test_no_secret_is_told(tmp_path: Path, line: str) -> None:
    instead, expected = SECRETS[line]
    assert told(write_settings(tmp_path / "s.toml", {line: instead})).startswith(f"s.toml: {expected}")


# What a night is handed over with -------------------------------------------------------------------------------------


def settings_with(tmp_path: Path, **values: str) -> Settings:
    changes = {f'{name} = ""': f"{name} = {json.dumps(value)}" for name, value in values.items()}
    return read_settings(write_settings(tmp_path / "s.toml", changes))


@pytest.mark.parametrize(("protocol", "package"), [("s3", "s3fs"), ("gs", "gcsfs"), ("sftp", "paramiko")])
def test_a_store_without_its_package_is_told_before_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str, package: str
) -> None:
    """After the night no second run would copy it either."""

    def missing(name: str) -> type:
        raise ImportError("Install it") from ModuleNotFoundError("No module", name=package)

    monkeypatch.setattr("fsspec.get_filesystem_class", missing)
    settings = settings_with(tmp_path, destination=f"{protocol}://user:hunter2@bucket/x")
    with pytest.raises(SettingsError) as refused:
        refuse_undeliverable(settings.delivery)
    assert str(refused.value) == (
        f"delivery.destination: found a URL of {protocol}:// and no package that reaches it; {package} is to be installed "
        "beside caregaps"
    )


def test_a_group_that_does_not_exist_is_told_before_the_night(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, group="nosuchgroup")
    with pytest.raises(
        SettingsError, match=r"^delivery\.group: found 'nosuchgroup'; an existing POSIX group is expected$"
    ):
        refuse_undeliverable(settings.delivery)


@pytest.mark.parametrize("destination", ["", "/var/lists", "file:///var/lists", "memory://plan"])
def test_what_can_be_delivered_passes(tmp_path: Path, destination: str) -> None:
    """Nothing is made or asked there: a store that is down tonight is no reason to have no night."""
    group = grp.getgrgid(0).gr_name
    refuse_undeliverable(settings_with(tmp_path, destination=destination, group=group).delivery)
    assert not Path("/var/lists").exists()
