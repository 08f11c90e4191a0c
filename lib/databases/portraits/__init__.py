"""The embedded database: photo-sketch pairs of people who do not exist, drawn by our own code.

It is there so that every part of the study runs, and can be tested, with no download.  A person is a vector
of traits (``traits``); traits become curves (``geometry``), a relief (``surface``) and strands of hair
(``cuts``, ``hair``).  The photograph lights them (``photo``, ``details``, ``strands``, ``beards``, ``clothes``);
the sketch draws them with a pencil (``sketch``, ``sketched_hair``, ``pencil``, ``artists``) and never sees the
photograph's colours.  ``portraits`` imitates the conditions of CUFS, ``portraits-wild`` those of CUFSF
(``wild``); ``database`` draws and keeps both.  No real face and no trained model went into it.

No result on it is evidence for or against a claim of the paper: its faces are simpler than real ones,
its artists are a program, and both were made by the authors of this study.
"""

from lib.databases.portraits.database import SPLITS, generate, identity, portrait

__all__ = ["SPLITS", "generate", "identity", "portrait"]
