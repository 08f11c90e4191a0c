"""Open reproduction of MSG-SARL (Duan et al., IEEE TIFS 2020): face photo-sketch transformation.

The package holds the mechanism; ``notebooks/`` holds the argument.  Data flow in one direction:
databases → training or exemplar synthesis → synthesised images → scores → tables and verdicts.
"""
