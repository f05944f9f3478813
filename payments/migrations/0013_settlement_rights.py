from datetime import datetime, time, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

from django.db import migrations
from django.utils import timezone

groups = import_module("payments.migrations.0006_staff_groups")

# What the groups of 0006 may do with settlements, besides: finance opens, closes, discards and pays out.
SEES = {name: ("view",) for name in ("settlement", "settlementline", "settlementevent", "payout")}
RIGHTS = {
    "viewer": SEES,
    "support": SEES,
    "refund maker": SEES,
    "refund approver": SEES,
    "finance": SEES | {name: ("view", "add", "change") for name in ("settlement", "payout")},
    "auditor": SEES,
}


def give_rights(apps, schema_editor):
    """Give the groups what they lack; one that the operator has removed stays away, and nothing is taken from anybody."""
    using = schema_editor.connection.alias
    for name, rights in RIGHTS.items():
        for group in apps.get_model("auth", "Group").objects.using(using).filter(name=name):
            group.permissions.add(
                *[groups._permission(apps, using, model, act) for model in rights for act in rights[model]]
            )


def take_rights(apps, schema_editor):
    using = schema_editor.connection.alias
    for group in apps.get_model("auth", "Group").objects.using(using).filter(name__in=RIGHTS):
        group.permissions.remove(*group.permissions.filter(content_type__app_label="payments", content_type__model__in=SEES))


def schedule(apps, schema_editor):
    """Merchants that are here already are settled from their next day on."""
    now = timezone.now()
    model = apps.get_model("payments", "SettlementSchedule")
    for merchant in apps.get_model("payments", "Merchant").objects.filter(settlement_schedule=None):
        zone = ZoneInfo(merchant.time_zone)
        due_at = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)
        model.objects.create(merchant=merchant, due_at=due_at)


class Migration(migrations.Migration):

    dependencies = [("payments", "0012_settlements")]

    operations = [
        migrations.RunPython(give_rights, take_rights),
        migrations.RunPython(schedule, migrations.RunPython.noop),
    ]
