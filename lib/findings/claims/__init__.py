"""The paper's claims in our words, and what this study can say of each, computed from the committed results.

A claim's outcome is a function of files under ``results/``: nothing is typed.  ``python -m lib claims`` writes them to
``results/claims.md``, and with ``--check`` fails where that file or the ledger says something else than the results.
Verdicts are worded by ``lib.findings.signs``: the sign of an effect here, beside the conditions it was found under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib.base import files, paths
from lib.findings.claims import method, rivals
from lib.findings.claims.outcome import IN_PRINT, MIXED, NOT_EXAMINED, NOT_SEEN, SEEN, STUDY, Outcome

__all__ = ["CLAIMS", "IN_PRINT", "MIXED", "NOT_EXAMINED", "NOT_SEEN", "SEEN", "STUDY", "as_markdown", "file",
           "table", "write"]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, restated; where: its place in the paper; notebook: the one that shows more."""

    text: str
    where: str
    outcome: Callable[[], Outcome]
    notebook: str


def _not_examined(what: str) -> Callable[[], Outcome]:
    return lambda: Outcome(NOT_EXAMINED, what)


CLAIMS = (
    Claim("Multi-scale gradients cure the instability of training.", "Abstract; Sections III-B, V",
          method.steady, "03"),
    Claim("Multi-scale gradients improve the synthesised images.", "Section IV-C, Tables I-III",
          lambda: method.of_part("MSG", method.more_of_msg), "05"),
    Claim("Self-attention improves them, in both directions.", "Section IV-C, Tables I-III, Fig. 5",
          lambda: method.of_part("self-attention", method.attention_used), "05"),
    Claim("The cycle loss improves them.", "Section IV-C, Tables I-III", lambda: method.of_part("cycle"), "05"),
    Claim("All three together are best.", "Section IV-C, Tables I-III", method.full_model, "05"),
    Claim("Attention attends to the face and leaves the background out.", "Section IV-C, Fig. 5",
          method.where_attention_looks, "06"),
    Claim("The residual connections keep the hair.", "Section IV-C",
          _not_examined("It takes a network without the SARBs' skips, and scores of the hair."), "05"),
    Claim("Multi-scale gradients clear the border of the chin.", "Section IV-C, Figs 6, 7",
          lambda: method.by_region("MSG"), "05"),
    Claim("Without attention there is noise, and eyes and mouth blur.", "Section IV-C, Figs 6, 7",
          lambda: method.by_region("self-attention"), "05"),
    Claim("It trains from scratch at a rate of 1e-3 with batch 1.", "Section IV-B", method.trains, "03"),
    Claim("Exemplar methods over-smooth.", "Section I, Fig. 1", rivals.smooth, "07"),
    Claim("Exemplar methods give inferior results.", "Section I, Fig. 1", rivals.inferior, "07"),
    Claim("Its SSIM and FSIM are the state of the art, CycleGAN's photos on CUFS apart.",
          "Abstract; Section IV-D2, Tables IV-VII", rivals.state_of_the_art, "08"),
    Claim("CycleGAN's colours are an intermediate state between the domains.", "Section IV-D2",
          rivals.colours, "08"),
    Claim("People put it second, very close to CycleGAN and ahead of DRIT.", "Section IV-D3, Table VIII",
          rivals.people, "09"),
    Claim("It is stable across databases and generalises better than its rivals.", "Sections IV-D2 and IV-D4",
          rivals.general, "08"),
)


def table() -> pd.DataFrame:
    """One row per claim: claim, where, verdict, what we can say, rests on, notebook."""
    rows = [(claim.text, claim.where, *_fields(claim.outcome()), claim.notebook) for claim in CLAIMS]
    return pd.DataFrame(rows, columns=["claim", "where", "verdict", "what we can say", "rests on", "notebook"])


def _fields(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.verdict, outcome.text, outcome.rests_on


def as_markdown() -> str:
    """All claims as Markdown; the same results give the same text."""
    found = table()
    counts = ", ".join(f"{verdict} {n}" for verdict, n in found.verdict.value_counts().items())
    lines = ["# The paper's claims and what this study can say",
             "Made by `python -m lib claims` from the committed results; change those, not this file. *Same* and "
             "*opposite sign here* need p < 0.05 after Holm's correction over all that is claimed together, and "
             "repeated trainings; *undecided* is not \"no\". Differences are percentage points with 95 % limits for "
             f"other faces and other trainings. Of {len(found)} claims: {counts}.",
             "\n".join(map(_line, [found.columns, ["---"] * found.shape[1], *found.to_numpy()]))]
    return "\n\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def file() -> Path:
    return paths.results_root() / "claims.md"


def write() -> Path:
    """Write ``results/claims.md`` and return it; raises StudyError where results are missing or damaged."""
    files.write_text(file(), as_markdown())
    return file()
