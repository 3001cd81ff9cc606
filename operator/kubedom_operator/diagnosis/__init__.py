"""What is wrong with an object, as a pure function of the object, what is related to it, and a moment.

`diagnose` gives the failures that hold and when to look again; `CATALOGUE` describes every kind of failure;
`pod_status` says what kubectl would print, `workload_of` whom a pod belongs to, `transitions` what changed between two
versions.
"""

from .catalogue import CATALOGUE
from .diagnose import diagnose, faults
from .display import PodDisplay, pod_status
from .edges import transitions
from .model import (
    HEALTHY,
    NOTHING_RELATED,
    OBSERVING,
    Diagnosis,
    Failure,
    FailureKind,
    Related,
    Settings,
    Severity,
)
from .ownership import Owner, workload_of

__all__ = [
    "CATALOGUE",
    "HEALTHY",
    "NOTHING_RELATED",
    "OBSERVING",
    "Diagnosis",
    "Failure",
    "FailureKind",
    "Owner",
    "PodDisplay",
    "Related",
    "Settings",
    "Severity",
    "diagnose",
    "faults",
    "pod_status",
    "transitions",
    "workload_of",
]
