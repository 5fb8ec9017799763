"""The judge: pure functions from samples to verdicts; nothing here touches the world."""
