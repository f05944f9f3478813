"""Reports that browsers send about blocked content."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

MAX_BYTES = 4_096
log = logging.getLogger("till.csp")


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log what a page of ours tried and the policy stopped: masked and cut short, for it comes from anybody."""
    log.warning("csp report: %r", request.read(MAX_BYTES)[:MAX_BYTES])
    return HttpResponse(status=204)
