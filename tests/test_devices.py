"""Any processor, card and system: what computes, how precisely, with how many threads; nothing only POSIX has."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import plan_with

from lib.base import hardware
from lib.training import devices
from lib.training.loop import train

ROOT = Path(__file__).parents[1]


@pytest.fixture
def card(monkeypatch):
    """A CUDA card that is declared and asked for its name, but never computed with."""
    monkeypatch.delenv("MSGSARL_PRECISION", raising=False)
    devices.default_device.cache_clear()
    devices._measured_precision.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "Old Card")
    yield torch.device("cuda")
    devices.default_device.cache_clear()
    devices._measured_precision.cache_clear()


@pytest.mark.parametrize("message", ["CUDA error: no kernel image is available for execution\nmore lines", ""])
def test_a_card_without_kernels_leaves_the_work_to_the_processor(card, message, monkeypatch, capsys):
    def fail(*size, device):
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "ones", fail)
    assert devices.default_device() == torch.device("cpu")
    said = capsys.readouterr().err
    assert said == f"Old Card cannot be used ({message.splitlines()[0] if message else 'RuntimeError'}); " \
                   "computing on the processor.\n"


def test_a_card_that_computes_wrongly_is_not_used(card, monkeypatch, capsys):
    zeros, ones = torch.zeros(8, 8), torch.ones(8, 8)
    for product, expected in ((ones, "cuda"), (zeros, "cpu")):
        devices.default_device.cache_clear()
        monkeypatch.setattr(torch, "ones", lambda *size, device, product=product: product)
        assert devices.default_device().type == expected
    assert "came out wrong" in capsys.readouterr().err


def test_a_card_without_bf16_trains_in_fp32(card, tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    monkeypatch.setattr(devices, "_speed_up", lambda device: 5.0)
    assert devices.fast_precision(card) == ("fp32", "Old Card has no bf16 units")


@pytest.fixture
def precision(tmp_path, monkeypatch):
    """The precision of a processor that declares bf16 and multiplies it so many times faster; measurements counted."""
    measured = []

    def precision(speed_up, kept=None):
        def measure(device):
            measured.append(device)
            if isinstance(speed_up, Exception):
                raise speed_up
            return speed_up

        devices._measured_precision.cache_clear()
        monkeypatch.setattr(devices, "_speed_up", measure)
        if kept is not None:
            (tmp_path / "precision.json").write_bytes(kept)
        return devices.fast_precision(torch.device("cpu")).name

    monkeypatch.delenv("MSGSARL_PRECISION", raising=False)
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    monkeypatch.setattr(devices, "_declares_bf16", lambda device: True)
    precision.measured = measured
    yield precision
    devices._measured_precision.cache_clear()


def test_declared_bf16_is_used_only_where_it_is_fast(precision):
    assert precision(1.19, kept=b"{}") == "fp32" and precision(3.0) == "fp32"  # kept from the first time
    assert len(precision.measured) == 1
    assert precision(1.21, kept=b"{}") == "bf16"
    assert precision(RuntimeError("could not create a primitive"), kept=b"{}") == "fp32"


def test_processes_that_start_together_take_one_measurement(tmp_path, monkeypatch):
    """Each would measure something else: fp32 for the first, bf16 for the second."""
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    monkeypatch.delenv("MSGSARL_PRECISION", raising=False)
    program = """if True:
        import os, sys, time
        import torch
        from lib.training import devices
        devices._declares_bf16 = lambda device: True
        def measure(device):
            number = len(os.listdir(sys.argv[1])) + 1
            open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
            time.sleep(1)
            return float(number)
        devices._speed_up = measure
        print("ready", flush=True)
        sys.stdin.readline()
        print(devices.fast_precision(torch.device("cpu")).name)"""
    (tmp_path / "measured").mkdir()
    processes = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "measured")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["fp32\n", "fp32\n"]
    assert len(list((tmp_path / "measured").iterdir())) == 1


@pytest.mark.parametrize("kept", [b"", b"junk\xff", b"[1, 2]", b"null", b"{\"KEY\": \"fast\"}", b"{\"KEY\": NaN}",
                                  b"{\"KEY\": null}", b"{\"KEY\": -1.0}"])
def test_a_damaged_measurement_is_made_again(precision, kept, tmp_path):
    key = f"{hardware.processor()}, torch {torch.__version__}"
    assert precision(0.03, kept=kept.replace(b"KEY", key.encode())) == "fp32" and len(precision.measured) == 1
    assert json.loads((tmp_path / "precision.json").read_text(encoding="utf-8")) == {key: 0.03}


def test_a_processor_that_says_nothing_of_bf16_is_measured(precision, monkeypatch):
    monkeypatch.undo()
    ours = torch.backends.mkldnn.is_available()
    for asked, declared in ((lambda: True, True), (lambda: False, False), (refuse_to_say, ours)):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", asked)
        assert devices._declares_bf16(torch.device("cpu")) == declared


def refuse_to_say():
    raise AttributeError("_is_mkldnn_bf16_supported")


def test_threads_sleep_while_they_wait_and_small_images_get_one():
    code = "import lib, torch; from lib.training.devices import worthwhile_threads as threads; " \
           "print(threads(64), threads(128), threads(128, 3))"
    variables = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8",
                          env={**variables, "OMP_NUM_THREADS": "2", "OMP_DISPLAY_ENV": "VERBOSE"})
    assert done.stdout.split() == ["1", str(min(2, hardware.available_cores())), "3"], done.stderr
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("torch here has another OpenMP runtime than GNU's, which does not say how it waits")
    assert "GOMP_SPINCOUNT = '0'" in done.stderr


def test_a_training_of_small_images_takes_one_thread_and_says_so(settings, faces, tmp_path):
    seen, plan = set(), plan_with(dataclasses.replace(settings, epochs=1))
    with devices.computing_with(2):
        record = train(plan, faces, tmp_path, 0, report=lambda done, steps: seen.add(torch.get_num_threads()))
        assert seen == {record["threads"]} == {1} and torch.get_num_threads() == 2


WINDOWS = """
import os, pkgutil, sys
import torch, pandas, scipy.stats, skimage.metrics, matplotlib.pyplot  # their own ways around are theirs
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("sched_getaffinity", "fork", "getuid", "geteuid", "uname", "killpg", "setsid"):
    if hasattr(os, name):
        delattr(os, name)
