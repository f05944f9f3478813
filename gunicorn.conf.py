"""How gunicorn serves Till: `gunicorn checkout.wsgi` from the root picks this up."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout.settings")

from django.conf import settings

bind = settings.BIND
worker_class = "checkout.web.WebWorker"
workers = settings.WEB_CONCURRENCY
threads = settings.WEB_THREADS
timeout = 60
graceful_timeout = 30
keepalive = 5
# Only these peers' X-Forwarded-Proto is believed, and only they may speak HTTP/2 without TLS, as gRPC clients do.
# Where all is plain http there is nothing to believe, so a client on the same machine may.
forwarded_allow_ips = ",".join(settings.TRUSTED_PROXIES) or ("" if settings.HTTPS else "127.0.0.1,::1")
http_protocols = "h2,h1"
# Not "prior-knowledge": that refuses HTTP/1.1. An upgrade from it, which "both" allows, our worker declines.
http2_cleartext = "both"
limit_request_line = 4094
limit_request_fields = 60
# The path holds session ids: our own middleware logs requests, masked.
accesslog = None
errorlog = "-"
logger_class = "gunicorn.glogging.Logger"
control_socket_disable = True
