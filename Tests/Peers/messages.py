"""The messages of the four examples, and details of errors.

The former are made from a table instead of by protoc: each has one field with the number 1, and so
the peers need neither grpcio-tools nor generated files.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2

_STRING = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
_INT32 = descriptor_pb2.FieldDescriptorProto.TYPE_INT32

_PACKAGES = {
    "greet": {"HelloRequest": ("name", _STRING), "HelloReply": ("message", _STRING)},
    "number_stream": {"NumberRequest": ("limit", _INT32), "NumberResponse": ("number", _INT32)},
    "sum_stream": {"NumberRequest": ("number", _INT32), "SumResponse": ("sum", _INT32)},
    "chat": {"ChatRequest": ("message", _STRING), "ChatResponse": ("message", _STRING)},
}


def _classes(package, messages):
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    for name, (field, type) in messages.items():
        file.message_type.add(name=name).field.add(
            name=field,
            number=1,
            type=type,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in messages
    }


_all = {package: _classes(package, messages) for package, messages in _PACKAGES.items()}

HelloRequest = _all["greet"]["HelloRequest"]
HelloReply = _all["greet"]["HelloReply"]
LimitRequest = _all["number_stream"]["NumberRequest"]
NumberResponse = _all["number_stream"]["NumberResponse"]
SumRequest = _all["sum_stream"]["NumberRequest"]
SumResponse = _all["sum_stream"]["SumResponse"]
ChatRequest = _all["chat"]["ChatRequest"]
ChatResponse = _all["chat"]["ChatResponse"]


def error_details(text):
    """The details of errors that FailWithDetails sends: a usual type, and one of the examples'."""
    violation = error_details_pb2.BadRequest.FieldViolation(field="name", description=text)
    return [error_details_pb2.BadRequest(field_violations=[violation]), HelloRequest(name=text)]
