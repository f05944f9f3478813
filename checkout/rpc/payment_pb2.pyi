from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class CreateOrderRequest(_message.Message):
    __slots__ = ("customer_name", "customer_email", "customer_phone", "order_amount", "order_currency", "order_id", "return_url", "notify_url", "payment_methods", "order_expiry_time", "order_note", "order_tags", "customer_id", "customer_reference", "capture_method", "language")
    class OrderTagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CUSTOMER_NAME_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_PHONE_FIELD_NUMBER: _ClassVar[int]
    ORDER_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_URL_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_URL_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHODS_FIELD_NUMBER: _ClassVar[int]
    ORDER_EXPIRY_TIME_FIELD_NUMBER: _ClassVar[int]
    ORDER_NOTE_FIELD_NUMBER: _ClassVar[int]
    ORDER_TAGS_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_METHOD_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    customer_name: str
    customer_email: str
    customer_phone: str
    order_amount: float
    order_currency: str
    order_id: str
    return_url: str
    notify_url: str
    payment_methods: _containers.RepeatedScalarFieldContainer[str]
    order_expiry_time: str
    order_note: str
    order_tags: _containers.ScalarMap[str, str]
    customer_id: int
    customer_reference: str
    capture_method: str
    language: str
    def __init__(self, customer_name: _Optional[str] = ..., customer_email: _Optional[str] = ..., customer_phone: _Optional[str] = ..., order_amount: _Optional[float] = ..., order_currency: _Optional[str] = ..., order_id: _Optional[str] = ..., return_url: _Optional[str] = ..., notify_url: _Optional[str] = ..., payment_methods: _Optional[_Iterable[str]] = ..., order_expiry_time: _Optional[str] = ..., order_note: _Optional[str] = ..., order_tags: _Optional[_Mapping[str, str]] = ..., customer_id: _Optional[int] = ..., customer_reference: _Optional[str] = ..., capture_method: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class CreateOrderResponse(_message.Message):
    __slots__ = ("payment_session_id", "return_url", "order_id")
    PAYMENT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_URL_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    payment_session_id: str
    return_url: str
    order_id: str
    def __init__(self, payment_session_id: _Optional[str] = ..., return_url: _Optional[str] = ..., order_id: _Optional[str] = ...) -> None: ...

class VerifyPaymentRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class VerifyPaymentResponse(_message.Message):
    __slots__ = ("message", "code", "status")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    message: str
    code: str
    status: str
    def __init__(self, message: _Optional[str] = ..., code: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class TerminateOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class TerminateOrderResponse(_message.Message):
    __slots__ = ("message", "code", "status")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    message: str
    code: str
    status: str
    def __init__(self, message: _Optional[str] = ..., code: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...
