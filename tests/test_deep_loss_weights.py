"""Every loss weight of a deep rival's settings weighs its own term, and no other: totals of one step by hand.

The oracles know the authors' weights alone, which repeat themselves (10 and 10, 1 and 1); here no two are alike.
"""

from __future__ import annotations

import re

import deep_checks as checks
import pytest
import torch

from lib.rivals.deep.cyclegan import CycleGan, CycleGanSettings
from lib.rivals.deep.drit import Drit, DritSettings
from lib.rivals.deep.pix2pix import Pix2Pix, Pix2PixSettings
from lib.rivals.deep.ps2man import Ps2man, Ps2manSettings
from lib.rivals.deep.u_gat_it import UGatIt, UGatItSettings

# System, its settings, weights, and for each total's name the terms in it: a pattern and the product of weights.
CASES = {
    "cyclegan": (CycleGan, CycleGanSettings, dict(adversarial_weight=2.0, cycle_weight=3.0, identity_share=0.7), {
        "generator/total": {"generator/adversarial": 2, "generator/cycle": 3, "generator/identity": 2.1}}),
    "pix2pix": (Pix2Pix, Pix2PixSettings, dict(adversarial_weight=2.0, l1_weight=3.0), {
        f"{d}/generator/total": {f"{d}/generator/adversarial": 2, f"{d}/generator/l1": 3}
        for d in ("photo-to-sketch", "sketch-to-photo")}),
    "ps2man": (Ps2man, Ps2manSettings,
               dict(form="described", adversarial_weight=2.0, synthesis_weight=3.0, cycle_weight=5.0), {
                   "generator/total": {"generator/adversarial": 2, "generator/synthesis": 3, "generator/cycle": 5}}),
    "u-gat-it": (UGatIt, UGatItSettings, dict(adversarial_weight=2.0, cycle_weight=3.0, identity_weight=5.0,
                                              cam_weight=7.0), {
        "discriminator/total": {"discriminator/(attention_)?adversarial": 2},
        "generator/total": {"generator/(attention_)?adversarial": 2, "generator/cycle": 3, "generator/identity": 5,
                            "generator/cam": 7}}),
    "drit": (Drit, DritSettings, dict(
        content_period=1, adversarial_weight=2.0, content_adversarial_weight=3.0, cross_cycle_weight=5.0,
        self_reconstruction_weight=7.0, kl_weight=0.11, l2_content_weight=0.13, latent_regression_weight=17.0,
        mode_seeking_weight=0.19), {
        "generator_pass1/total": {"generator_pass1/adversarial": 2, "generator_pass1/content_adversarial": 3,
                                  "generator_pass1/cross_cycle": 5, "generator_pass1/self_reconstruction": 7,
                                  "generator_pass1/kl": 0.11, "generator_pass1/l2_content": 0.13},
        "generator_pass2/total": {"generator_pass2/adversarial": 2, "generator_pass2/latent_regression": 17,
                                  "generator_pass2/mode_seeking": 0.19}}),
}


@pytest.mark.parametrize("name", CASES)
def test_totals_are_the_weighted_terms(name):
    system, settings, changes, totals = CASES[name]
    torch.manual_seed(0)
    trainable = checks.prepared(system(settings.at("tiny", precision="fp32", width=2, **changes), torch.device("cpu")))
    losses = checks.take_steps(trainable, 0, 1)
    for total, weights in totals.items():
        group = total.removesuffix("total")
        terms = [term for term in losses if term.startswith(group) and "total" not in term]
        of_term = {term: [weight for pattern, weight in weights.items() if re.match(pattern, term)] for term in terms}
        assert terms and all(len(found) == 1 for found in of_term.values()), of_term
        expected = sum(weight * losses[term].item() for term, (weight,) in of_term.items())
        assert losses[total].item() == pytest.approx(expected, rel=1e-5)
