"""The known changes of notebook 4, and its figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import piq
import pytest
import torch
from matplotlib.figure import Figure
from skimage.filters import gaussian
from skimage.metrics import structural_similarity
from test_metrics_ssim_fsim import ORACLES

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


def by_other_libraries(reference, image):
    """SSIM by scikit-image and FSIM by piq, of grey uint8 images."""
    tensors = [torch.from_numpy(face).double()[None, None] for face in (reference, image)]
    return {"ssim": structural_similarity(reference, image, gaussian_weights=True, sigma=1.5, data_range=255,
                                          use_sample_covariance=False),
            "fsim": piq.fsim(*tensors, data_range=255, chromatic=False).item()}


def test_every_face_is_scored_against_its_own_changed_copy(faces):
    """Changes that numpy makes in a line, scored by other libraries, land in the row of their face and change."""
    table = sensitivity.sensitivity(faces)
    assert len(table) == 8 * 3 * len(faces)
    changed = {"another person": faces[[2, 0, 1]], "30 grey levels darker": np.maximum(faces, 30) - 30}
    for change, images in changed.items():
        for number, pair in enumerate(zip(faces, images, strict=True)):
            rows = table.query("change == @change and image == @number").set_index("metric").value
            for metric, value in by_other_libraries(*pair).items():
                assert rows[metric] == pytest.approx(value, abs=2e-4)  # what piq claims
    assert isinstance(quality.sensitivity(table), Figure)


def test_the_more_blur_the_nearer_to_what_a_library_s_blur_scores(faces):
    others = np.roll(faces, 1, axis=0)
    table = sensitivity.blur_response(faces, others, (0, 1, 3))
    for sigma in (0, 1, 3):
        blurred = others if sigma == 0 else [
            np.rint(gaussian(face.astype(float), sigma, mode="reflect", preserve_range=True)).astype(np.uint8)
            for face in others]
        expected = pd.DataFrame([by_other_libraries(*pair) for pair in zip(faces, blurred)]).mean()
        means = table.query("sigma == @sigma").set_index("metric").value
        assert means[["ssim", "fsim"]].to_list() == pytest.approx(expected[["ssim", "fsim"]].to_list(), abs=2e-4)
    drawn = quality.blur_response(table).axes[0].lines
    assert {line.get_label(): list(line.get_ydata()) for line in drawn}["SSIM"] == list(
        100 * table[table.metric == "ssim"].value)


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
    # No rival has run, and no regression is drawn.
    assert explained == ["floors, ceiling", "MSG-SARL and ablations", "published"]
