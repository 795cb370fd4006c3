"""Run by `test_cluster.py` in a process of its own: a local Ray cluster of two machines, and what becomes of a scan on it.

Prints JSON. The second machine is taken away while work is done there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster as Machines

from foundation.errors import SuperAppError
from lifeevents import catalogue
from lifeevents.scan.changes import changes, rule_set
from lifeevents.scan.cluster import MOST_TRIES, Cluster
from lifeevents.scan.extract import Extract, opened
from lifeevents.scan.spread import here

SINCE, UNTIL = date(2026, 11, 22), date(2026, 12, 21)
MACHINE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}


def dies_at_first(folder: Path, item: int) -> int:
    """Every third one takes its worker with it, the first time."""
    marker = folder / str(item)
    if item % 3 == 0 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item * 2


def dies_always(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def slow(item: int) -> tuple[int, str]:
    time.sleep(0.3)
    return item * 2, ray.get_runtime_context().get_node_id()


def main(facts: Path, folder: Path) -> None:
    machines = Machines(initialize_head=True, head_node_args={**MACHINE, "include_dashboard": False})
    second = machines.add_node(**MACHINE)
    machines.wait_for_nodes()
    again: list[tuple[str, int, str]] = []
    told: dict[str, Any] = {}
    try:
        with Cluster(machines.address, on_again=lambda *one: again.append(one)) as cluster:
            told["cores"] = cluster.cores
            told["scan"] = _scan(facts, folder, cluster)
            told["refused"] = _refused(facts, folder, cluster)
            told["died"] = {"done": _all(cluster, partial(dies_at_first, folder)), "again": list(again)}
            try:
                list(cluster.spread(dies_always, [1]))
            except SuperAppError as exc:
                told["given_up"] = [exc.message, exc.th]
            again.clear()
            done: dict[int, int] = {}
            here_id, is_there = ray.get_runtime_context().get_node_id(), True
            for item, (found, node) in cluster.spread(slow, list(range(40))):
                done[item] = found
                if is_there and node != here_id:  # it works on the next one now
                    machines.remove_node(second, allow_graceful=False)
                    is_there = False
            told["lost"] = {"done": sorted(done.items()), "again": list(again)}
    finally:
        machines.shutdown()
    print(json.dumps(told | {"tries": MOST_TRIES}))


def _all(cluster: Cluster, do: Any) -> list[tuple[int, int]]:
    return sorted(cluster.spread(do, list(range(9))))


def _scan(facts: Path, folder: Path, cluster: Cluster) -> dict[str, Any]:
    extract = opened(facts, catalogue.load())
    rules = rule_set(extract.catalogue, extract)
    extract.check(rules.reads, spread=cluster.spread)
    steps: list[int] = []

    def found(name: str, spread: Any) -> list[Any]:
        work = folder / name
        return list(changes(extract, rules, SINCE, UNTIL, work=work, spread=spread, step=lambda: steps.append(1)))

    local, there = found("here", here), found("there", cluster.spread)
    return {
        "same": [one.shard for one in local] == [one.shard for one in there]
        and all(one.table.equals(other.table) for one, other in zip(local, there, strict=True)),
        "changes": sum(map(len, there)), "shards": len(there), "steps": len(steps),
    }  # fmt: skip


def _refused(facts: Path, folder: Path, cluster: Cluster) -> list[Any]:
    """A file that is torn, as one machine and as the cluster say it."""
    torn = folder / "torn"
    for shard in sorted(facts.glob("shard=*"))[:3]:
        (torn / shard.name).mkdir(parents=True)
        for file in shard.iterdir():
            (torn / shard.name / file.name).write_bytes(file.read_bytes())
    extract: Extract = opened(torn, catalogue.load())
    file = extract.shards[1].files[0]
    content = bytearray(file.read_bytes())
    content[4:400] = bytes(396)
    file.write_bytes(content)
    said = []
    for spread in (here, cluster.spread):
        try:
            extract.check(["person.birth_date"], spread=spread)
        except SuperAppError as exc:
            said.append([exc.code, exc.message])
    return said


if __name__ == "__main__":
    # By its own name, so that what is sent to the workers is found there.
    from tests.lifeevents.scan import on_two_workers

    on_two_workers.main(Path(sys.argv[1]), Path(sys.argv[2]))
