"""Files that come with forms: from staff who are signed in, and from nobody else."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class StaffOnly(FileUploadHandler):
    """Stop reading where a stranger sends a file: before any of it lies on our disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if not (user and user.is_active and user.is_staff):
            raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
