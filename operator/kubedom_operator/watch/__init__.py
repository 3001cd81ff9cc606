"""Watching a cluster: one seam (`seam.py`) and two sources that keep its contract (`kopf_source.py`, `stream.py`)."""
