"""Alerts (standing queries): an action for each new photo that matches."""
