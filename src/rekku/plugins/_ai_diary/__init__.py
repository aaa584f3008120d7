"""The parts of the diary; see `plugins/ai_diary.py`."""
