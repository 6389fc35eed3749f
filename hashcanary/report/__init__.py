"""Documents and charts; one chart definition serves page, file and notebook."""
