from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("payments", "0022_statement_rights")]

    operations = [migrations.AlterModelOptions(name="payout", options={"verbose_name": "pay-out"})]
