from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("payments", "0023_what_settlements_carry")]

    operations = [migrations.AlterModelOptions(name="payout", options={"verbose_name": "pay-out"})]
