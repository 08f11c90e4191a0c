"""A local page where a photo is dropped, chosen or taken by the camera, and both directions are seen.

``server`` answers it on this machine alone; the page lies in ``page/``.  The standard library and one HTML file do:
nothing is installed for it, and nothing leaves the machine.
"""
