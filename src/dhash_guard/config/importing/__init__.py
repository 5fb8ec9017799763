"""Reads the gate files of other monitors, value by value, and says what became of each."""
