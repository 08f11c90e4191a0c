"""The embedded database: reproducible, cached, varied, and with the floors of a real one."""

from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from lib.base import images
from lib.base.errors import StudyError
from lib.databases import portraits
from lib.databases.portraits import database
from lib.databases.portraits.geometry import EYE_LEVEL, Face
from lib.databases.portraits.raster import double_size, half_size
from lib.databases.portraits.surface import Relief
from lib.databases.portraits.traits import TRAITS, Traits, draw
from lib.figures.portraits import trait_sweep

REFERENCE = Path(__file__).parent / "data" / "portraits_reference.csv"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(cache))


@pytest.fixture(scope="module")
def people():
    """The first eight test identities of both databases, drawn once."""
    return {
        name: [portraits.portrait(name, portraits.SPLITS[name]["train"] + k) for k in range(1, 9)]
        for name in portraits.SPLITS
    }


@pytest.fixture
def count_drawn(monkeypatch):
    drawn = []

    def small(name, number):
        drawn.append(number)
        return np.full((250, 200, 3), number % 251, np.uint8), np.full((250, 200), number % 249, np.uint8)

    monkeypatch.setattr(database, "portrait", small)
    return drawn


# -- people ---------------------------------------------------------------------------------------

def test_traits_lie_in_their_ranges_and_follow_each_other():
    rng = np.random.default_rng(5)
    table = np.array([draw(rng).vector() for _ in range(1000)])
    assert len(TRAITS) >= 40
    assert table.min() >= 0 and table.max() <= 1
    assert (table.std(0) > 0.1).all()
    column = {name: table[:, k] for k, name in enumerate(TRAITS)}
    for first, second, sign in (
        ("age", "hair_grey", 1),
        ("masculinity", "jaw_width", 1),
        ("fullness", "cheek_fullness", 1),
        ("complexion", "hair_dark", 1),
        ("age", "upper_lip", -1),
    ):
        assert sign * np.corrcoef(column[first], column[second])[0, 1] > 0.25, (first, second)


def test_no_two_people_share_their_traits():
    people = np.array([portraits.identity(name, number).vector() for name, splits in portraits.SPLITS.items()
                       for number in range(1, sum(splits.values()) + 1)])
    assert len(people) == 488
    square = (people**2).sum(1)
    distance = np.sqrt(np.maximum(square[:, None] + square - 2 * people @ people.T, 0)) + 9 * np.eye(len(people))
    assert distance.min() > 1.0


@pytest.mark.parametrize("spread", [1.0, 2.5])
def test_every_face_keeps_its_parts_in_order(spread):
    rng = np.random.default_rng(11)
    for _ in range(100):
        face = Face(draw(rng, spread))
        nose, mouth = face.nose, face.mouth
        assert face.top_y > 15 and face.chin_y < 232
        assert nose["nasion"] < nose["tip"] < nose["base"] < mouth["upper"][:, 1].min()
        assert mouth["lower"][:, 1].max() < face.chin_y - 4
        assert (mouth["upper"][5:-5, 1] < mouth["line"][5:-5, 1]).all() and (
            mouth["line"][5:-5, 1] < mouth["lower"][5:-5, 1]
        ).all()
        assert face.hairline(0.0)[1] < face.brow(1)[0][:, 1].min() - 3
        for side in (-1, 1):
            eye = face.eye(side)
            assert (eye["upper"][1:-1, 1] < eye["lower"][1:-1, 1]).all()
            assert face.brow(side)[0][5:-5, 1].max() < eye["crease"][12, 1] + 2
            assert np.hypot(*(face.iris_centre(side) - (100 + 25 * side, EYE_LEVEL))) < 1.6
            assert 0 < face.ear(side)["rim"][:, 0].min() and face.ear(side)["rim"][:, 0].max() < 199


def test_unknown_traits_are_refused():
    with pytest.raises(KeyError, match="nose_colour"):
        Traits({"nose_colour": 1.0})
    assert Traits({"age": 0.9}).changed(age=0.1).age == 0.1


# -- pictures -------------------------------------------------------------------------------------

def test_a_portrait_is_the_same_whenever_it_is_drawn(people):
    photo, sketch = portraits.portrait("portraits-wild", portraits.SPLITS["portraits-wild"]["train"] + 4)
    assert np.array_equal(photo, people["portraits-wild"][3][0]) and np.array_equal(
        sketch, people["portraits-wild"][3][1]
    )
    assert photo.shape == (250, 200, 3) and sketch.shape == (250, 200) and photo.dtype == sketch.dtype == np.uint8


def block_means(pair) -> np.ndarray:
    """Means of 25×25 blocks of photo and sketch, one row per channel."""
    channels = np.concatenate([pair[0].transpose(2, 0, 1), pair[1][None]]).astype(float)
    return channels.reshape(4, 10, 25, 8, 25).mean((2, 4)).reshape(4, 80)


def test_pictures_are_those_of_the_committed_reference(people):
    found = np.concatenate([block_means(people[name][0]) for name in portraits.SPLITS])
    # Another platform may round a stroke into the next cell; a block mean moves by far less than this.
    np.testing.assert_allclose(found, np.loadtxt(REFERENCE, delimiter=",", encoding="utf-8"), atol=1.0)


