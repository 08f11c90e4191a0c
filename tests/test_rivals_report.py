"""Walkthrough, open choices and the table of quality and cost of the exemplar rivals."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_up_scores import image_table
from scipy.ndimage import gaussian_filter

from lib.base import files, paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.databases import PairedFaces
from lib.figures import rivals as figures
from lib.findings import exemplar_choices, exemplar_detail, exemplar_scores
from lib.metrics import fine_detail
from lib.rivals import exemplar
from lib.rivals.exemplar import walkthrough

OPTIONS = {"patch": 8, "step": 4, "radius": 2, "samples": 40, "neighbours": 6}


def pairs(count=6, height=40, width=32):
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, size=(count, height, width, 3), dtype=np.uint8)
    return PairedFaces("made-up", "train", photos, 255 - photos[..., 0], tuple(f"p{i}" for i in range(count)),
                       ("made-up",) * count)


@pytest.fixture
def fitted():
    faces = pairs()
    rival = exemplar.create("fast-rslcr", **OPTIONS)
    rival.fit(faces.photos[:4], faces.sketches[:4])
    return rival, faces


def test_a_node_is_explained_as_it_is_computed(fitted):
    rival, faces = fitted
    story = walkthrough.explain_node(rival.method(), faces.photos[5], 17, 13)
    assert (story.row + 4, story.column + 4) == (16, 12)  # the nearest of centres 4, 8, 12, …
    np.testing.assert_array_equal(story.query, faces.photos[5, 12:20, 8:16])
    assert story.weights.sum() == pytest.approx(1, abs=1e-4) and (np.diff(story.weights) <= 0).all()
    np.testing.assert_array_equal(story.targets, 255 - story.sources[..., 0])  # partners, in the same order
    drawn = figures.node_story(faces.photos[5], story, faces.sketches[5])
    np.testing.assert_array_equal(drawn.axes[1].images[0].get_array(), story.query)
    plt.close(drawn)


def test_patches_side_by_side_make_the_synthesised_face():
    """Without overlaps every node's estimate is a piece of the face that the method makes."""
    faces = pairs()
    rival = exemplar.create("fast-rslcr", **{**OPTIONS, "step": 8})
    rival.fit(faces.photos[:4], faces.sketches[:4])
    made = rival.synthesise(faces.photos[5:])[0]
    for row, column in ((0, 0), (16, 8), (32, 24)):
        story = walkthrough.explain_node(rival.method(), faces.photos[5], row + 4, column + 4)
        np.testing.assert_array_equal(story.estimate, made[row:row + 8, column:column + 8])


def test_fields_have_no_single_nodes(fitted):
    _, faces = fitted
    rival = exemplar.create("mwf", patch=8, step=4, radius=2)
    rival.fit(faces.photos, faces.sketches, ["one"] * 3 + ["two"] * 3)
    with pytest.raises(StudyError, match="decide together"):
        walkthrough.explain_node(rival.method("one"), faces.photos[0], 5, 5)
    with pytest.raises(StudyError, match="one, two"):
        rival.method()


def test_fine_detail_is_the_residue_of_a_blur():
    faces = pairs().sketches
    blurred = np.stack([gaussian_filter(face.astype(float), 1) for face in faces]).round().astype(np.uint8)
    assert (fine_detail(np.full((2, 9, 9), 77, np.uint8)) < 1e-9).all()
    assert (fine_detail(blurred) < 0.5 * fine_detail(faces)).all()


def test_detail_kept_is_a_share_of_the_targets():
    target = pairs().sketches
    halved = (64 + 0.5 * target).round().astype(np.uint8)  # half the contrast, everywhere
    assert exemplar_detail.kept(halved, target) == pytest.approx(0.5, abs=0.02)
    colour = np.repeat(target[..., None], 3, axis=3)
    assert exemplar_detail.kept(colour, target) == pytest.approx(1)


def test_a_choice_is_measured_on_held_out_training_pairs():
    faces = pairs()
    row = exemplar_choices.measure(faces, "photo-to-sketch", "fast-rslcr", OPTIONS)
    assert row["images"] == 1 and 0 <= row["ssim"] <= 1 and row["change"].startswith("patch 8, step 4")
    assert exemplar_choices.measure(faces, "sketch-to-photo", "lle", {"patch": 8, "step": 4})["ssim"] < 1
    for system, changes in exemplar_choices.ALTERNATIVES.items():
        assert changes[0] == {} and all(set(change) <= set(exemplar.settings.FULL[system]) for change in changes)


