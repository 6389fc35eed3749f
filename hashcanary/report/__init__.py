"""The report: one document of data, and its renderings for terminal, JSON, page and pictures.

``build.build_report`` makes the document of a record; ``render`` has the renderings. Nothing is
imported here, so that each rendering costs only what it needs.
"""
