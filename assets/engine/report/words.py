"""The plain words of a page: a name of the registry or of a table as a reader would write it.

The one home of abbreviations: any other word is written in small letters, the first of a name with a capital.
"""

from __future__ import annotations

# Words of a name that are written together.
TOGETHER = {"ob_gyn": "OB/GYN"}
ABBREVIATIONS = {
    "a1c": "A1C",
    "ach": "ACH",
    "adh": "adherence",
    "arv": "ARV",
    "bh": "BH",
    "bp": "BP",
    "card": "cardiology",
    "cmr": "CMR",
    "cob": "COB",
    "copd": "COPD",
    "dc": "DC",
    "ddi": "DDI",
    "dme": "DME",
    "doac": "DOAC",
    "dsmt": "DSMT",
    "endo": "endocrinology",
    "gdm": "GDM",
    "gyn": "GYN",
    "hbv": "HBV",
    "hiv": "HIV",
    "id": "ID",
    "ked": "KED",
    "lda": "LDA",
    "lef": "LEF",
    "mrp": "MRP",
    "ms": "MS",
    "mtm": "MTM",
    "mtx": "MTX",
    "ndc": "NDC",
    "ndcs": "NDCs",
    "npi": "NPI",
    "npis": "NPIs",
    "ob": "OB",
    "ogtt": "OGTT",
    "onc": "oncology",
    "part2": "part 2",
    "pcp": "PCP",
    "pd": "PD",
    "pdc": "PDC",
    "pnv": "PNV",
    "pp": "postpartum",
    "ra": "RA",
    "ras": "RAS",
    "rehab": "rehabilitation",
    "rheum": "rheumatology",
    "rsv": "RSV",
    "rx": "Rx",
    "sdoh": "SDOH",
    "sp": "SP",
    "ssz": "SSZ",
    "supd": "SUPD",
    "tb": "TB",
    "tcm": "TCM",
    "tdap": "Tdap",
    "tmr": "TMR",
    "toc": "TOC",
    "zcta": "ZCTA",
    "zip": "ZIP",
}


def plain(name: str) -> str:
    """A code, reason or table name as words, its abbreviations as they are written."""
    told = f"_{name.lower()}_"
    for pair, spelt in TOGETHER.items():
        told = told.replace(f"_{pair}_", f"_{spelt}_")
    words = " ".join(ABBREVIATIONS.get(word, word) for word in told.strip("_").split("_"))
    return words[:1].upper() + words[1:]
