"""The way back: carrying out HealingActions and telling how they fare."""