LABELS = ["LLE", "MRF", "MWF", "SSD", "RSLCR", "Fast-RSLCR"]


@pytest.mark.parametrize("seconds, ssim, fsim", [
    ([0.07, 0.15, 0.14, 0.33, 0.76, 0.39], [63.9, 60.3, 64.9, 63.8, 65.9, 65.7], [75, 74.3, 74.5, 74.9, 74.4, 74.3]),
    ([0.20, 0.25, 0.24, 0.68, 1.39, 1.11], [72.3, 64.8, 72.0, 70.7, 73.6, 73.2], [81.7, 79.3, 81.4, 80.9, 82.2, 82]),
    ([0.1, 1, 2, 4, 8, 9], [70, 70.1, 70, 70.1, 70, 70.1], [70, 60, 70, 60, 70, 60])])
@pytest.mark.parametrize("dpi", [100, 200])
def test_labels_of_the_costs_cover_no_dot_and_no_other_label(seconds, ssim, fsim, dpi):
    """In the pixels of the drawn figure; the first two are CUHK Student's sketches and photos."""
    table = pd.DataFrame({"label": LABELS, "cpu_seconds_per_image": seconds, "ssim": ssim, "fsim": fsim})
    drawn = figures.quality_against_cost(table)
    drawn.set_dpi(dpi)
    drawn.canvas.draw()
    for axis, metric in zip(drawn.axes, ("ssim", "fsim"), strict=True):
        dots = axis.transData.transform(table[["cpu_seconds_per_image", metric]])
        boxes = [text.get_window_extent() for text in axis.texts]
        assert [text.get_text() for text in axis.texts] == LABELS
        radius = axis.lines[0].get_markersize() / 2 * dpi / 72
        for own, box in enumerate(boxes):
            nearest = np.clip(dots, box.min, box.max)  # the label's point that is nearest to each dot
            distances = np.hypot(*(dots - nearest).T)
            assert distances.min() > radius and distances[own] < 8 * dpi / 72
            assert not any(box.overlaps(other) for other in boxes[own + 1:])
            assert drawn.bbox.contains(*box.min) and drawn.bbox.contains(*box.max)
        ticks = [tick.get_window_extent() for tick in axis.get_xticklabels(which="both") if tick.get_text()]
        assert len(ticks) > 2 and not any(one.overlaps(other) for one, other in itertools.pairwise(sorted(
            ticks, key=lambda box: box.x0)))
    plt.close(drawn)


def test_quality_and_cost_come_from_the_results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="run_all.sh --profile cpu --database cufs"):
        exemplar_scores.quality_and_cost("cpu", "cufs")
    rows = [("cufs", direction, system, 0, image, metric, value)
            for direction in DIRECTIONS for system in ("msg-sarl", "ssd", "lle")
            for metric in ("ssim", "fsim") for image, value in (("a", 0.5), ("b", 0.7))]
    again = [(*row[:3], 1, *row[4:6], row[6] + 0.1) for row in rows if row[2] == "lle"]  # another random draw
    folder = paths.study_folder("cpu", "cufs")
    folder.mkdir(parents=True)
    files.write_csv(folder / "scores.csv", image_table(rows + again))
    cost = {"cpu_seconds_fit": 3.0, "cpu_seconds_per_image": 0.2, "peak_memory_mb": 900}
    for system in ("ssd", "lle"):
        files.write_json(paths.run_folder("cpu", "cufs", system, 0) / "run.json", {d: cost for d in DIRECTIONS})
    table = exemplar_scores.quality_and_cost("cpu", "cufs")
    assert table.label.tolist() == ["LLE", "SSD"] * 2 and table.direction.tolist()[::2] == list(DIRECTIONS)
    assert table.ssim.tolist() == pytest.approx([65, 60] * 2) and table.images.tolist() == [2] * 4
    assert table.fsim_sd.iloc[0] == pytest.approx(100 * np.std([0.5, 0.7], ddof=1))
    assert table.peak_memory_mb.tolist() == [900] * 4
    files.write_csv(folder / "scores.csv", image_table(rows[:4]))
    with pytest.raises(StudyError, match="--system lle --system mrf"):
        exemplar_scores.quality_and_cost("cpu", "cufs")
