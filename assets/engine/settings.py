"""Settings: one TOML file, read once into a frozen model.

Operation lives here, clinical meaning in `data_contracts/`; a SQL parameter comes from one of the two, never both.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fsspec import available_protocols
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from assets.engine.errors import SettingsError, one_line
from assets.engine.model import ROOT
from assets.engine.text_file import EXPANSION_RATIO

SHIPPED_SALT = "change-me"
# Sections whose settings are SQL parameters.
SQL_SECTIONS = ("score", "outreach", "attribution", "contact", "holdout", "maternal", "access")


# No number of days, places or points is larger; dates and the engine's integers end soon after.
LARGEST = 100_000
# A message says no more of a value.
LONGEST_QUOTE = 80


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse `true` where a number is expected: it would count as 1."""
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation in (int, float):
            raise ValueError("a number is expected")
        return value


class Paths(_Section):
    """Where the night reads and writes; relative paths are relative to the repository."""

    input: Path
    output: Path

    @field_validator("input", "output")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path if path.is_absolute() else ROOT / path


class Schedule(_Section):
    """When the nightly job runs."""

    cron: str
    time_zone: str
    enabled: bool
    run_history_days: int = Field(default=90, ge=1)
    clock_jump_days: int = Field(default=45, ge=1)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("an IANA time zone, such as 'America/New_York', is expected") from error
        return name


class Limits(_Section):
    """What the night may use, and when it must stop."""

    threads: int = Field(ge=1, le=256)
    memory_gb: float = Field(ge=0.1, le=LARGEST)
    reject_share: float = Field(gt=0, le=1)
    reject_rows: int = Field(ge=1, le=1_000_000_000)
    expansion_ratio: int = Field(default=EXPANSION_RATIO, ge=2, le=100_000)


class Delivery(_Section):
    """What pharmacies receive."""

    key_folder: str = ""
    formats: tuple[Literal["parquet", "csv", "xlsx"], ...] = Field(min_length=1)
    group: str
    retention_nights: int = Field(ge=1, le=LARGEST)
    retention_releases: int = Field(default=5, ge=0, le=LARGEST)
    destination: str = ""

    @field_validator("key_folder")
    @classmethod
    def _outside(cls, folder: str) -> str:
        is_path = Path(folder).is_absolute() and "\0" not in folder
        if folder and (not is_path or Path(folder).resolve().is_relative_to(ROOT)):
            raise ValueError("an absolute path outside the repository is expected")
        return folder

    @field_validator("destination")
    @classmethod
    def _reachable(cls, destination: str) -> str:
        """Refuse what no store answers for; the text may hold a password, so that none of it is told."""
        protocol, mark, _ = destination.partition("://")
        if destination and not (Path(destination).is_absolute() or (mark and protocol in available_protocols())):
            raise ValueError("an absolute path or a URL that fsspec knows, such as file:// or sftp://, is expected")
        return destination

    @field_validator("formats")
    @classmethod
    def _once(cls, formats: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(formats)) < len(formats):
            raise ValueError("each format once is expected")
        if info.data.get("key_folder") and formats != ("parquet",):
            raise ValueError('with key_folder only ["parquet"] is allowed: no other format can be encrypted')
        return formats


class Notify(_Section):
    """Who is told of a failed or late night."""

    command: tuple[str, ...] = ()

    @field_validator("command")
    @classmethod
    def _program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if command and not Path(command[0]).is_absolute():
            raise ValueError("the absolute path of a program, then its arguments, is expected")
        return command


class Identity(_Section):
    """How gap_id is made."""

    salt: str = Field(min_length=1)


class Score(_Section):
    """Terms of the priority score (interface 3.1)."""

    social_weight: float = Field(ge=0, le=1)
    shortage_weight: float = Field(ge=0, le=1)
    urgency_floor: float = Field(ge=0, le=1)
    urgency_without_due_date: float = Field(ge=0, le=1)
    band_urgent_score: float = Field(ge=0, le=LARGEST)
    band_urgent_severity: float = Field(ge=0, le=100)
    band_high_score: float = Field(ge=0, le=LARGEST)
    reach_phone: float = Field(ge=0, le=1)
    reach_mail: float = Field(ge=0, le=1)


class Outreach(_Section):
    """Thresholds of gaps and lists."""

    default_weekly_capacity: int = Field(ge=0, le=LARGEST)
    refill_due_days: int = Field(ge=0, le=LARGEST)
    at_risk_missed_days: int = Field(ge=0, le=LARGEST)
    small_cell: int = Field(ge=1, le=LARGEST)
    rural_floor: float = Field(ge=0, le=1)


class Attribution(_Section):
    """Windows of the attribution rules, in days before as_of."""

    recent_days: int = Field(ge=1, le=LARGEST)
    last_fill_days: int = Field(ge=1, le=LARGEST)
    freeze_days: int = Field(ge=0, le=LARGEST)


class Contact(_Section):
    """How often a member may be contacted, and how long an outcome stands (rules 6.3 and 6.7)."""

    call_interval_days: int = Field(ge=0, le=LARGEST)
    live_contact_days: int = Field(ge=1, le=LARGEST)
    max_live_contacts: int = Field(ge=1, le=LARGEST)
    max_attempts: int = Field(ge=1, le=LARGEST)
    max_gaps_per_conversation: int = Field(ge=1, le=LARGEST)
    declined_days: int = Field(ge=0, le=LARGEST)
    pending_days: int = Field(ge=0, le=LARGEST)
    report_stands_days: int = Field(ge=0, le=LARGEST)
    wrong_number_count: int = Field(ge=1, le=LARGEST)
    phone_consent_required: bool


