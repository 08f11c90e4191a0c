"""Attention made visible: what the self-attention units of a trained generator do (Fig. 5, and what it leaves out).

``observe`` one face through the real network (``observing``); numbers of attention weights in closed form
(``measures``); what they and their effect are on many faces (``quantities``); the same over all runs and
seeds of a study (``attend_runs``, which keeps ``attention.csv``).
"""

from lib.evaluation.attention.attend_runs import measure_study, overview, read_attention, read_scales
from lib.evaluation.attention.observing import POINTS, Observation, attention_off, observe
from lib.evaluation.attention.quantities import QUANTITIES, measure, summarise

__all__ = ["POINTS", "QUANTITIES", "Observation", "attention_off", "measure", "measure_study", "observe", "overview",
           "read_attention", "read_scales", "summarise"]
