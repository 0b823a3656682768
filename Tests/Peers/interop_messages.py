"""The messages of gRPC's interoperability tests, from the .proto files of Debian's grpc-proto.

Made when they are imported, by the protoc that the C++ peers need too, so that there is no generated
code to keep.
"""

import subprocess

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PROTOS = "/usr/share/grpc-proto"
SERVICE = "grpc.testing.TestService"


def _classes():
    command = [
        "protoc", f"--proto_path={_PROTOS}", "--include_imports",
        "--descriptor_set_out=/dev/stdout", "grpc/testing/messages.proto",
        "grpc/testing/empty.proto",
    ]  # fmt: skip
    encoded = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    files = descriptor_pb2.FileDescriptorSet.FromString(encoded)
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {
        message.name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{file.package}.{message.name}")
        )
        for file in files.file
        for message in file.message_type
    }


_all = _classes()

Empty = _all["Empty"]
EchoStatus = _all["EchoStatus"]
ResponseParameters = _all["ResponseParameters"]
SimpleRequest = _all["SimpleRequest"]
SimpleResponse = _all["SimpleResponse"]
StreamingInputCallRequest = _all["StreamingInputCallRequest"]
StreamingInputCallResponse = _all["StreamingInputCallResponse"]
StreamingOutputCallRequest = _all["StreamingOutputCallRequest"]
StreamingOutputCallResponse = _all["StreamingOutputCallResponse"]

INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
