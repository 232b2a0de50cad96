"""The panel: strategies to switch on and off, and what they buy."""
