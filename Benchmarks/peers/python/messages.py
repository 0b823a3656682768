"""The messages of bench.proto, from the description of it that Benchmarks/Scripts/peers makes."""
import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PROTO = pathlib.Path(__file__).resolve().parents[2] / "out/peers/bench.desc"


def _classes():
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(_PROTO.read_bytes()).file:
        pool.Add(file)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bench.{name}"))
            for name in ("Chunk", "Order")]


Chunk, Order = _classes()
SERVICE = "bench.Echo"
# Messages of 8 MiB have to pass.
MAX_MESSAGE = ("grpc.max_receive_message_length", 16 << 20)
