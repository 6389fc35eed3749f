"""The report: one document of data, and its renderings for terminal, JSON, page and pictures.

    report = build_report(record)
    render_terminal(report)     a rich renderable          (terminal.py)
    json_text(report)           text, as_json: a dict      (as_json.py)
    render_html(report)         one self-contained page    (html.py)
    write_pictures(report, dir) PNG or SVG                 (pictures.py)

Nothing is imported here, so that each rendering costs only what it needs.
"""
