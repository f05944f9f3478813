from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("payments", "0016_found_by_staff")]

    operations = [
        migrations.AddField(
            model_name='gatewayaccount',
            name='credential_hints',
            field=models.JSONField(default=dict, help_text='By name: the last four of a secret, the rest whole.'),
        ),
        migrations.AddField(
            model_name='gatewayaccount',
            name='credentials_ciphertext',
            field=models.BinaryField(help_text='All of them, as one JSON.', max_length=10000, null=True),
        ),
        migrations.AddField(
            model_name='gatewayaccount',
            name='credentials_set_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='gatewayaccount',
            name='failed_at',
            field=models.DateTimeField(help_text='When the last of them was.', null=True),
        ),
        migrations.AddField(
            model_name='gatewayaccount',
            name='failures',
            field=models.PositiveSmallIntegerField(default=0, help_text='Attempts in a row that it did not take.'),
        ),
        migrations.AddField(
            model_name='gatewayaccount',
            name='rests_until',
            field=models.DateTimeField(help_text='Until then others are tried first.', null=True),
        ),
    ]
