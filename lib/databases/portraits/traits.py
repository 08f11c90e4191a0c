"""Who a person is: about seventy continuous traits drawn from plausible, correlated ranges.

Four latent variables (age, masculinity, fullness, depth of complexion) pull the other traits along, so
that a heavy brow comes with a wide jaw more often than not and grey hair with wrinkles; the rest of each
trait is independent.  A person is the vector of trait values and nothing else: both domains are drawn
from it.  The ranges follow the proportions of adult faces (Farkas' facial anthropometry in round
figures) at an interocular distance of 50 px; everything about their spread is our own choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

LATENTS = ("age", "masculinity", "fullness", "complexion")

# name: (lowest, highest, what moves as it grows, {latent: share of the trait that follows it}).
# A range of -1 … 1 counts from the average person; 0 … 1 is an amount or a position.
TRAITS: Mapping[str, tuple[float, float, str, dict[str, float]]] = MappingProxyType({
    "age": (0, 1, "from about 18 to about 75 years", {"age": 1.0}),
    "masculinity": (-1, 1, "secondary sexual characters", {"masculinity": 1.0}),
    "fullness": (-1, 1, "soft tissue of cheeks, jaw and neck", {"fullness": 1.0}),
    "complexion": (0, 1, "skin from pale to deep", {"complexion": 1.0}),
    # head
    "head_width": (-1, 1, "breadth of the skull", {"fullness": 0.2}),
    "head_height": (-1, 1, "height of the crown above the eyes", {}),
    "eye_distance": (-1, 1, "distance of the eyes relative to the head", {}),
    "temple_width": (-1, 1, "breadth at the temples", {}),
    "cheekbone_width": (-1, 1, "breadth at the cheekbones", {"fullness": 0.3}),
    "jaw_width": (-1, 1, "breadth at the angle of the jaw", {"masculinity": 0.5, "fullness": 0.5}),
    "jaw_height": (-1, 1, "how low the angle of the jaw sits", {"masculinity": 0.3}),
    "chin_width": (-1, 1, "breadth of the chin", {"masculinity": 0.5}),
    "chin_length": (-1, 1, "distance from mouth to chin", {"masculinity": 0.4}),
    "chin_cleft": (0, 1, "dimple of the chin", {"masculinity": 0.3}),
    "asymmetry": (-1, 1, "left side larger than the right", {}),
    "line_phase": (-1, 1, "where the lines of the forehead rise and fall", {}),
    # eyes
    "eye_width": (-1, 1, "length of the lid opening", {"masculinity": -0.2}),
    "eye_opening": (-1, 1, "height of the lid opening", {"masculinity": -0.3, "age": -0.3}),
    "eye_tilt": (-1, 1, "outer corner above the inner one", {"masculinity": -0.2, "age": -0.2}),
    "eye_depth": (-1, 1, "depth of the socket", {"masculinity": 0.4}),
    "lid_fold": (-1, 1, "height of the crease above the upper lid", {}),
    "eye_bags": (0, 1, "pouches under the eyes", {"age": 0.7, "fullness": 0.2}),
    "iris_size": (-1, 1, "radius of the iris", {}),
    "iris_light": (0, 1, "iris from dark brown to pale", {"complexion": -0.6}),
    "iris_hue": (0, 1, "pale irises from green to blue", {}),
    # brows
    "brow_height": (-1, 1, "distance from eye to brow", {"masculinity": -0.4}),
    "brow_arch": (-1, 1, "curvature of the brow", {"masculinity": -0.4}),
    "brow_tilt": (-1, 1, "outer end above the inner one", {}),
    "brow_thickness": (-1, 1, "height of the brow", {"masculinity": 0.6}),
    "brow_length": (-1, 1, "length of the brow", {}),
    "brow_density": (0, 1, "hairs of the brow", {"masculinity": 0.3}),
    # nose
    "nose_length": (-1, 1, "distance from eye to base of the nose", {"masculinity": 0.3, "age": 0.2}),
    "nose_width": (-1, 1, "distance between the wings", {"masculinity": 0.3, "complexion": 0.3}),
    "nose_bridge": (-1, 1, "breadth of the bridge", {"masculinity": 0.2}),
    "nose_height": (-1, 1, "how far the nose stands out", {"masculinity": 0.2}),
    "nose_tip": (-1, 1, "size of the tip", {"age": 0.2, "fullness": 0.2}),
    "nose_turn": (-1, 1, "tip turned up, nostrils in view", {"masculinity": -0.3}),
    "nose_bend": (-1, 1, "bridge bent to one side", {}),
    # mouth
    "mouth_width": (-1, 1, "distance between the corners", {"masculinity": 0.2}),
    "mouth_height": (-1, 1, "how low the mouth sits", {}),
    "mouth_curve": (-1, 1, "corners raised", {"age": -0.3}),
    "upper_lip": (-1, 1, "height of the upper lip", {"age": -0.4, "complexion": 0.3}),
    "lower_lip": (-1, 1, "height of the lower lip", {"age": -0.3, "complexion": 0.3}),
    "cupids_bow": (0, 1, "depth of the notch of the upper lip", {"masculinity": -0.2}),
    "lip_colour": (0, 1, "redness of the lips", {"masculinity": -0.5}),
    # cheeks, lines, skin
    "cheek_fullness": (-1, 1, "round rather than hollow cheeks", {"fullness": 0.7, "age": -0.2}),
    "nasolabial": (0, 1, "fold from nose to mouth corner", {"age": 0.7}),
    "forehead_lines": (0, 1, "horizontal lines of the forehead", {"age": 0.8}),
    "crows_feet": (0, 1, "lines beside the eyes", {"age": 0.8}),
    "ruddiness": (0, 1, "blood in cheeks and nose", {"complexion": -0.3}),
    "undertone": (-1, 1, "yellow rather than pink skin", {"complexion": 0.2}),
    "freckles": (0, 1, "density of freckles", {"complexion": -0.4}),
    "moles": (0, 1, "number of moles", {"age": 0.2}),
    "pores": (0, 1, "roughness of the skin", {"age": 0.5, "masculinity": 0.2}),
    # ears, neck, clothes
    "ear_size": (-1, 1, "length of the ears", {"age": 0.3}),
    "ear_spread": (-1, 1, "ears standing off", {"masculinity": 0.2}),
    "ear_height": (-1, 1, "how high the ears sit", {}),
    "neck_width": (-1, 1, "breadth of the neck", {"masculinity": 0.6, "fullness": 0.3}),
    "shoulders": (-1, 1, "height of the shoulders", {"masculinity": 0.2}),
    "collar": (0, 1, "crew neck, V-neck, shirt, jacket, turtleneck", {}),
    "cloth_hue": (0, 1, "hue of the clothes", {}),
    "cloth_light": (0, 1, "lightness of the clothes", {}),
    # hair of the head
    "cut": (0, 1, "position in the list of cuts of that sex", {}),
    "hair_length": (-1, 1, "longer than the cut asks for", {"masculinity": -0.2}),
    "hair_volume": (-1, 1, "thickness of the hair on the head", {"age": -0.3}),
    "hair_part": (-1, 1, "place of the parting, left to right", {}),
    "hairline": (-1, 1, "height of the hairline", {"age": 0.4, "masculinity": 0.2}),
    "recession": (0, 1, "receding temples", {"age": 0.5, "masculinity": 0.6}),
    "hair_wave": (0, 1, "from straight to wavy", {}),
    "hair_curl": (0, 1, "from wavy to coiled", {"complexion": 0.6}),
    "hair_dark": (0, 1, "from blond to black", {"complexion": 0.65}),
    "hair_red": (0, 1, "red pigment", {"complexion": -0.3}),
    "hair_grey": (0, 1, "share of grey hair", {"age": 0.9}),
    "hair_shine": (0, 1, "gloss of the hair", {"age": -0.2}),
    # facial hair, glasses
    "beard": (0, 1, "none, stubble, moustache, goatee, full beard", {"masculinity": 0.2, "age": 0.1}),
    "beard_length": (0, 1, "length of a beard", {}),
    "glasses": (0, 1, "worn above 0.78", {"age": 0.3}),
    "frame_size": (-1, 1, "size of the lenses", {}),
    "frame_shape": (0, 1, "lenses from round to rectangular", {}),
    "frame_weight": (0, 1, "thickness of the frame", {}),
})


class Traits(dict):
    """Trait values by name, also readable as attributes; missing names take the average."""

    def __init__(self, values: Mapping[str, float] = MappingProxyType({})):
        average = {name: (low + high) / 2 for name, (low, high, _, _) in TRAITS.items()}
        unknown = set(values) - set(TRAITS)
        if unknown:
            raise KeyError(f"unknown traits: {', '.join(sorted(unknown))}")
        super().__init__(average | {name: float(value) for name, value in values.items()})

    def __getattr__(self, name: str) -> float:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def changed(self, **values: float) -> "Traits":
        """A copy with some traits set to other values."""
        return Traits({**self, **values})

    def vector(self) -> np.ndarray:
        """All traits scaled to 0 … 1, in the order of ``TRAITS``."""
        return np.array([(self[name] - low) / (high - low) for name, (low, high, _, _) in TRAITS.items()])


def draw(rng: np.random.Generator, spread: float = 1.0) -> Traits:
    """Draw one person.

    Each trait is the logistic image of a normal variable whose stated shares follow the latents;
    ``spread`` above 1 gives more extreme people (used to look for degenerate faces).
    """
    latent = dict(zip(LATENTS, rng.standard_normal(len(LATENTS)) - (0.45, 0, 0, 0.25), strict=True))
    latent["masculinity"] = np.sign(latent["masculinity"]) * (0.7 + 0.5 * abs(latent["masculinity"]))  # two humps
    noise = rng.standard_normal(len(TRAITS))
    values = {}
    for (name, (low, high, _, shares)), own in zip(TRAITS.items(), noise, strict=True):
        rest = np.sqrt(max(0.0, 1 - sum(share**2 for share in shares.values())))
        normal = spread * (sum(share * latent[key] for key, share in shares.items()) + rest * own)
        values[name] = low + (high - low) / (1 + np.exp(-1.5 * normal))
    values["age"] = values["age"] ** 1.25  # more young than old
    for name in ("cut", "collar", "cloth_hue", "cloth_light", "frame_shape", "frame_weight", "iris_hue"):
        values[name] = rng.random()  # positions in a list: every place equally likely
    return Traits(values)
