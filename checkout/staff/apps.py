from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """Django's admin, on a site of our own."""

    default_site = "checkout.staff.site.StaffSite"
