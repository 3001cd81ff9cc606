"""`kubedom events`: what happens in a cluster, as lines of a terminal or of a CI job.

`asked.py` reads what the user wants; `remote.py` (a bridge's socket) and `direct.py` (the cluster itself) tell what
happens, in the same items; `show.py` writes them with `lines.py` and knows when it is over.
"""
