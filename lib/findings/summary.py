"""The claims on one screen: what was found of each, on what that rests, and where the essay shows it."""

from __future__ import annotations

import functools

import pandas as pd
from IPython.display import Markdown

from lib.base import labels, paths
from lib.base.directions import PHOTO_TO_SKETCH
from lib.findings import ablations, claims, signs, tables, training_outcomes
from lib.findings.tables import markdown

# Colours belong to verdicts at the paper's own setting alone.
_MARKS = {signs.SUPPORTED: "🟢 ", signs.CONTRADICTED: "🔴 "}


@functools.cache
def claims_table() -> pd.DataFrame:
    """``claims.table``, computed once in a notebook."""
    return claims.table()


def in_short() -> Markdown:
    """What was found, in a few sentences whose numbers come from the committed scores."""
    found = ablations.effects(*claims.STUDY).set_index(["effect", "direction", "metric"])
    scores = tables.summary(*claims.STUDY).set_index(["direction", "metric", "system"]).value.loc[PHOTO_TO_SKETCH]
    printed = tables.published().query("table == 'I' and direction == @PHOTO_TO_SKETCH and metric == 'ssim'")
    printed_gain = ablations.published_effects(claims.STUDY[1]).query(
        "effect == 'self-attention' and direction == @PHOTO_TO_SKETCH and metric == 'ssim'").published.max()

    def effect(part: str, metric: str) -> str:
        return labels.with_limits(*found.loc[(part, PHOTO_TO_SKETCH, metric), ["estimate", "low", "high"]])

    trainings = len(training_outcomes.final_losses(*claims.STUDY))
    return Markdown(
        f"**In short.** One real database, {signs.conditions(claims.STUDY[0])}, where the paper has "
        f"{signs.conditions('paper')}. The SSIM of sketches is {scores['ssim', 'msg-sarl']:.1f} % (published: "
        f"{printed.set_index('system').value['MSG-SARL']:.1f}; a per-pixel regression reaches "
        f"{scores['ssim', 'pixel-regression']:.1f}). Over {trainings} trainings, multi-scale gradients change it by "
        f"{effect('MSG', 'ssim')} points and the FSIM by {effect('MSG', 'fsim')}. Self-attention changes the SSIM by "
        f"{effect('self-attention', 'ssim')}; the paper prints up to {labels.signed(printed_gain)}. Published votes "
        "and recognition curves say less than they seem to.")


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
