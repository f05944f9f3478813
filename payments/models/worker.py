"""Who does the background work, and when it was last heard of."""

from django.db import models


class Worker(models.Model):
    """A running `manage.py worker`. It says every few seconds that it is alive; a silent one is forgotten."""

    name = models.CharField(max_length=100, unique=True, help_text="Host and process.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
