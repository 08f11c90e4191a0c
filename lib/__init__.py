"""Open reproduction of MSG-SARL (Duan et al., IEEE TIFS 2020): face photo-sketch transformation.

The package holds the mechanism; ``notebooks/`` holds the argument.  Ten wings, in the order in which a face passes
through them; a wing imports only wings above it:

base        errors, paths, names, settings, files, images, statistics
databases   paired faces: databases as people have them, and the embedded portraits
metrics     image quality and distances of sets, as pure functions on arrays
model       MSG-SARL as the paper has it, and the interface of everything that trains
rivals      controls, exemplar methods, deep systems
training    plans, the one loop, checkpoints, run folders, translation, speed
evaluation  from runs to numbers: scores, recognition, attention, the user study
findings    from numbers to statements: tables, effects, the ledger, verdicts; ``study``, the stage that makes them all
figures     plot functions
commands    ``python -m lib COMMAND``, one module each
"""

import os

# Before torch is loaded: its threads are to sleep while they wait for each other instead of spinning
# (``lib.training.devices`` says why).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Before matplotlib is loaded: it keeps a list of all fonts, which every process would make anew without a home folder.
if not os.access(os.path.expanduser("~"), os.W_OK):
    import tempfile

    os.environ.setdefault("MPLCONFIGDIR", os.path.join(tempfile.gettempdir(), "msg-sarl-matplotlib"))
