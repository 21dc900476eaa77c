"""Prefect's API: started for one command or for good, set up from our files, and spoken to."""
