"""From numbers to statements: tables, ablations, contrasts, the ledger, verdicts."""
