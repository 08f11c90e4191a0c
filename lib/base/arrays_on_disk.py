"""Images that come as arrays of MATLAB or NumPy: what is in such a file, and how to make image files of it.

They are described and not read: an array has no names, and images are paired by name alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

_MOST = 6  # variables that are named


def advice(file: Path) -> str:
    """What an array file holds and a command that writes its images as files; begins with a space."""
    try:
        found = _variables(file)
    except Exception as error:  # damaged and foreign files fail in many ways, and this is advice only
        return f" There is {file.name}, which cannot be read ({str(error).splitlines()[0] if str(error) else error!r})."
    told = ", ".join(f"{name} ({kind})" for name, kind, _ in found[:_MOST])
    text = (f" There is {file.name} with {told or 'nothing inside'}: arrays have no names, and images are paired by "
            "name. Write each image to a file called like its partner.")
    name, way = next(((name, way) for name, _, way in found if way), ("", ""))
    if not way:
        return text
    return (f"{text} In Python, if their order is that of the sorted partners in PARTNERS/:\n"
            f"  {_loading(file, name)}\n  from pathlib import Path; from PIL import Image\n"
            f"  for k, p in enumerate(sorted(Path('PARTNERS').iterdir())): "
            f"Image.fromarray({way}).save(f'OUT/{{p.stem}}.png')")


def _variables(file: Path) -> list[tuple[str, str, str]]:
    """Name, description and the expression of image k as uint8 of every variable."""
    if file.suffix.lower() == ".mat":
        return [(name, *_described(array, matlab=True)) for name, array in _of_matlab(file).items()]
    loaded = np.load(file, allow_pickle=False, mmap_mode="r" if file.suffix.lower() == ".npy" else None)
    if isinstance(loaded, np.ndarray):
        return [("", *_described(loaded))]
    return [(name, *_described(loaded[name])) for name in loaded.files]


def _is_hdf5(file: Path) -> bool:
    """Whether a .mat file is one of MATLAB 7.3, which only HDF5's library reads."""
    with open(file, "rb") as stream:
        return b"MATLAB 7.3" in stream.read(128)


def _of_matlab(file: Path) -> dict[str, np.ndarray]:
    if _is_hdf5(file):
        import h5py
        with h5py.File(file, "r") as content:  # holds MATLAB's arrays with their axes reversed
            return {name: np.transpose(node[()]) for name, node in content.items()
                    if isinstance(node, h5py.Dataset) and node.dtype.kind in "uif"}
    from scipy import io
    return {name: value for name, value in io.loadmat(file).items() if isinstance(value, np.ndarray)}


def _described(array: np.ndarray, matlab: bool = False) -> tuple[str, str]:
    """What an array is, and the expression of its image k as uint8, empty for what holds no images.

    Which axis counts the images is a guess: the last in MATLAB, else the one outside the two that are most alike.
    """
    shape = "×".join(map(str, array.shape))
    scaled = "(255 * {}).round().clip(0, 255).astype('uint8')" if _is_unit(array) else "{}"
    if array.dtype == object and array.size and all(np.ndim(cell) in (2, 3) for cell in array.flat):
        cells = {np.shape(cell) for cell in array.flat}
        inside = "×".join(map(str, cells.pop())) if len(cells) == 1 else "several sizes"
        return f"{array.size} cells of images, {inside}", scaled.format("x.ravel()[k]")
    kind = f"{shape} {array.dtype}"
    if array.ndim == 3:
        first, second, third = array.shape
        last = matlab or abs(np.log(max(first, 1) / max(second, 1))) < abs(np.log(max(second, 1) / max(third, 1)))
        return f"{kind}, {'H×W×N' if last else 'N×H×W'} by its sizes", scaled.format("x[:, :, k]" if last else "x[k]")
    if array.ndim == 4:
        last = matlab or array.shape[2] in (1, 3)
        return (f"{kind}, {'H×W×C×N' if last else 'N×H×W×C'} by its sizes",
                scaled.format("x[:, :, :, k].squeeze()" if last else "x[k].squeeze()"))
    return kind, ""


def _is_unit(array: np.ndarray) -> bool:
    """Whether values are numbers from 0 to 1, as MATLAB's im2double leaves them."""
    first = array.flat[0] if array.dtype == object and array.size else array
    first = np.asarray(first)
    return first.dtype.kind == "f" and first.size > 0 and float(np.max(first)) <= 1


def _loading(file: Path, name: str) -> str:
    if file.suffix.lower() == ".mat" and _is_hdf5(file):
        return f"import h5py, numpy; x = numpy.transpose(h5py.File({str(file)!r})[{name!r}][()])"
    if file.suffix.lower() == ".mat":
        return f"import scipy.io; x = scipy.io.loadmat({str(file)!r})[{name!r}]"
    return f"import numpy; x = numpy.load({str(file)!r})" + (f"[{name!r}]" if name else "")