@pytest.mark.parametrize("name", portraits.SPLITS)
def test_no_two_pictures_are_alike(people, name):
    sketches = np.array([sketch for _, sketch in people[name]], float).reshape(8, -1)
    photos = np.array([photo for photo, _ in people[name]], float).reshape(8, -1)
    for pictures in (sketches, photos):
        distance = np.sqrt(((pictures[:, None, ::7] - pictures[None, :, ::7]) ** 2).mean(-1)) + 255 * np.eye(8)
        assert distance.min() > 12


@pytest.mark.parametrize(("name", "low", "high"), [("portraits", 0.40, 0.65), ("portraits-wild", 0.35, 0.65)])
def test_photo_and_sketch_resemble_each_other_as_much_as_real_pairs(people, name, low, high):
    values = [structural_similarity(images.to_grey(photo), sketch, data_range=255, gaussian_weights=True, sigma=1.5,
                                    use_sample_covariance=False) for photo, sketch in people[name]]
    assert low < np.mean(values) < high


def test_the_right_sketch_fits_better_than_anyone_elses(people):
    def small(pictures) -> np.ndarray:
        return np.array([half_size(half_size(picture.astype(np.float32))).ravel() for picture in pictures])

    photos = small(images.to_grey(photo) for photo, _ in people["portraits"])
    sketches = small(sketch for _, sketch in people["portraits"])
    agreement = np.corrcoef(photos - photos.mean(0), sketches - sketches.mean(0))[:8, 8:]
    assert (agreement.argmax(1) == np.arange(8)).mean() >= 0.7
    assert np.diag(agreement).mean() > agreement[~np.eye(8, dtype=bool)].mean() + 0.3


def test_pictures_are_neither_blank_nor_burnt_out(people):
    for photo, sketch in (pair for pairs in people.values() for pair in pairs):
        middle = photo[90:210, 60:140]
        assert 20 < middle.mean() < 235 and photo.std() > 15
        assert 180 < np.median(sketch[:20]) < 256 and sketch.min() < 70 and 0.02 < (sketch < 128).mean() < 0.5


def test_canvas_sizes_are_inverse_and_relief_is_finite():
    ramp = np.add.outer(np.arange(8.0), 2 * np.arange(6.0)).astype(np.float32)
    np.testing.assert_allclose(half_size(double_size(ramp))[1:-1, 1:-1], ramp[1:-1, 1:-1], atol=1e-5)
    relief = Relief(Face(draw(np.random.default_rng(0), 3.0)), database.GRID)
    assert np.isfinite(relief.height).all() and np.isfinite(relief.normals).all()


# -- the cache ------------------------------------------------------------------------------------

def test_a_limit_gives_the_first_of_the_full_set_and_draws_nothing_twice(count_drawn):
    few = portraits.generate("portraits", "test", limit=3)
    more = portraits.generate("portraits", "test", limit=5)
    assert count_drawn == [89, 90, 91, 92, 93]
    assert few.names == more.names[:3] == ("p-0089", "p-0090", "p-0091")
    assert few.groups == ("portraits",) * 3
    assert np.array_equal(few.photos, more.photos[:3]) and np.array_equal(few.sketches, more.sketches[:3])
    assert len(portraits.generate("portraits", "train")) == 88
    assert portraits.generate("portraits", "train", limit=1000).names[-1] == "p-0088"


def test_a_change_of_the_code_draws_anew_and_removes_the_old(count_drawn, monkeypatch, cache):
    portraits.generate("portraits-wild", "train", limit=2)
    monkeypatch.setattr(database, "version", lambda: "another")
    portraits.generate("portraits-wild", "train", limit=2)
    assert count_drawn == [1, 2, 1, 2]
    assert [file.name for file in (cache / "portraits").glob("portraits-wild-train-*")] == [
        "portraits-wild-train-another.npy"
    ]


def test_a_damaged_cache_is_drawn_anew(count_drawn, cache, monkeypatch):
    monkeypatch.setattr(database, "version", lambda: "damaged")
    portraits.generate("portraits", "train", limit=2)
    file = cache / "portraits" / "portraits-train-damaged.npy"
    file.write_bytes(file.read_bytes()[:5000])
    portraits.generate("portraits", "train", limit=2)
    assert count_drawn == [1, 2, 1, 2]


@pytest.mark.parametrize(("arguments", "message"), [
    (("portrait", "train"), "Did you mean portraits"), (("portraits", "trian"), "Did you mean train"),
    (("portraits", "train", 0), "at least one")])
def test_wrong_names_and_limits_are_refused(arguments, message):
    with pytest.raises(StudyError, match=message):
        portraits.generate(*arguments)


# -- figures --------------------------------------------------------------------------------------

def test_a_sweep_shows_both_domains_and_knows_the_traits():
    with pytest.raises(StudyError, match="Did you mean nose_width"):
        trait_sweep("nose_widht")
    assert len(trait_sweep("age", steps=2).axes) == 4
