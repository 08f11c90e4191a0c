"""Arrays of MATLAB and NumPy in place of images: they are described, and the advice given makes the right files."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest
from scipy import io

from lib.base.errors import StudyError
from lib.base.images import list_images, read_image, write_png

FACES = np.random.default_rng(0).integers(0, 256, (3, 25, 20), dtype=np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (3, 25, 20, 3), dtype=np.uint8)


def cells(faces):
    column = np.empty((len(faces), 1), object)
    for row, face in enumerate(faces):
        column[row, 0] = face
    return column


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["results"] = np.transpose(np.moveaxis(FACES, 0, -1))
    content = path.read_bytes()
    # MATLAB puts a text block of 512 bytes in front, where HDF5 looks next.
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512, b"\0") + content)


CASES = {
    "H×W×N": ("r.mat", lambda path: io.savemat(path, {"results": np.moveaxis(FACES, 0, -1)}), FACES),
    "of many images": ("r.mat", lambda path: io.savemat(path, {"x": np.zeros((25, 20, 60), np.uint8)}), None),
    "H×W×C×N": ("r.mat", lambda path: io.savemat(path, {"results": np.moveaxis(COLOURED, 0, -1)}), COLOURED),
    "3 cells of images, 25×20": ("r.mat", lambda path: io.savemat(path, {"results": cells(FACES)}), FACES),
    "float64": ("r.mat", lambda path: io.savemat(path, {"im": np.moveaxis(FACES, 0, -1) / 255}), FACES),
    "25×20×3": ("r.mat", hdf5, FACES),
    "N×H×W": ("r.npy", lambda path: np.save(path, FACES), FACES),
    "N×H×W×C": ("r.npy", lambda path: np.save(path, COLOURED), COLOURED),
    "results (3×25×20 uint8": ("r.npz", lambda path: np.savez(path, results=FACES), FACES),
}


@pytest.mark.parametrize("told", CASES)
def test_the_advice_on_arrays_makes_the_images(tmp_path, told):
    name, write, faces = CASES[told]
    (tmp_path / "results").mkdir()
    write(tmp_path / "results" / name)
    with pytest.raises(StudyError) as caught:
        list_images(tmp_path / "results")
    text = str(caught.value)
    assert "holds no images" in text and name in text and (told in text or faces is None)
    if faces is None:
        assert "25×20×60" in text
        return
    (tmp_path / "OUT").mkdir()
    for person in ("a", "b", "c"):
        write_png(tmp_path / "PARTNERS" / f"{person}.png", FACES[0])
    program = "\n".join(line.strip() for line in text.splitlines()[1:])
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    for person, face in zip("abc", faces):
        assert (read_image(tmp_path / "OUT" / f"{person}.png") == face).all()


def test_arrays_that_cannot_be_read_execute_nothing(tmp_path):
    """A pickled object in a .npy would run on loading; it is told as what cannot be read."""
    class Forged:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    np.save(tmp_path / "r.npy", np.array([Forged()], dtype=object), allow_pickle=True)
    with pytest.raises(StudyError, match="r.npy, which cannot be read"):
        list_images(tmp_path)
    assert not (tmp_path / "executed").exists()
    (tmp_path / "r.npy").write_bytes(b"no array")
    with pytest.raises(StudyError, match="r.npy, which cannot be read"):
        list_images(tmp_path)


def test_folders_and_archives_instead_of_images_are_told(tmp_path):
    (tmp_path / "faces.zip").write_bytes(b"")
    with pytest.raises(StudyError, match="There is faces.zip: unpack it"):
        list_images(tmp_path)
    (tmp_path / "faces.zip").unlink()
    write_png(tmp_path / "epoch200" / "1.png", FACES[0])
    with pytest.raises(StudyError, match="Its folders epoch200 do: give one"):
        list_images(tmp_path)
