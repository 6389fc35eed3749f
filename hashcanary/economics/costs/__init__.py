"""What a coin costs: models as plug-ins, their bands, their history, what others published."""
