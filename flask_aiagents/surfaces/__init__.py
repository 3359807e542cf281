"""The doors for people; strangers to each other."""
