"""The ambiguity ledger: what the paper leaves open or gets wrong, what this study does there, what it changes.

``ledger.yaml``     the entries; its head explains the fields
``entries``         reading and checking them; the systems to run
``comparison``      what each alternative changes, from the scores of a study
``written_ledger``  the effects as a table, the ledger as Markdown (``python -m lib ledger``)
"""

from lib.findings.ledger.comparison import effects
from lib.findings.ledger.entries import PARTS, Entry, alternatives, entries, tested_systems
from lib.findings.ledger.written_ledger import STUDY, as_markdown, effect_table, write

__all__ = ["PARTS", "STUDY", "Entry", "alternatives", "as_markdown", "effect_table", "effects", "entries",
           "tested_systems", "write"]
