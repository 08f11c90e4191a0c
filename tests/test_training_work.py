"""What trainings take: updates and operations against numbers worked out by hand, rows kept."""

from __future__ import annotations

import shutil

import pytest
import torch

from lib.__main__ import main
from lib.base import paths
from lib.base.errors import StudyError
from lib.findings import training_work
from lib.training.plans import plan


def test_equal_epochs_are_not_equal_updates():
    """CUFS has 268 training pairs: in 400 epochs 107,200 updates of CycleGAN, 18,400 of DRIT."""
    cyclegan, drit = (plan("tiny", name) for name in ("cyclegan", "drit"))
    networks = drit.create(drit.settings, torch.device("cpu"), training=False)
    batches = 268 // drit.settings.batch
    assert 400 * networks.generator_updates(batches) == 18_400
    steps, updates, _ = training_work.work("tiny", "cyclegan", 268)
    assert steps == updates == 268 * cyclegan.settings.epochs


def test_operations_are_those_of_the_layers():
    """FCN's convolutions, forward, towards the weights and, but for the first layer, towards what came in."""
    settings = plan("tiny", "fcn").settings
    trainable = plan("tiny", "fcn").create(settings, torch.device("cpu"))
    expected = 0
    for network in trainable.generators.values():
        layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
        sizes = {}
        for layer in layers:
            layer.register_forward_hook(lambda layer, given, made, sizes=sizes: sizes.update({layer: made.shape}))
        trainable.translate("photo-to-sketch" if not expected else "sketch-to-photo",
                            torch.zeros(1, 3, settings.size, settings.size))
        for place, layer in enumerate(layers):
            products = sizes[layer][2] * sizes[layer][3] * layer.weight.numel()
            expected += 2 * products * (2 if place == 0 else 3)
    steps, _, operations = training_work.work("tiny", "fcn", 8)
    assert operations * 1e12 == pytest.approx(expected * steps * settings.batch)


def test_rows_are_kept_and_a_study_without_trainings_says_so(tmp_path, monkeypatch, capsys):
    committed = paths.run_folder("cpu", "cuhk-student", "fcn", 0)
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="records --profile cpu --database cuhk-student --work"):
        training_work.of_study("cpu", "cuhk-student")
    with pytest.raises(StudyError, match="no training"):
        training_work.write("cpu", "cuhk-student")
    shutil.copytree(committed, paths.run_folder("cpu", "cuhk-student", "fcn", 0))
    file = training_work.write("cpu", "cuhk-student")
    written = file.read_text(encoding="utf-8")
    # Rows that are there are not counted anew.
    file.write_text(written.replace(",2112,2112,", ",7,7,"), encoding="utf-8")
    training_work.write("cpu", "cuhk-student")
    assert training_work.of_study("cpu", "cuhk-student").steps.item() == 7
    assert main(["records", "--work"]) == 2 and "--profile" in capsys.readouterr().err
