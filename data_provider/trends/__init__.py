"""Trend exports of building-automation systems, as they come, to even readings.

Whatever is wrong with a file becomes a `Problem`; a file that cannot be evaluated has a fatal one and no readings, and
never stops the others. docs/READERS.md says what is read and what is refused.
"""
