"""What every RPC of ours keeps, seen from a client over a socket."""

import datetime as dt
from datetime import timedelta
from ipaddress import ip_address

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from common.errors import InvalidEvent, OutcomeUnknown, PermanentError, Rejected, TransientError
from common.rpc.client import call, open_channel
from common.rpc.refusals import Exhausted, FieldViolation, InvalidRequest, KeyReused, NotFound
from common.rpc.tls import TlsFiles
from nineconnect.dialer.v1 import dialer_pb2, dialer_pb2_grpc
from tests.contract.rpc.conftest import SERVICE, server_for

DEADLINE = timedelta(seconds=5)
REQUEST = dialer_pb2.GetCallRequest(customer_id="c-1", call_id="c-2")
RESOURCE = {"resource_type": "call", "resource_name": "c-2", "description": "words"}
SOON = timedelta(seconds=3)


def stub(channel):
    return dialer_pb2_grpc.DialerServiceStub(channel)


async def test_an_answer(channel, behaviour):
    assert (await call(stub(channel).GetCall, REQUEST, deadline=DEADLINE)).call.call_id == "c-2"
    assert behaviour.counted == {("GetCall", "OK"): 1}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest([FieldViolation("a", "must be"), FieldViolation("b.c", "too")]), "INVALID_ARGUMENT"),
        (KeyReused("key_reused", **RESOURCE), "ALREADY_EXISTS"),
        (NotFound("call_not_found", **RESOURCE), "NOT_FOUND"),
        (Exhausted("too_many", retry_after=SOON, description="too_many"), "RESOURCE_EXHAUSTED"),
        (Rejected("opted_out", rule_id="voice.opt_out"), "FAILED_PRECONDITION"),
        (TransientError("store_unavailable", retry_after=SOON), "UNAVAILABLE"),
        (OutcomeUnknown("provider_timeout"), "UNKNOWN"),
        (PermanentError("document_too_large"), "INTERNAL"),
    ],
)
async def test_errors_arrive_as_they_were_raised(channel, behaviour, error, code):
    behaviour.error = error
    with pytest.raises(type(error)) as caught:
        await call(stub(channel).GetCall, REQUEST, deadline=DEADLINE)
    assert (caught.value.code, caught.value.context) == (error.code, error.context)
    assert behaviour.counted == {("GetCall", code): 1}


async def test_an_invalid_event_names_its_field(channel, behaviour):
    behaviour.error = InvalidEvent("missing_field", field="data.amount", reason="is missing")
    with pytest.raises(InvalidRequest) as caught:
        await call(stub(channel).GetCall, REQUEST, deadline=DEADLINE)
    assert caught.value.violations == (FieldViolation("data.amount", "is missing"),)


async def test_a_bug_is_counted_and_tells_nothing(channel, behaviour):
    behaviour.error = ValueError("a secret")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub(channel).GetCall(REQUEST, timeout=5)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value.details())
    assert behaviour.bugs == 1


async def test_who_sets_no_deadline_gets_one(channel, behaviour):
    behaviour.hang = True
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub(channel).GetCall(REQUEST)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_deadline_that_passes_leaves_the_outcome_unknown(channel, behaviour):
    behaviour.hang = True
    with pytest.raises(OutcomeUnknown, match="rpc_deadline_exceeded"):
        await call(stub(channel).GetCall, REQUEST, deadline=timedelta(seconds=0.1))


async def test_a_dead_server_leaves_the_outcome_unknown(behaviour):
    server = server_for(behaviour)
    await server.start()
    await server.stop()
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(OutcomeUnknown, match="rpc_unavailable"):
            await call(stub(channel).GetCall, REQUEST, deadline=DEADLINE)


async def test_streams_are_guarded_too(channel, behaviour):
    behaviour.error = NotFound("call_not_found", **RESOURCE)
    responses = aiter(stub(channel).WatchCalls(dialer_pb2.WatchCallsRequest(customer_ids=["a", "b"])))
    seen = [(await anext(responses)).call.customer_id for _ in range(2)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(responses)
    assert seen == ["a", "b"]
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert behaviour.counted == {("WatchCalls", "NOT_FOUND"): 1}


async def test_an_unknown_method_is_unimplemented(channel):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary(f"/{SERVICE}/Nothing")(b"", timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_health_and_reflection(channel):
    health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=5)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, timeout=5)
    listed = [service.name async for answer in answers for service in answer.list_services_response.service]
    assert {SERVICE, "grpc.health.v1.Health"} <= set(listed)


def issued(directory, name, authority=None):
    """A key and a certificate signed by the authority, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority[1].subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    certificate = builder.sign(authority[0] if authority else key, hashes.SHA256())
    encoding = serialization.Encoding.PEM
    (directory / f"{name}.crt").write_bytes(certificate.public_bytes(encoding))
    (directory / f"{name}.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key, certificate


def files(directory, name=None):
    pair = (directory / f"{name}.crt", directory / f"{name}.key") if name else (None, None)
    return TlsFiles(*pair, authority=directory / "authority.crt")


async def test_with_an_authority_only_clients_it_knows_are_served(tmp_path, behaviour):
    authority = issued(tmp_path, "authority")
    for name in ("server", "client"):
        issued(tmp_path, name, authority)
    server = server_for(behaviour, tls=files(tmp_path, "server"))
    await server.start()
    target = f"127.0.0.1:{server.port}"
    async with open_channel(target, files(tmp_path, "client")) as known:
        assert (await call(stub(known).GetCall, REQUEST, deadline=DEADLINE)).call.call_id == "c-2"
    async with open_channel(target, files(tmp_path)) as stranger:
        with pytest.raises(OutcomeUnknown):
            await call(stub(stranger).GetCall, REQUEST, deadline=DEADLINE)
    await server.stop()
    assert behaviour.counted == {("GetCall", "OK"): 1}
