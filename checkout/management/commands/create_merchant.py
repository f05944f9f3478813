"""`manage.py create_merchant`: a merchant with its first API key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from checkout.languages import language_code
from payments import clock
from payments.errors import BadInput, PaymentsError
from payments.services.merchants import NewMerchant, create_merchant
from payments.states import Mode


class Command(BaseCommand):
    help = "Make a merchant with its first API key. The secret is printed once and cannot be read again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--return-url", required=True, help="Where customers go after paying.")
        parser.add_argument("--notify-url", default="", help="Where we tell the merchant's server.")
        parser.add_argument("--origin", action="append", default=[], help="A further origin of return URLs.")
        parser.add_argument("--currency", default="INR", help="Where a request names none; default INR.")
        parser.add_argument("--region", default="IN", help="For phone numbers without a country code; default IN.")
        parser.add_argument("--time-zone", default="", help="In which customers read times; default: the region's.")
        parser.add_argument("--language", default="", help="Of customers, like ta; default: their browser's.")
        parser.add_argument("--support-email", default="")
        parser.add_argument("--support-phone", default="", help="Shown to customers, like --support-email.")
        parser.add_argument("--terms-url", default="", help="Your terms of sale, linked on the payment page.")
        parser.add_argument("--accent", default="", help="Colour of the main button, like #7a1f57.")
        parser.add_argument("--live", action="store_true", help="Make a live key; needs an https PUBLIC_URL.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object, last.")

    def handle(self, *args: Any, **options: Any) -> None:
        mode = Mode.LIVE if options["live"] else Mode.TEST
        if mode == Mode.LIVE and not settings.HTTPS:
            raise CommandError("--live needs PUBLIC_URL to be https://: live keys must not travel in clear.")
        try:
            language = language_code(options["language"])
        except BadInput as refusal:
            raise CommandError(refusal.message) from None
        new = NewMerchant(
            name=options["name"],
            return_url=options["return_url"],
            notify_url=options["notify_url"],
            origins=options["origin"],
            currency=options["currency"],
            region=options["region"],
            time_zone=options["time_zone"],
            language=language,
            support_email=options["support_email"],
            support_phone=options["support_phone"],
            terms_url=options["terms_url"],
            accent=options["accent"],
        )
        try:
            merchant, issued = create_merchant(new, mode=mode, at=clock.now())
        except PaymentsError as refusal:
            raise CommandError(refusal.message.replace("order_currency", "--currency")) from None
        made = {
            "org_id": merchant.org_id,
            "client_id": issued.key.client_id,
            "client_secret": issued.client_secret,
            "mode": str(mode),
        }
        if options["json"]:
            self.stdout.write(json.dumps(made))
        else:
            for name, value in made.items():
                self.stdout.write(f"{name:<14}{value}")
