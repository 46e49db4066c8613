"""The real pod and requester on the local network without a gate: what the stories behind it are held against."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from podadmin.networks.local.membership import join
from podadmin.networks.local.places import STORE, local_places
from podadmin.networks.local.rules import REQUESTER
from podadmin.networks.local.service import LocalNetwork
from tests.interop.real_pod import real
from tests.interop.real_pod.internet import Internet

pytestmark = real.MARKS


def test_the_local_network_serves_the_software_of_the_field(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    folder.mkdir(mode=0o700)
    rules = {"object_store_name": STORE, "projects": {"open": {"members": [REQUESTER]}}}
    (folder / "network.json").write_text(json.dumps(rules), encoding="utf-8")
    with LocalNetwork(folder) as network, Internet(local_places(network.address), tmp_path / "internet") as internet:
        owner, lab = (asyncio.run(join(network.address, name)) for name in (real.OWNER, REQUESTER))
        real.pod_files(tmp_path / "pod")
        reached = internet.environment()
        with real.start_pod(tmp_path / "pod", owner, reached) as pod:
            real.is_ready(pod)
            model = real.publish_model(network.address, lab)
            counts, ages = real.sql(real.BY_SEX), real.inference(model)
            with real.ask(tmp_path / "lab", "counts", lab, reached, counts, "open") as asked:
                assert real.result_of(asked) == {real.POD: {"sex": ["F", "M"], "n": [100, 100], "age": [54, 55]}}
            with real.ask(tmp_path / "lab", "ages", lab, reached, ages, "open") as asked:
                assert len(real.result_of(asked)[real.POD]["age"]) == 200
        assert internet.turned_away == [], "nothing else was wanted"