class Holdout(_Section):
    """The comparison group (rules 6.9)."""

    control_percent: int = Field(ge=0, le=50)


class Maternal(_Section):
    """When maternal lists are held back, and which optional rules hold."""

    feed_age_days: int = Field(ge=1, le=LARGEST)
    aspirin_moderate_risk: bool


class Access(_Section):
    """How distances are judged (deserts 3.1, 3.2)."""

    circuity_factor: float = Field(ge=1, le=10)
    congestion_factor: float = Field(ge=1, le=10)
    closure_days: int = Field(ge=0, le=LARGEST)


class Spark(_Section):
    """Where `--engine spark` computes (docs/spark.md)."""

    master: str = "local[2]"
    memory_gb: float = Field(default=2.0, ge=0.5, le=LARGEST)
    partitions: int = Field(default=2, ge=1, le=LARGEST)
    folder: str = ""
    worker_wait_seconds: int = Field(default=120, ge=1, le=LARGEST)
    conf: dict[str, str | int | float | bool] = {}

    @field_validator("folder")
    @classmethod
    def _absolute(cls, folder: str) -> str:
        if folder and not Path(folder).is_absolute():
            raise ValueError("an absolute path that driver and workers share is expected")
        return folder

    @field_validator("conf")
    @classmethod
    def _of_spark(cls, conf: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        if odd := sorted(name for name in conf if not name.startswith("spark.")):
            raise ValueError(f"names that begin with spark. are expected, and {odd[0]!r} does not")
        return conf


class Settings(_Section):
    """Everything an operator may set."""

    paths: Paths
    schedule: Schedule
    limits: Limits
    delivery: Delivery
    notify: Notify = Notify()
    identity: Identity
    score: Score
    outreach: Outreach
    attribution: Attribution
    contact: Contact
    holdout: Holdout
    maternal: Maternal
    access: Access
    spark: Spark = Spark()

    def params(self) -> dict[str, Any]:
        """SQL parameters that come from settings, by the name of the setting."""
        settings = {k: v for name in SQL_SECTIONS for k, v in getattr(self, name).model_dump().items()}
        return {"salt": self.identity.salt, **settings}

    def public_params(self) -> dict[str, Any]:
        """The same without the salt: what may stand in the manifest."""
        return {name: value for name, value in self.params().items() if name != "salt"}

    def digest(self) -> str:
        """Sixteen hex digits over everything that can change a published row; paths and limits cannot."""
        meaning = self.model_dump(
            mode="json",
            include={"delivery", "identity", *SQL_SECTIONS},
            exclude={"delivery": {"key_folder", "destination", "retention_releases"}},
        )
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]


def read_settings(path: Path | None = None) -> Settings:
    """Read a settings file; without one, the repository's own `settings.toml`.

    Raises:
        SettingsError: The file is absent, is not TOML, or says something that is not allowed.
    """
    path = path or ROOT / "settings.toml"
    try:
        # A text editor of the desk may put a byte order mark before it.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: found no readable file; a TOML settings file is expected") from error
    try:
        return Settings.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path.name}: {error}; a TOML settings file is expected") from error
    except ValidationError as error:
        raise SettingsError(f"{path.name}: {_told(error)}") from None


# Of these no value is told: it may be a secret, or hold one.
UNTOLD = ("identity.salt", "delivery.key_folder", "delivery.destination", "notify.command", "spark.conf")
# What pydantic calls a wrong value, and what a message says is expected in its place.
EXPECTED = {
    "greater_than": "a number of more than {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number of less than {lt}",
    "less_than_equal": "a number of at most {le}",
    "finite_number": "a finite number",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "path_type": "a path",
    "tuple_type": "a list",
    "too_short": "a list of at least {min_length}",
    "literal_error": "{expected}",
    **dict.fromkeys(("model_type", "dict_type"), "a section"),
}


def _told(error: ValidationError) -> str:
    """What is wrong first of all: where, what was found, what is allowed.

    A name that nobody knows comes before what is missing: more often than not it is what was meant, mistyped.
    """
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    where = [part for part in first["loc"][:3] if isinstance(part, str)]
    place, is_setting = ".".join(where), len(where) > 1
    if first["type"] == "extra_forbidden":
        section: Any = Settings.model_fields[where[0]].annotation if is_setting else Settings
        kind = "setting" if is_setting else "section"
        return f"{place}: found no {kind} of this name; allowed are {', '.join(sorted(section.model_fields))}"
    if first["type"] == "missing":
        return f"{place}: found nothing; a {'value' if is_setting else 'section'} is expected"
    limits = first.get("ctx", {})
    if first["type"] == "value_error":
        return f"{place}: found {_shown(place, first['input'])}; {limits['error']}"
    expected = EXPECTED.get(first["type"], "another value").format(**limits)
    if place.startswith("spark.conf."):
        expected = "a text, a number, true or false"
    return f"{place}: found {_shown(place, first['input'])}; {expected} is expected"


def _shown(place: str, value: object) -> str:
    """A value as a message may quote it."""
    if isinstance(value, dict):
        return "a section"
    # Neither of a list that stands for a section: what is in it was meant for settings of the section.
    if value and (place.startswith(UNTOLD) or "." not in place):
        return "another value"
    # As TOML writes it.
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return one_line(text)[:LONGEST_QUOTE]
