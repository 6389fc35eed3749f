"""Renderings of the report, none of which computes a figure.

terminal: a rich renderable; document_json: a plain dict, and its text; html: one self-contained
page; pictures: PNG and SVG. words: how figures read in all of them.
"""
