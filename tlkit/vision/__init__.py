"""Transfer for pictures: tasks, sources, networks and strategies."""
