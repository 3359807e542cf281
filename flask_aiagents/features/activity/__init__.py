"""The activity log: what was done on and by agents, by whom, with what and for how much."""
