"""HealingPolicies: from incidents that are open to HealingActions that nobody had to ask for."""
