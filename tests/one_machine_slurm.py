"""A Slurm of one machine for tests: its daemons with a configuration of their own, in a folder that goes away.

Needs Slurm and munge (Debian: ``apt-get install slurm-wlm munge``), and root, as its daemon that starts jobs does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")

# Two jobs at a time on any machine.  No accounts, no control groups: what a container allows.  A job that is queued
# again waits until the credential of its first start has expired, two minutes unless said.
CONFIGURATION = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=20
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=requeue_delay=1,sched_interval=2
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=60
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def reason_not_to() -> str | None:
    """Why no Slurm can be started here; None where it can."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"NOT TESTED AGAINST SLURM: no {', '.join(missing)} here (Debian: apt-get install slurm-wlm munge)"
    if os.geteuid() != 0:
        return "NOT TESTED AGAINST SLURM: its daemon that starts jobs needs root"
    return None


@contextlib.contextmanager
def running() -> Iterator[Path]:
    """Start the daemons, point ``SLURM_CONF`` at them, and stop them at the end; yields their folder.

    Raises RuntimeError with the daemons' logs where they do not come up within a minute.
    """
    folder = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))
    folder.chmod(0o755)  # munge wants to be reached by everybody, and by nobody else's symbolic link
    host, daemons = socket.gethostname().split(".")[0], []
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, ports=_free_ports(2)), encoding="ascii")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(configuration)
    log = open(folder / "daemons.log", "w", encoding="utf-8")
    try:
        for command in (["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}",
                         f"--log-file={folder}/munged.log", f"--pid-file={folder}/munged.pid",
                         f"--seed-file={folder}/munged.seed"],
                        ["slurmctld", "-D", "-c", "-f", configuration], ["slurmd", "-D", "-c", "-f", configuration]):
            daemons.append(subprocess.Popen(command, stdout=log, stderr=log))
            time.sleep(1)
        _wait_for_node(folder, daemons)
        yield folder
    finally:
        subprocess.run(["scancel", "--user=root"], capture_output=True)
        _wait_until_empty()
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
        log.close()
        if before is None:
            os.environ.pop("SLURM_CONF")
        else:
            os.environ["SLURM_CONF"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_for_node(folder: Path, daemons: list[subprocess.Popen]) -> None:
    for _ in range(60):
        said = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, encoding="utf-8").stdout.strip()
        if said == "idle":
            return
        time.sleep(1)
    logs = "\n".join(f"{file.name}: {file.read_text(encoding='utf-8', errors='replace')[-1500:]}"
                     for file in sorted(folder.glob("*.log")))
    raise RuntimeError(f"Slurm does not come up (node: {said or 'unknown'}, {[d.poll() for d in daemons]})\n{logs}")


def _wait_until_empty() -> None:
    for _ in range(30):
        if not subprocess.run(["squeue", "-h"], capture_output=True, encoding="utf-8").stdout.strip():
            return
        time.sleep(1)
