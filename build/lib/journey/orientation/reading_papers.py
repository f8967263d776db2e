"""Reading and reproducing a paper.

Built in the page `scripts/00_Orientation/08_reading_papers.py`: edit the page, not this file.
"""

from typing import NamedTuple

import numpy as np

from journey.orientation.checks import SeedBand

__all__ = ["PaperClaim", "verdict"]


class PaperClaim(NamedTuple):
    """What a paper claims, in a form that a measurement can refute.

    ``low`` and ``high`` bound the results that count as true; they are fixed before the experiment.
    """

    paper: str
    statement: str
    quantity: str
    low: float
    high: float


def verdict(paper_claim: PaperClaim, band: SeedBand) -> str:
    """Compare the interval of a measurement with the band of a claim.

    Returns
    -------
    str
        "reproduced" if the whole interval lies in the band, "not reproduced" if it lies outside, and
        "undecided" if it crosses an edge: then more seeds are needed, not another band.

    Raises
    ------
    ValueError
        If the claim's band is empty or the interval is not finite.
    """
    if not paper_claim.low <= paper_claim.high:
        raise ValueError(
            f"the band of {paper_claim.quantity!r} is empty: {paper_claim.low} to {paper_claim.high}"
        )
    if not (np.isfinite(band.low) and np.isfinite(band.high)):
        raise ValueError(f"the interval is not finite: {band.low} to {band.high}")
    if paper_claim.low <= band.low and band.high <= paper_claim.high:
        return "reproduced"
    if band.high < paper_claim.low or band.low > paper_claim.high:
        return "not reproduced"
    return "undecided"


# seal: 7adf795ebb18a5d9
