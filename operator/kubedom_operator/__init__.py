"""The half of kubedom that watches a cluster, diagnoses it and heals it."""
