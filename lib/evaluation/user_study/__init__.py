"""A user study anyone can run: one HTML page, raters' answers as files, and an analysis that shows its doubt.

Implements the study of Section IV-D3 (Table VIII): for each of 50 faces the photo, the artist's sketch and
the sketches of four systems; 30 raters choose the best of four for 10 faces each.  What the paper does
not say and we add: blinded and counter-balanced order, attention checks, exclusion rules fixed before the
first answer, intervals that respect raters and faces.

plan → stimuli → page → (raters) → answers → analysis → report; ``simulation`` takes the raters' place
to test the path, ``published`` examines Table VIII.
"""
