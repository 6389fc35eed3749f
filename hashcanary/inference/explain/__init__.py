"""What a drop in hashrate came from: causes, the evidence for each, and who was hurt."""
