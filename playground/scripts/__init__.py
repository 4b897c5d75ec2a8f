"""Scripts for a visitor to run: what a picture shows, computed and drawn by plain transformers, torch and plotly. Builds
text of plain values; knows no models and runs nothing.
"""
