"""Training: killed and resumed to the same bits, damaged or foreign checkpoints refused, disk full survived."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import made_up_faces, plan_with

from lib.base.errors import StudyError
from lib.model.msg_sarl import MsgSarl
from lib.training import checkpoints, devices, loop
from lib.training.translate import Translator, translate_folder

pytestmark = pytest.mark.trains

SCRIPT = """
import sys, dataclasses, pathlib
sys.path.insert(0, {tests!r})
from conftest import PRECISION, made_up_faces, plan_with
from lib.model.settings import MsgSarlSettings
from lib.training import loop
settings = dataclasses.replace(MsgSarlSettings.at("tiny"), width=8, epochs=3, precision=PRECISION)
loop.train(plan_with(settings), made_up_faces(4), pathlib.Path(sys.argv[1]), 5, checkpoint_seconds=0)
"""


ROW = torch.tensor([[0], [0]])  # of photos and of sketches


def start(folder, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(tests=os.path.dirname(__file__)), encoding="utf-8")
    return subprocess.Popen([sys.executable, str(script), str(folder)], env={**os.environ, "OMP_NUM_THREADS": "1"})


def weights(folder):
    return checkpoints.load(folder / "checkpoint.pt")["method"]["generators"]


def test_killed_and_resumed_run_ends_in_the_same_bits(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    beside = start(whole, tmp_path)
    reached = []
    for _ in range(2):
        process, path = start(killed, tmp_path), killed / "checkpoint.pt"
        begun = path.stat().st_mtime_ns if path.exists() else 0
        # Two checkpoints of this process, then SIGKILL in the middle of a later step.
        seen = set()
        while len(seen) < 2 and process.poll() is None:
            if path.exists() and path.stat().st_mtime_ns > begun:
                seen.add(path.stat().st_mtime_ns)
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        contents = checkpoints.load(path)
        reached.append(contents.get("epoch", 3) * 4 + contents.get("step", 0))
    assert 0 < reached[0] < 12, "the first kill must fall inside the run"
    assert start(killed, tmp_path).wait(timeout=300) == 0 and beside.wait(timeout=300) == 0

    ours, theirs = weights(killed), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    logs = [pd.read_csv(folder / "log.csv", encoding="utf-8").drop(columns="seconds") for folder in (killed, whole)]
    pd.testing.assert_frame_equal(*logs, check_exact=True)


@pytest.fixture
def run(tmp_path, settings, faces):
    settings = dataclasses.replace(settings, epochs=1)
    loop.train(plan_with(settings), faces, tmp_path / "run", 0)
    return tmp_path / "run", settings, faces


def test_every_step_is_reported(tmp_path, settings, faces):
    """For whoever shows how far a run is; the bar itself is switched off in tests and in processes side by side."""
    said = []
    loop.train(plan_with(settings), faces, tmp_path, 0, report=lambda done, steps: said.append((done, steps)))
    assert said == [(step, 8) for step in range(1, 9)]  # two epochs of four pairs


def test_finished_run_is_returned_as_it_is_and_its_record_is_complete(run):
    folder, settings, faces = run
    before = (folder / "checkpoint.pt").stat().st_mtime_ns
    record = loop.train(plan_with(settings), faces, folder, 0)
    assert (folder / "checkpoint.pt").stat().st_mtime_ns == before
    assert record == json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["learning_rate"] == 1e-3 and record["versions"]["torch"] and record["data"]


def test_checkpoint_of_other_settings_data_or_seed_is_refused(run):
    folder, settings, faces = run
    other = dataclasses.replace(settings, fusion="shared")
    for change in ({"settings": other}, {"seed": 1}, {"faces": made_up_faces(4, 9)}):
        arguments = {"settings": settings, "faces": faces, "seed": 0, **change}
        with pytest.raises(StudyError, match="belongs to another run"):
            loop.train(plan_with(arguments["settings"]), arguments["faces"], folder, arguments["seed"])
    with pytest.raises(StudyError, match="fusion: separate there, shared now"):
        loop.train(plan_with(other), faces, folder, 0)


def test_damaged_and_malicious_checkpoints_are_refused(run, tmp_path):
    folder, *_ = run
    whole = (folder / "checkpoint.pt").read_bytes()
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(StudyError, match="damaged.pt: cannot be read"):
        checkpoints.load(damaged)

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'executed'}",)

    malicious = tmp_path / "malicious.pt"
    torch.save({"format": 1, "settings": Bomb()}, malicious)
    with pytest.raises(StudyError, match="malicious.pt: refused"):
        checkpoints.load(malicious)
    malicious.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(StudyError, match="malicious.pt"):
        checkpoints.load(malicious)
    assert not (tmp_path / "executed").exists()

    foreign = tmp_path / "foreign.pt"
    torch.save({"state_dict": {"w": torch.zeros(1)}}, foreign)
    with pytest.raises(StudyError, match="not a checkpoint of this study"):
        Translator(foreign)


def test_full_disk_is_reported_and_the_old_checkpoint_stays(tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoints.save(path, {"settings": {}, "weights": torch.zeros(10)})
    code = ("import resource, sys, torch; from lib.training import checkpoints; from lib.base.errors import "
            "StudyError\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "try: checkpoints.save(sys.argv[1], {'settings': {}, 'weights': torch.zeros(100000)})\n"
            "except StudyError as error: print(error)")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, encoding="utf-8", timeout=120)
    assert "cannot be written" in done.stdout and "earlier results are untouched" in done.stdout, done.stderr
    assert checkpoints.load(path)["weights"].shape == (10,)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_state_of_a_run_on_cuda_goes_on_on_a_cpu(settings):
    """On CUDA the rate is a tensor and Adam capturable; a CPU keeps its own options and takes the moments over."""
    torch.manual_seed(0)
    method = MsgSarl(settings, torch.device("cpu"))
    method.prepare(torch.rand(1, 3, 32, 32) * 2 - 1, torch.rand(1, 1, 32, 32) * 2 - 1)
    method.step(*ROW)
    state = copy.deepcopy(method.state())
    for optimiser in state["optimisers"]:
        for group in optimiser["param_groups"]:
            group.update(lr=torch.tensor(0.5), capturable=True)
    other = MsgSarl(settings, torch.device("cpu"))
    other.load_state(state)
    other.prepare(method.images["photo-to-sketch"], method.images["sketch-to-photo"])
    for either in (method, other):
        either.set_progress(0, 0, 1)
        either.step(*ROW)
    pairs = zip(method.generators.parameters(), other.generators.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert all(group["lr"] == 1e-3 and not group["capturable"] for o in other.optimisers for group in o.param_groups)


def test_training_learns_made_up_pairs(tmp_path, settings):
    """A few epochs must bring the perceptual loss of pairs that can be learnt clearly down."""
    settings = dataclasses.replace(settings, epochs=8, schedule="constant")
    loop.train(plan_with(settings), made_up_faces(4), tmp_path, 0)
    log = pd.read_csv(tmp_path / "log.csv", encoding="utf-8")["photo-to-sketch/perceptual"]
    assert log.iloc[-1] < 0.6 * log.iloc[0]


def test_translation_is_deterministic_independent_of_batch_and_keeps_sizes(run):
    folder, _, faces = run
    translator = Translator(folder / "checkpoint.pt")
    together = translator("photo-to-sketch", faces.photos)
    assert together.shape == (4, 250, 200) and together.dtype == np.uint8
    anew = Translator(folder / "checkpoint.pt")
    alone = np.stack([anew("photo-to-sketch", photo[None])[0] for photo in faces.photos])
    np.testing.assert_array_equal(together, alone)
    assert translator("sketch-to-photo", faces.sketches).shape == (4, 250, 200, 3)
    with pytest.raises(StudyError, match="photo-to-sketch"):
        translator("photo-to-sketh", faces.photos)


def test_translating_a_folder_writes_pngs_and_loses_nothing_on_a_bad_file(run, tmp_path):
    from lib.base import images

    folder, _, faces = run
    source, output = tmp_path / "photos", tmp_path / "out"
    for name, photo in zip(faces.names, faces.photos):
        images.write_png(source / f"{name}.png", photo)
    images.write_png(source / "grey.png", faces.sketches[0])  # a grey photo is three equal channels
    assert translate_folder(folder / "checkpoint.pt", source, output, "photo-to-sketch") == 5
    assert images.read_image(output / "grey.png").shape == (250, 200)
    (source / "more.png").write_bytes((source / "grey.png").read_bytes())
    stamps = {file: file.stat().st_mtime_ns for file in output.iterdir()}
    with pytest.raises(StudyError, match="5 of 6 outputs are there already(.|\n)*face-00.png"):
        translate_folder(folder / "checkpoint.pt", source, output, "photo-to-sketch")
    (source / "broken.png").write_bytes(b"\x89PNG")
    with pytest.raises(StudyError, match="broken.png"):
        translate_folder(folder / "checkpoint.pt", source, output, "photo-to-sketch")
    assert stamps == {file: file.stat().st_mtime_ns for file in output.iterdir()}


def test_an_input_is_never_overwritten_and_an_unfinished_network_says_so(run, tmp_path, capsys):
    from lib.base import images

    folder, _, faces = run
    images.write_png(tmp_path / "me.png", faces.photos[0])
    before = (tmp_path / "me.png").read_bytes()
    for source, words in ((tmp_path, "would lie among them"), (tmp_path / "me.png", "overwritten(.|\n)*me.png")):
        with pytest.raises(StudyError, match=words):
            translate_folder(folder / "checkpoint.pt", source, tmp_path, "photo-to-sketch")
    assert (tmp_path / "me.png").read_bytes() == before
    contents = checkpoints.load(folder / "checkpoint.pt")
    checkpoints.save(tmp_path / "half.pt", {**contents, "finished": False})
    assert translate_folder(tmp_path / "half.pt", tmp_path / "me.png", tmp_path / "out", "photo-to-sketch") == 1
    assert "half.pt: its training is not finished" in capsys.readouterr().err


def test_command_line_refuses_unknown_names_with_status_2():
    for arguments, hint in ((["--system", "msg-srl"], "msg-sarl"),
                            (["--system", "msg-sarl", "--profile", "quik"], "quick"),
                            (["--system", "msg-sarl", "--database", "cuhk-studnt"], "cuhk-student")):
        if "--database" not in arguments:
            arguments = ["--database", "portraits", *arguments]
        done = subprocess.run([sys.executable, "-m", "lib", "train", *arguments], capture_output=True, encoding="utf-8")
        assert done.returncode == 2 and f"Did you mean {hint}" in done.stderr and "Traceback" not in done.stderr


def test_precision_can_be_asked_for_and_never_overrules_a_setting(monkeypatch, settings):
    cpu = torch.device("cpu")
    auto = dataclasses.replace(settings, precision="auto")
    for precision in ("fp32", "bf16"):
        monkeypatch.setenv("MSGSARL_PRECISION", precision)
        assert devices.resolve(auto, cpu).precision == precision
        assert devices.resolve(dataclasses.replace(settings, precision="fp32"), cpu).precision == "fp32"
    monkeypatch.setenv("MSGSARL_PRECISION", "bf61")
    with pytest.raises(StudyError, match="MSGSARL_PRECISION(.|\n)*Did you mean bf16"):
        devices.resolve(auto, cpu)
    monkeypatch.delenv("MSGSARL_PRECISION")
    assert devices.resolve(auto, cpu).precision in devices.precisions(cpu)
