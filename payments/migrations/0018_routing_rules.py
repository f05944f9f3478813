import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("payments", "0017_gateway_credentials")]

    operations = [
        migrations.AddField(
            model_name='payment',
            name='route',
            field=models.CharField(blank=True, db_default='', default='', help_text='Why it went to this account, as it was at the start.', max_length=100),
        ),
        migrations.CreateModel(
            name='RoutingRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(default=1, help_text='The lowest that fits is tried first.')),
                ('methods', models.JSONField(blank=True, default=list, help_text='Ways to pay; none means all.')),
                ('currency', models.CharField(blank=True, help_text='Empty: all.', max_length=3)),
                ('min_minor', models.BigIntegerField(blank=True, help_text='The smallest amount, in minor units.', null=True)),
                ('max_minor', models.BigIntegerField(blank=True, help_text='The largest amount, in minor units.', null=True)),
                ('is_enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rules', to='payments.gatewayaccount')),
            ],
        ),
        migrations.AddField(
            model_name='payment',
            name='rule',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='payments.routingrule'),
        ),
        migrations.AddConstraint(
            model_name='routingrule',
            constraint=models.CheckConstraint(condition=models.Q(('position__gte', 1)), name='routing_position_from_one'),
        ),
        migrations.AddConstraint(
            model_name='routingrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('max_minor', None), ('min_minor', None)), models.Q(('currency', ''), _negated=True), _connector='OR'), name='routing_amounts_have_a_currency'),
        ),
        migrations.AddConstraint(
            model_name='routingrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('min_minor', None), ('min_minor__gte', 0), _connector='OR'), models.Q(('max_minor', None), ('max_minor__gte', 1), _connector='OR')), name='routing_amounts_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='routingrule',
            constraint=models.CheckConstraint(condition=models.Q(('min_minor', None), ('max_minor', None), ('max_minor__gte', models.F('min_minor')), _connector='OR'), name='routing_range_not_empty'),
        ),
    ]
