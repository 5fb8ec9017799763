"""dhash-guard puts a guard around a deployment: evidence before, judgement after, a verified way back."""

__version__ = "0.1.0"
