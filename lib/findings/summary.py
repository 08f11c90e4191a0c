"""The claims on one screen: what was found of each, on what that rests, and where the essay shows it.

The summary notebook shows all of them, README those that were examined: the same rows, words and numbers, in the order
of ``lib.findings.claims``.  ``python -m lib claims`` writes README's between two marks.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

from lib.base import files, labels, paths
from lib.base.directions import PHOTO_TO_SKETCH
from lib.base.errors import StudyError
from lib.findings import ablations, claims, signs, tables, training_outcomes, training_stability
from lib.findings.claims.outcome import NEW_SEEDS
from lib.findings.tables import markdown

# Colours belong to verdicts at the paper's own setting alone.
_MARKS = {signs.SUPPORTED: "🟢 ", signs.CONTRADICTED: "🔴 "}
_START, _END = "<!-- written by python -m lib claims -->", "<!-- end of what it writes -->"
_CONDITIONS = re.compile(r"(\d+ trainings?) on [\w-]+: (\d+ px)[^;]*")  # the others stand once, beside the table


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
        f"{effect('MSG', 'ssim')} points and the FSIM by {effect('MSG', 'fsim')}.{_stability()} "
        f"Self-attention changes the SSIM by {effect('self-attention', 'ssim')}; the paper prints up to "
        f"{labels.signed(printed_gain)}. Published votes and recognition curves say less than they seem to.")


def _stability() -> str:
    """What the new seeds say of the paper's central claim, after a space; empty while they are not trained."""
    judged = training_stability.effects_of_msg(*NEW_SEEDS).verdict
    agree, against = (judged.isin(words).sum() for words in ((signs.SAME, signs.SUPPORTED),
                                                             (signs.OPPOSITE, signs.CONTRADICTED)))
    return (f" Whether they steady the training, as claimed, was asked of new seeds: of {len(judged)} measures fixed "
            f"beforehand {agree} say so clearly, {against} the opposite." if len(judged) else "")


def claims_on_one_screen() -> Markdown:
    """Claim, place in the paper, verdict, what was measured, what it rests on, and a link to its notebook."""
    shown = _in_short(claims_table())
    return _as_table(shown.set_index("claim")[["where", "verdict", "what we can say", "rests on", "see"]])


def claims_in_full() -> Markdown:
    """Claim, verdict and what we can say, numbers included, with a link to its notebook."""
    table = claims_table()
    shown = table.assign(see=[_link(number) for number in table.notebook])
    return _as_table(shown.set_index("claim")[["verdict", "what we can say", "see"]])


def in_readme(text: str) -> str:
    """README's text with what was found as the results have it; raises StudyError where its marks are missing."""
    before, start, rest = text.partition(_START)
    _, end, after = rest.partition(_END)
    if not end:
        raise StudyError(f"README.md: what was found has lost its marks. Put {_START} and {_END} around it.")
    return f"{before}{start}\n\n{in_short().data}\n\n{_for_readme(claims_table())}\n{end}{after}"


def readme() -> Path | None:
    """The README beside the results, if there is one: results elsewhere are not this repository's."""
    file = paths.results_root().parent / "README.md"
    return file if file.exists() else None


def write_readme() -> Path | None:
    """Bring what README says was found up to date and return the file, if there is one."""
    if file := readme():
        files.write_text(file, in_readme(file.read_text(encoding="utf-8")))
    return file


def _for_readme(table: pd.DataFrame) -> str:
    examined = table.verdict != claims.NOT_EXAMINED
    shown = _in_short(table[examined])
    shown["claim"] = [f"[{row.claim}](notebooks/{_notebook(row.notebook).name})" for row in shown.itertuples()]
    left = (f"\n{(~examined).sum()} more claims are [not examined here](results/claims.md).\n" if not examined.all()
            else "")
    return _text(shown.set_index("claim")[["verdict", "what we can say", "rests on"]]) + left


def _in_short(table: pd.DataFrame) -> pd.DataFrame:
    """The table cut short: of what can be said the first sentence, without the signs that are undecided; the fewest
    conditions; links to the notebooks as ``see``."""
    said = [text.partition(". ")[0].removesuffix(".").replace(f" ({signs.UNDECIDED})", "")
            for text in table["what we can say"]]
    return table.assign(**{"verdict": [_MARKS.get(verdict, "") + verdict for verdict in table.verdict],
                           "what we can say": said,
                           "rests on": [_CONDITIONS.sub(r"\1 at \2", text) for text in table["rests on"]],
                           "see": [_link(number) for number in table.notebook]})


def _text(texts: pd.DataFrame) -> str:
    return markdown(texts.replace(r"\|", "/", regex=True)).replace("---:", "---")


def _as_table(texts: pd.DataFrame) -> Markdown:
    return Markdown(_text(texts))


def _link(number: str) -> str:
    notebook = _notebook(number)
    return f"[{notebook.stem[3:].replace('_', ' ')}]({notebook.name})"


def _notebook(number: str) -> Path:
    return next((paths.ROOT / "notebooks").glob(f"{number}_*.ipynb"))
