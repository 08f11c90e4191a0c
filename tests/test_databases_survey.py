"""The numbers and figures of the data notebook."""

import matplotlib
import numpy as np
import pytest
from conftest import made_up_faces
from skimage.metrics import structural_similarity

from lib.databases import geometry, pairing
from lib.findings import database_survey as survey

matplotlib.use("agg")


@pytest.fixture(scope="module")
def few():
    return made_up_faces(10)


def test_mis_sorting_moves_the_share_asked_for_and_loses_nobody(few):
    wrong = survey.mis_sorted(few, share=0.5)
    moved = [k for k in range(10) if (wrong.sketches[k] != few.sketches[k]).any()]
    assert len(moved) == 5 and (wrong.photos == few.photos).all()
    assert sorted(s.tobytes() for s in wrong.sketches) == sorted(s.tobytes() for s in few.sketches)


def test_ceiling_against_scikit_image():
    few = made_up_faces(3)
    table = survey.resize_ceiling(few, sizes=(32, 256))
    bicubic = table.query("domain == 'sketch' and fit == 'resize' and resampling == 'bicubic' and size == 32")
    back = geometry.through_square(few.sketches, 32)
    expected = [structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                      data_range=255) for a, b in zip(few.sketches, back)]
    row = bicubic.query("metric == 'ssim'").iloc[0]
    assert row["mean"] == pytest.approx(np.mean(expected), abs=1e-5) and row["n"] == 3
    assert row["sd"] == pytest.approx(np.std(expected, ddof=1), abs=1e-5)
    # At 256 both sides only grow: repeating pixels and averaging them again is exact.
    assert (table.query("size == 256 and resampling in ('nearest', 'area')")["mean"] == 1).all()


def test_figures_show_what_they_are_given(few):
    from lib.figures import data as figures

    assert len(figures.gallery(few, count=7, columns=4).axes) == 4 * 4  # two rows of persons, two domains
    checked = {label: pairing.check(f.photos, f.sketches, f.groups)
               for label, f in (("stored", few), ("wrong", survey.mis_sorted(few)))}
    scattered = survey.pairing_by_sketch(checked)
    panels = figures.pairing_scatter(scattered).axes
    assert sorted(scattered.own) == sorted(value for results in checked.values() for result in results
                                           for value in result.own)
    drawn = np.concatenate([part.get_offsets()[:, 0] for part in panels[0].collections])
    np.testing.assert_allclose(sorted(drawn), scattered.own[scattered.sketches == "stored"])
    assert [axis.get_title(loc="left") or axis.get_title() for axis in panels] == list(checked)
    assert survey.pairing_table(checked)["pairs"].tolist() == [10, 10]
    curves = figures.ceiling_curves(survey.resize_ceiling(made_up_faces(2), sizes=(32, 64))).axes[0]
    assert len(curves.get_legend_handles_labels()[1]) == 6
    matplotlib.pyplot.close("all")
