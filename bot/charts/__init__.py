"""Charts as SVG text: pure functions from data to a picture.

Callers bring their labels already written, so a chart never rounds; text stays text and can be selected.
"""
