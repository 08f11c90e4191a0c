"""The report of a study: Markdown for people, CSV tables for programs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lib.base import files, tables_on_disk
from lib.base.errors import counted
from lib.evaluation.user_study.analysis import Analysis
from lib.evaluation.user_study.answers import Answers
from lib.evaluation.user_study.definition import QUESTION, Study

SIMULATED = ("These votes were made by a program with preferences we gave it. They show that the path works and say "
             "nothing about what people prefer.")


def write_report(folder: Path, study: Study, answers: Answers, analysis: Analysis) -> list[Path]:
    """Write ``report.md`` and one CSV per table: votes, set_aside, shares, pairs, strengths, positions."""
    folder = Path(folder)
    tables = {"votes": answers.votes, "set_aside": answers.set_aside, "shares": analysis.shares,
              "pairs": analysis.pairs, "strengths": analysis.strengths, "positions": analysis.positions}
    written = []
    for name, table in tables.items():
        if name != "set_aside":
            table = table.assign(simulated=answers.simulated)  # no table may lose that on its way
        tables_on_disk.write(folder / f"{name}.csv", table, digits=6)
        written.append(folder / f"{name}.csv")
    files.write_text(folder / "report.md", report_text(study, answers, analysis))
    return [folder / "report.md", *written]


def report_text(study: Study, answers: Answers, analysis: Analysis) -> str:
    """Return the report as Markdown."""
    clear = analysis.pairs[analysis.pairs.p_holm < 0.05]
    kappa = analysis.agreement
    checks = int((study.plan.kind == "check").sum() / len(study.assignments))
    parts = [
        f"# User study {study.id}" + (", SIMULATED raters" if answers.simulated else ""),
        f"**{SIMULATED}**" if answers.simulated else "",
        f"Question: {QUESTION[study.direction]} {counted(analysis.votes, 'vote')} of "
        f"{counted(analysis.raters, 'rater')} on {counted(analysis.faces, 'face')}; "
        f"{counted(len(study.assignments), 'rater', 'was/were')} planned. Median time per vote "
        f"{analysis.median_seconds:.1f} s.",
        "## Left out",
        f"{counted(answers.files, 'file', 'was/were')} read. Rules fixed before the study: complete; at most "
        f"{study.rules.failed_checks} of {checks} attention checks wrong; median time per vote at least "
        f"{study.rules.median_seconds:g} s; not one position in all trials.",
        table_text(answers.set_aside) if len(answers.set_aside) else "Nothing was left out.",
        "## First choices",
        "Shares with 95 % intervals for other raters and other faces (two-way cluster bootstrap; where all votes "
        "agree, Wilson's for one vote per rater or per face, whichever are fewer); the design effect is how much "
        "wider, squared, than if votes were independent.",
        table_text(analysis.shares, votes="{:d}", design_effect="{:.2f}", share="{:.1%}", low="{:.1%}", high="{:.1%}"),
        "## Which differences are clear",
        f"{len(clear)} of {len(analysis.pairs)} pairs differ at the 5 % level after Holm's correction. p: two-way t "
        "test, or sign flips where all votes agree; p_raters: permutation over raters, these faces only.",
        table_text(analysis.pairs, difference="{:+.1%}", low="{:+.1%}", high="{:+.1%}"),
        "## Strengths",
        "Luce's choice model with a pull of each position; log worth, mean zero, 95 % intervals. A difference of 0.69 "
        "means twice as likely to be chosen.",
        table_text(analysis.strengths, log_worth="{:+.2f}", low="{:+.2f}", high="{:+.2f}"),
        "## Position",
        f"Orders were drawn at random, so without a pull each position has the same share (χ² test: p = "
        f"{analysis.position_p:.3f}).",
        table_text(analysis.positions, votes="{:d}", share="{:.1%}", low="{:.1%}", high="{:.1%}"),
        "## Agreement",
        f"Fleiss' kappa {kappa.estimate:.2f} [{kappa.low:.2f}, {kappa.high:.2f}] (95 %, over faces); 0 is chance, "
        "1 is full agreement.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table_text(table: pd.DataFrame, **formats: str) -> str:
    """Return a Markdown table; ``formats`` are per column, other numbers get three decimals."""
    def cell(column: str, value: object) -> str:
        if column in formats:
            return formats[column].format(value)
        return f"{value:.3f}" if isinstance(value, float) else str(value)

    columns = [str(column) for column in table.columns]
    lines = [columns, ["---"] * len(columns)]
    lines += [map(cell, columns, row) for row in table.itertuples(index=False, name=None)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
