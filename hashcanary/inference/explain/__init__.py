"""What a fall of the hashrate came from: causes, the evidence for each, and who was hurt."""
