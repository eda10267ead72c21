"""The programs that the conformance kit drives in these tests."""

import os
import sys
from typing import Final

from conformance.client.stage import Terms
from tests.test_docs import ROOT

PYTHON_CLIENT: Final = (sys.executable, str(ROOT / "sdk" / "python" / "tests" / "kit_client.py"))
MUTANT: Final = (sys.executable, str(ROOT / "tests" / "conformance" / "mutant_client.py"))
PACE: Final = 0.02
"""Clients wait so much shorter than in earnest."""


def terms(*command: str, pace: float = PACE, **more: float) -> Terms:
    """Return the terms for a client of this project, which finds the SDK from its sources."""
    path = os.pathsep.join(str(ROOT / "sdk" / "python" / one) for one in ("src", "tests"))
    return Terms(("env", f"PYTHONPATH={path}", *command), pace=pace, **more)  # type: ignore[arg-type]
