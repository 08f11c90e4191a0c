"""Many runs on many machines: a grid's missing runs as one job array of Slurm, through submitit.

``submission``  what is to run, with which resources, and handing it over
``standing``    how far every run that was handed over is, and what failed

A job makes and scores its runs and writes into their folders alone; ``scoring.gather`` puts the scores into the
study's tables afterwards.  No two jobs make one run: runs that share networks go into one job, and what is waiting or
running is not handed over again.  So nothing depends on locks, which shared file systems keep badly or not at all.  A
job that is preempted or reaches its time limit is queued again and goes on from its runs' checkpoints; one that is
killed leaves them to the next submission.

On a single machine ``python -m lib train --grid`` keeps sharing out runs by file locks (``run_folders.claimed``,
``side_by_side``) instead of submitit's local executor.  That executor starts every job at once, however many cores
there are; it gives up after six interruptions; and once the submitting process has gone it cannot tell a running job
from a dead one.  A lock answers just that, at no cost, and is freed at any death; notebooks and the study's stage need
it anyway, because they may make the same run at the same time as a grid.  The local executor serves ``--launcher
local``: one job in the background that makes the grid as the plain command does, and tests without a cluster.
"""
