"""dlib and its published models for tests, or a loud skip where they cannot be had."""

from __future__ import annotations

import warnings

import pytest

from lib.base.errors import StudyError
from lib.databases.alignment import dlib_models


def need_dlib() -> None:
    """Skip the module, with a warning that is seen, where dlib or its models (a wheel of 100 MB) cannot be had."""
    try:
        dlib_models.landmarks(), dlib_models.network()
    except StudyError as error:
        warnings.warn(f"FINDING AND RECOGNISING REAL FACES IS NOT TESTED: {error}", stacklevel=1)
        pytest.skip(str(error), allow_module_level=True)
