"""Every reference source, in the order in which files are matched; adding one is one entry here."""

from assets.engine.reference_files.census import CENSUS
from assets.engine.reference_files.hrsa import HRSA
from assets.engine.reference_files.hsd import HSD
from assets.engine.reference_files.nppes import NPPES
from assets.engine.reference_files.source import Source
from assets.engine.reference_files.svi import SVI
from assets.engine.reference_files.zip_files import ZIP_FILES

SOURCES: tuple[Source, ...] = (*NPPES, *HSD, *CENSUS, *ZIP_FILES, *HRSA, SVI)
