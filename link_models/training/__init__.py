"""Training a codec over the link: tasks, recipe, trainer, command."""
