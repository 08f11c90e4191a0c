"""The claims on one screen: what was found of each, on what that rests, and where the essay shows it."""

from __future__ import annotations

import functools

import pandas as pd
from IPython.display import Markdown

from lib.base import paths
from lib.findings import claims, signs
from lib.findings.tables import markdown

# Colours belong to verdicts at the paper's own setting alone.
_MARKS = {signs.SUPPORTED: "🟢 ", signs.CONTRADICTED: "🔴 "}


@functools.cache
def claims_table() -> pd.DataFrame:
    """``claims.table``, computed once in a notebook."""
    return claims.table()


def claims_on_one_screen() -> Markdown:
    """Claim, place in the paper, verdict, what it rests on, and a link to its notebook."""
    table = claims_table()
    shown = table.assign(verdict=[_MARKS.get(verdict, "") + verdict for verdict in table.verdict],
                         see=[_link(number) for number in table.notebook])
    return _as_table(shown.set_index("claim")[["where", "verdict", "rests on", "see"]])


def claims_in_full() -> Markdown:
    """Claim, verdict and what we can say, numbers included, with a link to its notebook."""
    table = claims_table()
    shown = table.assign(see=[_link(number) for number in table.notebook])
    return _as_table(shown.set_index("claim")[["verdict", "what we can say", "see"]])


def _as_table(texts: pd.DataFrame) -> Markdown:
    return Markdown(markdown(texts.replace(r"\|", "/", regex=True)).replace("---:", "---"))


def _link(number: str) -> str:
    notebook = next((paths.ROOT / "notebooks").glob(f"{number}_*.ipynb"))
    return f"[{notebook.stem[3:].replace('_', ' ')}]({notebook.name})"
