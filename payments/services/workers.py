"""Workers say that they are alive, so that somebody notices when none is."""

from datetime import datetime, timedelta

from payments.models import Worker

HEARD_WITHIN = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)


def sign_in(name: str, *, started_at: datetime, at: datetime) -> None:
    """Say that this worker is alive, and forget those that were killed long ago."""
    Worker.objects.update_or_create(name=name, defaults={"started_at": started_at, "seen_at": at})
    Worker.objects.filter(seen_at__lt=at - FORGOTTEN_AFTER).delete()


def sign_off(name: str) -> None:
    """This worker has stopped, as it was told to."""
    Worker.objects.filter(name=name).delete()


def any_heard(*, at: datetime) -> bool:
    """Whether some worker was heard of lately."""
    return Worker.objects.filter(seen_at__gt=at - HEARD_WITHIN).exists()
