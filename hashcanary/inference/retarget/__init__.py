"""The next retarget and the hashprice after it, with the baselines that they are judged by."""
