"""Lessons that ask first: what a lesson is (lesson.py), how its file is read (lesson_file.py), what the loaded model answers
(measures/), how a pupil's answer compares (verdict.py), and how far a pupil is (progress.py). Knows no page."""
