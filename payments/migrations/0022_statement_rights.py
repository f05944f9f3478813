from importlib import import_module

from django.db import migrations

groups = import_module("payments.migrations.0006_staff_groups")

# What the groups of 0006 may do with the files of banks and gateways, besides: finance imports them.
SEES = {name: ("view",) for name in ("statementfile", "statementline", "gatewaysettlement")}
RIGHTS = {"finance": SEES | {"statementfile": ("view", "add")}, "auditor": SEES}


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


class Migration(migrations.Migration):

    dependencies = [("payments", "0021_statements")]

    operations = [migrations.RunPython(give_rights, take_rights)]
