"""What every test run begins with."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.pop("NO_COLOR", None)
os.environ["COLUMNS"] = "100"
