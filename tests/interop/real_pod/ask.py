"""Run by the real software's Python: its own runner of requesters, and what it gave back, in one line.

`RESULT {json}` is what a task brought, `RESULT null` where the pod did not take it; `ERROR Type: words` what was
raised. Everything before is the runner's own log.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bitfount.runners.modeller_runner import run_modeller, setup_modeller_from_config_file


def plain(value: Any) -> Any:
    """Tables and arrays as lists."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "to_dict"):
        return plain(value.to_dict(orient="list"))
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return repr(value)


def main(config: str) -> None:
    modeller, pods, project, execution = setup_modeller_from_config_file(config)
    print("READY", flush=True)
    try:
        found = run_modeller(
            modeller,
            pods,
            project_id=project,
            run_on_new_data_only=execution.run_on_new_data_only,
            batched_execution=execution.batched_execution,
        )
    except Exception as error:
        print(f"ERROR {type(error).__name__}: {error}", flush=True)
        raise SystemExit(3) from error
    print("RESULT " + json.dumps(plain(found)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
