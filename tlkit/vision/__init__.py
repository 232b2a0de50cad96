"""Pictures: what tells them apart, and strategies that carry what was seen elsewhere to them."""
