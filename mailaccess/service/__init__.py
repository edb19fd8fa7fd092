"""Starts the house: builds engines from settings, wires conversations to listeners, stops in order."""
