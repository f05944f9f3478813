"""What the whole staff site is called."""

from django.contrib import admin

admin.site.site_header = "Till"
admin.site.site_title = "Till"
admin.site.index_title = "Staff"
