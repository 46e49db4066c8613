"""What is odd about a pod: each finding has a fix or the reason why there is none, and a tidy pod has few of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podadmin.core.secret import Secret
from podadmin.networks.bitfount.pod_config import PodConfig
from podadmin.pod.launch import defences
from podadmin.pod.oddities import Facts, Plugin, judge, look
from podadmin.pod.yaml_reading import Found

TIDY = {
    **defences(Path("/s"), Path("/r"), 4711),
    "BITFOUNT_CACHE_ENCRYPTION_ENABLED": "true",
}
SOURCE = {"datasource": "CSVSource", "name": "d", "data_config": {"datasource_args": {"path": "/d.csv"}}}


def facts(config: dict[str, Any] | None = None, variables: dict[str, str] | None = None, **more: Any) -> Facts:
    told = PodConfig.model_validate({"name": "eye", "username": "alice", "datasources": [SOURCE], **(config or {})})
    found = more.pop("found", Found(told))
    return Facts(found, Path("/c/pod.yaml"), Path("/s"), TIDY if variables is None else variables, **more)


def codes(found: Facts) -> list[str]:
    judged = judge(found)
    assert all(bool(each.fix) != bool(each.why_not) for each in judged)
    return [each.code for each in judged]


def test_a_tidy_pod_has_nothing_odd_but_its_open_control_server() -> None:
    assert codes(facts()) == ["control-server"]


@pytest.mark.parametrize(
    ("config", "variables", "more", "code"),
    [
        ({"datasources": None}, None, {}, "datasources-at-hub"),
        ({"pod_db": True}, None, {}, "database-anywhere"),
        ({"differential_privacy": {"epsilon": 1}}, None, {}, "privacy-is-a-cap"),
        ({"config_reload_file_poll_interval_seconds": 3}, None, {}, "watches-its-file"),
        ({"hub": {"url": "http://hub.example"}}, None, {}, "unencrypted"),
        ({"datasources": [{**SOURCE, "data_config": {"auto_tidy": True}}]}, None, {}, "tidied"),
        (
            {"datasources": [{**SOURCE, "data_config": {"force_stypes": {"d": {"numbr": ["a"]}}}}]},
            None,
            {},
            "unknown-type",
        ),
        (None, {**TIDY, "BITFOUNT_ENABLE_TELEMETRY": "yes"}, {}, "telemetry"),
        (None, {**TIDY, "BITFOUNT_DD_CLIENT_TOKEN": "t"}, {}, "datadog"),
        (None, {**TIDY, "BITFOUNT_PATIENT_API_SERVER_ENABLED": "1"}, {}, "patient-api"),
        (None, {**TIDY, "BITFOUNT_CACHE_ENCRYPTION_ENABLED": "false"}, {}, "cache-in-clear"),
        (None, {**TIDY, "BITFOUNT_BACKGROUND_PERIODIC_RERUN_ENABLED": ""}, {}, "unattended"),
        (None, None, {"plugins": (Plugin(Path("/p.py"), "ab", 3),)}, "plugin"),
        (None, None, {"private": False}, "no-key"),
        (None, None, {"readable_by_others": (Path("/k"),)}, "readable-by-others"),
    ],
)
def test_each_oddity_is_found_by_its_own_fact(
    config: dict[str, Any] | None, variables: dict[str, str] | None, more: dict[str, Any], code: str
) -> None:
    assert set(codes(facts(config, variables, **more))) == {"control-server", code}


def test_secrets_and_relative_paths_of_the_old_file_are_told_without_their_values() -> None:
    found = Found(PodConfig(name="eye"), {"DB": Secret("s3cret")}, ("DB",), ("pod_db.path", "pod_db.path"))
    judged = judge(facts(found=found))
    assert [each.code for each in judged].count("relative-path") == 1
    assert any(each.code == "secret-in-file" and "DB" in each.what for each in judged)
    assert "s3cret" not in repr(judged)


def test_what_lies_in_a_storage_is_looked_at_and_not_changed(tmp_path: Path) -> None:
    keys = tmp_path / "alice" / "pods" / "eye"
    keys.mkdir(parents=True)
    (keys / "pod_rsa.pub.pem").write_text("ssh-rsa x", encoding="ascii")
    config = tmp_path / "pod.yaml"
    config.write_text("name: eye\n", encoding="ascii")
    config.chmod(0o644)
    plugin = tmp_path / "_plugins" / "federated" / "protocols" / "ours.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_bytes(b"pass\n")
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    found = look(Found(PodConfig(name="eye", username="alice")), config, tmp_path, {})
    assert (found.private, found.public) == (False, True)
    assert [(each.path, each.size) for each in found.plugins] == [(plugin, 5)]
    assert found.readable_by_others == (config,)
    assert before == sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    assert "only the public half" in next(each.what for each in judge(found) if each.code == "no-key")
