"""The chapters of the report, one module each: from results to figures, tables and words."""
