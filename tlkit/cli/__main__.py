"""``python -m tlkit.cli``, where the program ``tlkit`` is not on the search path."""

from tlkit.cli import main

raise SystemExit(main())
