"""What must be there before a night on Spark, and must not be left of one that was cut off, whichever engine follows."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from assets.engine.errors import SettingsError
from assets.engine.settings import Spark as SparkSettings
from assets.engine.warehouse import spill_folder

OLDEST_JAVA = 17
PATIENCE_SECONDS = 30


def folder_of(settings: SparkSettings, warehouse: Path) -> Path:
    """Where a night's tables are handed over: beside its warehouse unless settings name a folder.

    A folder that outputs share holds a folder for each.
    """
    if not settings.folder:
        return spill_folder(warehouse) / "spark"
    return Path(settings.folder) / f"caregaps-{hashlib.sha256(str(warehouse.absolute()).encode()).hexdigest()[:16]}"


def prepare(engine: str, settings: SparkSettings, warehouse: Path) -> None:
    """Remove what a night on Spark left that was cut off: rows of people. Where Spark is to answer, look for Java.

    Args:
        engine: Engine of the night.
        settings: The section `spark` of the settings.
        warehouse: The working warehouse, which nobody else works in.

    Raises:
        SettingsError: Spark is to answer and finds no Java that it can use.
    """
    shutil.rmtree(folder_of(settings, warehouse), ignore_errors=True)
    if engine == "spark":
        refuse_without_java()


def refuse_without_java() -> None:
    """Refuse a machine without a Java that Spark can use, found as Spark's own scripts find it.

    Raises:
        SettingsError: There is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else "java"
    try:
        told = subprocess.run(  # noqa: S603  (the operator's own Java)
            [program, "-version"], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SettingsError(
            f"engine: found no Java that runs; spark needs Java {OLDEST_JAVA} or later, on the PATH or at JAVA_HOME"
        ) from error
    # `openjdk version "17.0.12" 2024-07-16`; Java 8 calls itself "1.8".
    version = re.search(r'version "(\d+)([^"]*)', told.stderr + told.stdout)
    if version and int(version[1]) < OLDEST_JAVA:
        raise SettingsError(f"engine: found Java {version[1]}{version[2]}; spark needs Java {OLDEST_JAVA} or later")
