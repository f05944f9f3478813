from django.conf import settings
from django.db import migrations

# Who works with money, by what they may do. A model's permissions are "view", "add", "change" and "delete".
SEES = {
    name: ("view",)
    for name in ("merchant", "customer", "order", "payment", "authorization", "refund", "event", "gatewayevent")
}
GROUPS = {
    "viewer": SEES,
    "support": SEES | {"order": ("view", "change")},
    "refund maker": SEES | {"refund": ("view", "add")},
    "refund approver": SEES | {"refund": ("view", "change")},
    "finance": SEES
    | {
        "authorization": ("view", "change"),
        "payment": ("view", "change"),
        "adjustment": ("view", "add"),
        "ledgeraccount": ("view",),
        "transfer": ("view",),
        "feeplan": ("view", "add", "change", "delete"),
    },
    "key admin": {"merchant": ("view",), "apikey": ("view", "add", "change")},
    "auditor": SEES
    | {name: ("view",) for name in ("ledgeraccount", "transfer", "adjustment", "auditentry")},
}


def make_groups(apps, schema_editor):
    """Make the groups, or give those that are there already what they lack; nothing is taken from anybody.

    Django makes the rows of content types and permissions only after all migrations, and on a fresh database they are
    not there yet: those that are missing are made here, by the names Django would give them, and it finds them later.
    """
    using = schema_editor.connection.alias
    for name, rights in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=name)
        group.permissions.add(*[_permission(apps, using, model, act) for model in rights for act in rights[model]])


def _permission(apps, using, model, act):
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = content_types.get_or_create(app_label="payments", model=model)
    told = f"Can {act} {apps.get_model('payments', model)._meta.verbose_name}"
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    permission, _ = permissions.get_or_create(
        content_type=content_type, codename=f"{act}_{model}", defaults={"name": told}
    )
    return permission


def remove_empty_groups(apps, schema_editor):
    """Take back the groups that nobody is in; the others stay, so that nobody loses their rights unnoticed."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.filter(name__in=GROUPS, user=None).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("payments", "0005_book_earlier_captures"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(make_groups, remove_empty_groups)]