from pathlib import Path
for name in ("read_text", "write_text"):
    real = getattr(Path, name)
    def elsewhere(self, *arguments, real=real, **options):
        if self.parts[1:2] in (("proc",), ("dev",), ("sys",)):
            raise FileNotFoundError(str(self))
        return real(self, *arguments, **options)
    setattr(Path, name, elsewhere)
import lib, importlib
for module in pkgutil.walk_packages(lib.__path__, "lib."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from lib.__main__ import main
from lib.base import hardware
assert hardware.available_cores() >= 1 and hardware.processor() and hardware.PeakMemory().megabytes() is None
sys.exit(main(["train", "--system", "lle", "--profile", "tiny", "--database", "portraits"]))
"""


def test_nothing_is_needed_that_only_posix_systems_have(tmp_path):
    done = subprocess.run([sys.executable, "-c", WINDOWS], cwd=ROOT, capture_output=True, encoding="utf-8",
                          env={**os.environ, "MSGSARL_RESULTS": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    record = json.loads(next(tmp_path.rglob("run.json")).read_text(encoding="utf-8"))
    assert record["photo-to-sketch"]["peak_memory_mb"] is None
    assert not [name for name in tmp_path.rglob("*") if re.search(r'[<>:"\\|?*]|[ .]$', name.name)]


@pytest.mark.parametrize("limits, cores", [
    ({"cpu.max": "max 100000\n"}, 8), ({"cpu.max": "250000 100000\n"}, 2), ({"cpu.max": "50000 100000\n"}, 1), ({}, 8),
    ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8)])
def test_cores_are_those_that_a_container_may_use(limits, cores, monkeypatch):
    def read(file, **options):
        if (name := str(file.relative_to("/sys/fs/cgroup"))) not in limits:
            raise FileNotFoundError(str(file))
        return limits[name]

    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(hardware.Path, "read_text", read)
    assert hardware.available_cores() == cores


def test_memory_is_counted_in_the_units_of_the_system(monkeypatch):
    resource = pytest.importorskip("resource")
    def refuse(*arguments, **options):
        raise FileNotFoundError("/proc/self/status")

    monkeypatch.setattr(hardware.Path, "read_text", refuse)
    monkeypatch.setattr(resource, "getrusage", lambda who: type("usage", (), {"ru_maxrss": 3 * 2**20}))
    for system, megabytes in (("linux", 3 * 2**10), ("darwin", 3)):
        monkeypatch.setattr(hardware.sys, "platform", system)
        assert hardware.PeakMemory().megabytes() == megabytes
