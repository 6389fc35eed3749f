"""The built-in metrics; a file a family, named after the first part of their names."""
