"""Cases that this suite makes and a test of the SPA plays, so that the page is held against the server."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FRONTEND: Final = Path(__file__).parent.parent / "frontend"

needs_the_tools_of_the_page: Final = pytest.mark.skipif(
    shutil.which("npm") is None or not (FRONTEND / "node_modules" / "vitest").is_dir(),
    reason="the SPA's tools are not installed: make spa",
)


def drawn(count: int, drawing: st.SearchStrategy[Any]) -> list[Any]:
    """Return the same examples of a strategy at every run."""
    found: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawing)
    def draw(one: Any) -> None:
        found.append(one)

    draw()
    return found


def play_in_the_page(test: str, variable: str, cases: list[dict[str, Any]], folder: Path) -> None:
    """Run a test file of the SPA, to which `variable` names the file with the cases. Fails where it fails."""
    path = folder / "cases.json"
    path.write_text(json.dumps(cases))
    done = subprocess.run(  # noqa: S603
        ["npm", "--prefix", str(FRONTEND), "test", "--", test],  # noqa: S607
        env=os.environ | {variable: str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
