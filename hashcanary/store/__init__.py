"""The lake: tables, versions, and records of what was known when."""
