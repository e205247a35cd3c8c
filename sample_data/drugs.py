"""The products that are dispensed: one row of `drugs.csv` per product, three invented packages (NDCs) of each.

NDCs are labeler 99991 to 99993 (three manufacturers), the product's line number, package 01; no such labeler exists.
`weight` says how often a product is chosen within its therapy, `unit_cents` what a unit costs; both are invented.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_data.calendar import HERE

MANUFACTURERS = 3
UNKNOWN_NDC = "99998000001"
FLAGS = ("is_maintenance", "is_specialty", "is_prenatal_vitamin")


@dataclass(frozen=True)
class Drugs:
    """The products in file order; a product's position is its id here."""

    product: pl.DataFrame

    def position(self, name: str) -> int:
        """Find the position of a product by name."""
        return self.product["product"].to_list().index(name)

    def of(self, therapy: str) -> tuple[np.ndarray, np.ndarray]:
        """Find the positions and weights of a therapy's products."""
        rows = self.product.filter(pl.col("therapy") == therapy)
        return rows["position"].to_numpy(), rows["weight"].to_numpy()

    def ndc(self) -> pl.Series:
        """Make the NDC of package `product * MANUFACTURERS + manufacturer`."""
        return pl.Series([f"9999{m + 1}{p + 1:04d}01" for p in range(len(self.product)) for m in range(MANUFACTURERS)])


def read_drugs() -> Drugs:
    """Read the products."""
    return Drugs(pl.read_csv(HERE / "drugs.csv", schema_overrides={"strength": pl.String}).with_row_index("position"))


def drug_table(drugs: Drugs) -> pl.DataFrame:
    """Make the input table `drug`: one row per NDC."""
    package = drugs.product.select(pl.all().repeat_by(MANUFACTURERS).explode())
    return package.select(
        pl.Series("ndc_code", drugs.ndc()),
        "ingredients", "brand_name", "dose_form", "route", "strength", "product_class",
        *(pl.col(flag).cast(pl.Boolean) for flag in FLAGS),
    ).sort("ndc_code")  # fmt: skip
