"""What self-attention does with one face after another, as numbers: the quantities of ``attention.csv``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.evaluation.attention import measures
from lib.evaluation.attention.observing import SARBS, SOFTMAXES, Block, attention_off, observe
from lib.training.tensors import to_tensor
from lib.training.translate import Translator

# What each quantity is, for a reader of the table.
QUANTITIES = {
    "alpha": "α, learned scale of the position attention (Eq. 8)",
    "beta": "β, learned scale of the channel attention (Eq. 10)",
    "position_entropy": "entropy of the rows of μ over log N, mean over positions: 1 uniform, 0 one-hot",
    "position_entropy_lowest": "the same, of the position with the sharpest row",
    "position_entropy_single": "the same logits after one softmax, mean over positions",
    "position_entropy_double": "the same logits after two softmaxes, as printed in Eq. 6 and 7, mean over positions",
    "position_ratio_double": "largest over smallest weight of a row after two softmaxes, largest over positions",
    "position_effective": "2^entropy: how many equally weighted positions a row amounts to, mean over positions",
    "position_dependence": "how much the rows of μ differ, over log N: 0 all equal (pooling), 1 each another position",
    "channel_entropy": "entropy of the rows of x over log C, mean over channels",
    "channel_effective": "2^entropy of the rows of x, mean over channels",
    "channel_self": "weight of a channel on itself, mean over channels",
    "position_share": "‖α·attended‖ / ‖M‖: what position attention adds, beside its input (Frobenius norms)",
    "position_varying_share": "the same of what is added beyond the same vector at every position",
    "channel_share": "‖β·attended‖ / ‖M‖: what channel attention adds, beside its input",
    "unit_share": "‖unit's output - M‖ / ‖M‖: all that the unit of Eq. 11 adds, its convolutions included",
    "sarb_share": "‖unit's output‖ / ‖SARB's input‖: what the SARB adds to what passes through its global skip (Eq. 5)",
    "off": "mean absolute change of the output, in grey levels, when α = β = 0",
    "off_alpha": "the same when α = 0 alone",
    "off_beta": "the same when β = 0 alone",
}


def measure(translator: Translator, direction: str, faces: np.ndarray) -> pd.DataFrame:
    """Every quantity of ``QUANTITIES`` for uint8 faces (n, H, W[, 3]) of the source domain.

    Returns columns face (0 … n-1), sarb (``1`` … ``4``, ``all``), quantity, value.  Raises StudyError as ``observe``.
    """
    rows = []
    for number, face in enumerate(faces):
        for i, block in zip(SARBS, observe(translator, direction, face).blocks):
            rows += [(number, str(i), name, value) for name, value in _of_block(block).items()]
        rows += [(number, *row) for row in _effects(translator, direction, face)]
    return pd.DataFrame(rows, columns=["face", "sarb", "quantity", "value"])


def _of_block(block: Block) -> dict[str, float]:
    def share(part: np.ndarray, whole: np.ndarray = block.entering) -> float:
        return float(np.linalg.norm(part) / np.linalg.norm(whole))  # Frobenius

    mu, x = block.weights(), block.channel_weights
    entropies = measures.normalised_entropy(mu)
    twice = block.weights("double")
    added = block.position_added
    return {
        "alpha": block.alpha, "beta": block.beta,
        "position_entropy": float(entropies.mean()), "position_entropy_lowest": float(entropies.min()),
        **{f"position_entropy_{form}": float(measures.normalised_entropy(block.weights(form)).mean())
           for form in SOFTMAXES},
        "position_ratio_double": float((twice.max(axis=1) / twice.min(axis=1)).max()),
        "position_effective": float(measures.effective_number(mu).mean()),
        "position_dependence": measures.dependence(mu),
        "channel_entropy": float(measures.normalised_entropy(x).mean()),
        "channel_effective": float(measures.effective_number(x).mean()),
        "channel_self": float(np.diag(x).mean()),
        "position_share": share(added), "position_varying_share": share(added - added.mean(axis=(1, 2), keepdims=True)),
        "channel_share": share(block.channel_added), "unit_share": share(block.unit - block.entering),
        "sarb_share": share(block.unit, block.features - block.unit)}


def _effects(translator: Translator, direction: str, face: np.ndarray) -> list[tuple[str, str, float]]:
    """(sarb, quantity, grey levels) of switching attention off, before rounding to 8 bits, at the network's size."""
    source = to_tensor(face[None], translator.settings).to(translator.trainable.device)

    def translated() -> np.ndarray:
        return 127.5 * translator.trainable.translate(direction, source).float().cpu().numpy()  # tanh's range → 255

    trained = translated()
    switches = [(str(i), "off", {"sarbs": (i,)}) for i in SARBS]
    switches += [("all", "off", {}), ("all", "off_alpha", {"beta": False}), ("all", "off_beta", {"alpha": False})]
    rows = []
    for sarb, quantity, options in switches:
        with attention_off(translator, direction, **options):
            rows.append((sarb, quantity, float(np.abs(translated() - trained).mean())))
    return rows


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """``measure``'s table → columns sarb, quantity, mean, sd (over faces, n - 1; NaN for one face), faces."""
    grouped = table.groupby(["sarb", "quantity"], sort=False)["value"]
    return grouped.agg(mean="mean", sd="std", faces="count").reset_index()
