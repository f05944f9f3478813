from django.db import migrations

GROUP, MODEL, CODENAME = "support", "order", "add_order"


def give(apps, schema_editor):
    """Let support make payment links, if that group is there still.

    As for the groups themselves: on a fresh database Django has made no permissions yet, so this one is made here.
    """
    using = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = content_types.get_or_create(app_label="payments", model=MODEL)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    permission, _ = permissions.get_or_create(
        content_type=content_type, codename=CODENAME, defaults={"name": "Can add order"}
    )
    for group in apps.get_model("auth", "Group").objects.using(using).filter(name=GROUP):
        group.permissions.add(permission)


def take_back(apps, schema_editor):
    using = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    granted = permissions.filter(content_type__app_label="payments", codename=CODENAME)
    for group in apps.get_model("auth", "Group").objects.using(using).filter(name=GROUP):
        group.permissions.remove(*granted)


class Migration(migrations.Migration):

    dependencies = [
        ("payments", "0009_webhook_rights"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(give, take_back)]
