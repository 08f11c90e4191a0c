"""The known changes of notebook 6, and its figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from test_metrics_ssim_fsim import ORACLES

from lib import metrics
from lib.base.images import read_image
from lib.figures import quality
from lib.metrics import sensitivity


@pytest.fixture(scope="module")
def faces():
    return np.stack([read_image(ORACLES / f"{name}_ref.png")[:80, :60] for name in ("camera", "coins", "brick")])


def test_changes_are_what_their_names_say(faces):
    changed = sensitivity.distortions(faces)
    assert all(stack.dtype == np.uint8 and stack.shape == faces.shape for stack in changed.values())
    np.testing.assert_array_equal(changed["shifted by 2 pixels"][:, :, 2:], faces[:, :, :-2])
    np.testing.assert_array_equal(changed["another person"][1], faces[0])
    np.testing.assert_array_equal(changed["30 grey levels darker"], np.maximum(faces, 30) - 30)
    noise = changed["noise, σ = 10 grey levels"].astype(float) - faces
    assert 8 < noise[(faces > 40) & (faces < 215)].std() < 11
    np.testing.assert_allclose(changed["contrast × 0.7"].std(axis=(1, 2)), 0.7 * faces.std(axis=(1, 2)), rtol=0.01)
    np.testing.assert_array_equal(changed["noise, σ = 10 grey levels"],
                                  sensitivity.distortions(faces)["noise, σ = 10 grey levels"])


def test_sensitivity_holds_the_metrics_own_values(faces):
    table = sensitivity.sensitivity(faces)
    row = table.query("change == 'another person' and metric == 'fsim' and image == 1").iloc[0]
    assert row.value == metrics.fsim(faces[1], faces[0])
    assert len(table) == 8 * 3 * len(faces)
    assert isinstance(quality.sensitivity(table), Figure)


def test_blur_response_starts_at_the_unblurred_score(faces):
    table = sensitivity.blur_response(faces, np.roll(faces, 1, axis=0), (0, 1, 3))
    start = table.query("sigma == 0 and metric == 'ssim'").value.item()
    assert start == pytest.approx(metrics.ssim_batch(faces, np.roll(faces, 1, axis=0)).mean())
    assert isinstance(quality.blur_response({"one": table, "two": table}), Figure)


def test_standing_shows_ours_and_what_is_only_published():
    rows = [("input, grey", "grey-input", "ssim", 56.0, 55.0, 57.0, np.nan),
            ("MSG-SARL", "msg-sarl", "ssim", 61.0, 60.0, 62.0, 61.64),
            ("FCN", "FCN", "ssim", np.nan, np.nan, np.nan, 52.14),
            ("MSG-SARL", "msg-sarl", "fsim", 77.0, 76.0, 78.0, np.nan)]
    table = pd.DataFrame(rows, columns=["label", "system", "metric", "value", "low", "high", "published"])
    figure = quality.standing({"photo-to-sketch": table, "sketch-to-photo": table})
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["input, grey", "MSG-SARL", "FCN"]
    assert figure.axes[0].get_title() == "photo to sketch, SSIM"
    explained = [text.get_text() for text in figure.legends[0].get_texts()]
    assert explained == ["floors, ceiling", "MSG-SARL and ablations", "published"]  # no rival has run, no regression is drawn
