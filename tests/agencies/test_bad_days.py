"""The bad days that agencies really have, each against the simulator by real HTTP: what the reader is shown, and whom else
it costs anything. The contract (`test_contract.py`) holds every agency to what each fault may do; here are the stories."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import os
import socket
import ssl
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agencies import dopa, nhso, sso
from agencies.answers import SAID
from agencies.calls import Calls
from agencies.facts import Facts
from agencies.gateway import DATA_SUBJECT_REQUEST
from agencies.standard import operation
from backend.agencies import connect, sources
from backend.app import House
from foundation.errors import CannotStart
from foundation.http import Http
from foundation.settings import Settings, read
from tests.agencies.conftest import CATALOGUE, OPERATIONS

WORKER = 5  # insured under section 33
PLAIN = {spec.id: operation(spec) for spec in CATALOGUE.specs}
VEHICLES = PLAIN["dlt.get_vehicles"]


def alarms(metrics: Any, kind: str) -> float:
    return metrics.registry.get_sample_value("tangrat_alarms_total", {"kind": kind}) or 0


# It does not answer, or not in time


@pytest.fixture
def nobody_accepts() -> Iterator[str]:
    """An address where connecting never ends: the kernel's line of those who wait to be accepted is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
        for one in waiting:
            one.close()


async def test_an_address_that_accepts_nothing_costs_the_deadline_and_nobody_else(
    gateways, adapters, asking, settings, http, clock, nobody_accepts
):
    elsewhere = replace(settings, nhso_url=f"{nobody_accepts}/nhsoendpoint")
    doors = [*connect(elsewhere, http, CATALOGUE, clock=clock, deadline_s=1.0).adapters]
    one = await asking(WORKER, gateways(deadline_s=1.0, adapters=doors))

    lost, well = await asyncio.gather(one.ask(nhso.RIGHTS), one.ask(dopa.PERSON))

    assert (lost.state, lost.problem.code) == ("UNAVAILABLE", "AGENCY_TIMEOUT")
    assert well.state == "OK"


async def test_one_byte_a_second_does_not_hold_a_reader(gateways, asking, switch):
    switch("POST", "faults", {"agency": "dlt", "fault": "dripping"})
    one = await asking(WORKER, gateways(deadline_s=1.0))

    began = time.monotonic()
    lost, well = await asyncio.gather(one.ask(VEHICLES), one.ask(dopa.PERSON))

    assert (lost.problem.code, well.state) == ("AGENCY_TIMEOUT", "OK")
    assert time.monotonic() - began < 30  # the whole answer would take minutes


# It answers, but badly


@pytest.mark.parametrize(("status", "code"), [(500, "AGENCY_ERROR"), (502, "AGENCY_ERROR"), (429, "AGENCY_BUSY")])
async def test_when_it_says_for_how_long_the_reader_is_told_and_it_is_not_asked_again(asking, switch, status, code):
    switch("POST", "faults", {"agency": "dlt", "fault": "error", "status": status, "retry_after_s": 41})

    answer = await (await asking(WORKER)).ask(VEHICLES)

    assert (answer.state, answer.problem.code, answer.problem.retry_after_s) == ("UNAVAILABLE", code, 41)
    assert switch("GET", "faults")["faults"][0]["hits"] == 1


@pytest.mark.parametrize("agency", ["dopa", "sso", "nhso", "dlt"])
@pytest.mark.parametrize("fault", ["truncated", "malformed", "duplicate_key", "wrong_type", "html"])
async def test_what_can_not_be_read_is_shown_to_nobody_and_kept_nowhere(
    gateways, asking, switch, metrics, store, agency, fault
):
    through = gateways(deadline_s=3.0)
    one, asked = await asking(WORKER, through), {"dopa": dopa.PERSON, "sso": sso.INSURED, "nhso": nhso.RIGHTS}
    others = [question for name, question in asked.items() if name != agency]
    before = await asking(3, through)
    await asyncio.gather(*map(before.ask, asked.values()))  # signed in
    switch("POST", "faults", {"agency": agency, "fault": fault})

    lost, *well = await asyncio.gather(one.ask(asked.get(agency, VEHICLES)), *map(one.ask, others))
    await through.close()

    assert (lost.state, lost.value) == ("UNAVAILABLE", None)
    assert lost.problem.code in ("ANSWER_MALFORMED", "ANSWER_REJECTED")
    assert alarms(metrics, "answer_malformed") + alarms(metrics, "answer_about_someone_else") == 1
    assert [answer.state for answer in well] == ["OK"] * len(well)
    assert await store.collection("answers").count_documents({"person": one.subject, "agency": agency}) == 0


async def test_a_body_of_100_megabytes_is_not_taken_into_memory(gateways, asking, switch):
    through = gateways(deadline_s=5.0)
    await (await asking(3, through)).ask(VEHICLES)
    switch("POST", "faults", {"agency": "dlt", "fault": "huge"})
    one = await asking(WORKER, through)

    with traced() as memory:
        answer = await one.ask(VEHICLES)

    assert (answer.state, answer.problem.code) == ("UNAVAILABLE", "ANSWER_MALFORMED")
    assert memory.peak < 12 * 2**20


async def test_a_line_that_is_reset_midway_is_tried_again_and_then_given_up(asking, switch):
    switch("POST", "faults", {"agency": "dlt", "fault": "reset", "times": 1})
    assert (await (await asking(WORKER)).ask(VEHICLES)).state == "OK"
    switch("POST", "faults", {"agency": "dlt", "fault": "reset"})

    answer = await (await asking(WORKER)).ask(VEHICLES)

    assert (answer.state, answer.problem.code) == ("STALE", "AGENCY_UNREACHABLE")
    assert [one["hits"] for one in switch("GET", "faults")["faults"]] == [3]


# It is wrong


@pytest.mark.parametrize("asked", [dopa.PERSON, sso.INSURED, nhso.RIGHTS, VEHICLES], ids=lambda one: one.asked_through)
async def test_an_answer_about_somebody_else_never_enters_what_is_kept(
    gateways, asking, switch, metrics, store, asked, nation
):
    through = gateways(fresh_most_s=None)
    switch("POST", "faults", {"agency": asked.agency, "fault": "lying"})

    answer = await (await asking(WORKER, through)).ask(asked)
    await through.close()

    assert (answer.state, answer.value, answer.problem.code) == ("UNAVAILABLE", None, "ANSWER_REJECTED")
    assert alarms(metrics, "answer_about_someone_else") == 1
    assert await store.collection("answers").count_documents({}) == 0
    switch("DELETE", "faults")
    honest = await (await asking(WORKER, through)).ask(asked)
    assert honest.state == "OK"


async def test_two_agencies_that_disagree_are_both_shown_and_neither_is_believed(
    asking, adapters, switch, metrics, clock, nation
):
    switch("POST", "faults", {"agency": "nhso", "fault": "disagreeing"})
    facts = Facts(sources(CATALOGUE, OPERATIONS, adapters()), own_words=_no_words, clock=clock, metrics=metrics)
    one = await asking(WORKER)

    found = await facts.find(one, ["person.birth_date", "person.sex", "health.right"])

    born = found.facts["person.birth_date"]
    assert (born.state, born.value) == ("DISAGREEMENT", None)
    told = {claim.source.agency: claim.value for claim in born.claims}
    assert told.keys() == {"dopa", "nhso"}
    assert told["dopa"].earliest == nation.citizen(WORKER).birth.earliest()
    assert told["nhso"] != told["dopa"]
    assert alarms(metrics, "agencies_disagree") == 1
    # Each card still says what its own agency says.
    person, rights = await asyncio.gather(one.ask(dopa.PERSON), one.ask(nhso.RIGHTS))
    assert (person.state, person.value.birth) == ("OK", told["dopa"])
    assert (rights.state, rights.value.birth) == ("OK", told["nhso"])


async def _no_words(_asking: Any) -> dict[str, Any]:
    return {}


# It is not who it says it is


class Authority:
    """A certificate authority of the test's own, and what it signs."""

    def __init__(self, name: str = "Test CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key.public_key(), is_authority=True)

    def issue(self, directory: Path, *, host: str = "localhost", is_expired: bool = False) -> tuple[Path, Path]:
        """A server's certificate and key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        return _as_files(directory, self._sign(subject, key.public_key(), host=host, is_expired=is_expired), key)

    def as_pem(self, directory: Path) -> Path:
        path = directory / "ca.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def _sign(
        self, subject: x509.Name, key: Any, *, host: str = "", is_expired: bool = False, is_authority: bool = False
    ) -> x509.Certificate:
        until = datetime.now(UTC) + timedelta(days=-1 if is_expired else 2)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - timedelta(days=30))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if host:
            built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return built.sign(self._key, hashes.SHA256())


def _as_files(directory: Path, certificate: x509.Certificate, key: Any) -> tuple[Path, Path]:
    paths = directory / "server.pem", directory / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return paths


@asynccontextmanager
async def behind_tls(sandbox_url: str, certificate: Path, key: Path) -> AsyncIterator[tuple[str, list[int]]]:
    """The sandbox by TLS: its address, and how many bytes of requests came through."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    port = int(sandbox_url.rpartition(":")[2])
    heard: list[int] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[int] | None = None) -> None:
        try:
            while part := await reader.read(65_536):
                if heard is not None:
                    heard.append(len(part))
                writer.write(part)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, inner_writer, heard), carry(inner_reader, writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}", heard


@pytest.fixture
async def by_tls(
    tmp_path: Path, sandbox_url: str, settings: Settings, gateways: Any, asking: Any, clock: Any
) -> AsyncIterator[Any]:
    """Ask the NHSO through TLS with these files; gives the answer, DOPA's, and what of the request was sent."""
    clients: list[Http] = []

    async def ask(certificate: Path, key: Path, ca_file: Path | None) -> tuple[Any, Any, int]:
        clients.append(Http(ca_file=str(ca_file or "")))
        async with behind_tls(sandbox_url, certificate, key) as (address, heard):
            told = replace(settings, nhso_url=f"{address}/nhso/nhsoendpoint")
            doors = [*connect(told, clients[-1], CATALOGUE, clock=clock, deadline_s=5.0).adapters]
            one = await asking(WORKER, gateways(deadline_s=5.0, adapters=doors))
            answers = await asyncio.gather(one.ask(nhso.RIGHTS), one.ask(dopa.PERSON))
            return *answers, sum(heard)

    yield ask
    for client in clients:
        await client.close()


async def test_an_agency_with_an_authority_of_its_own_is_believed_where_we_were_told_of_it(by_tls, tmp_path):
    authority = Authority()

    answer, *_ = await by_tls(*authority.issue(tmp_path), authority.as_pem(tmp_path))

    assert answer.state == "OK"


@pytest.mark.parametrize("wrong", ["expired", "another host", "self-signed", "unknown authority", "no authority told"])
async def test_whoever_can_not_show_a_good_certificate_is_told_nothing_and_an_alarm_rings(
    by_tls, tmp_path, metrics, wrong
):
    ours = Authority()
    ca_file: Path | None = ours.as_pem(tmp_path)
    match wrong:
        case "expired":
            files = ours.issue(tmp_path, is_expired=True)
        case "another host":
            files = ours.issue(tmp_path, host="nhso.example")
        case "self-signed":
            alone = Authority("localhost")
            files = _as_files(tmp_path, alone.certificate, alone._key)
        case "unknown authority":
            files = Authority("Somebody else").issue(tmp_path)
        case _:
            files, ca_file = ours.issue(tmp_path), None

    lost, well, sent = await by_tls(*files, ca_file)

    assert (lost.state, lost.value, lost.problem.code) == ("UNAVAILABLE", None, "AGENCY_TLS")
    assert lost.problem.message == SAID["AGENCY_TLS"]
    assert alarms(metrics, "agency_tls") == 1
    assert sent == 0  # not even the question
    assert well.state == "OK"


async def test_an_answer_without_tls_where_tls_was_asked_for_is_not_believed(
    gateways, asking, settings, sandbox_url, http, clock
):
    plain = sandbox_url.replace("http:", "https:")
    doors = connect(replace(settings, nhso_url=f"{plain}/nhso/nhsoendpoint"), http, CATALOGUE, clock=clock).adapters

    answer = await (await asking(WORKER, gateways(adapters=[*doors]))).ask(nhso.RIGHTS)

    assert (answer.state, answer.problem.code) == ("UNAVAILABLE", "AGENCY_TLS")


async def test_a_change_that_met_a_false_certificate_was_not_sent_and_says_so(
    tmp_path, sandbox_url, settings, gateways, asking, clock, http, metrics
):
    async with behind_tls(sandbox_url, *Authority().issue(tmp_path)) as (address, heard):
        told = replace(settings, sso_url=f"{address}/sso/esv/esvews/service")
        doors = [*connect(told, http, CATALOGUE, clock=clock, deadline_s=5.0).adapters]
        one = await asking(WORKER, gateways(deadline_s=5.0, adapters=doors))
        answer = await one.ask(sso.CHANGE_HOSPITAL, hospital_code="10724", mobile="0812345678", reason="moved")

    assert answer.problem.code == "AGENCY_TLS"  # and not that its outcome is unknown
    assert alarms(metrics, "agency_tls") == 1
    assert sum(heard) == 0


def test_a_wrong_file_of_authorities_is_named_before_anything_starts(tmp_path):
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n")
    for path in (tmp_path / "missing.pem", tmp_path, nonsense):
        with pytest.raises(CannotStart, match="TANGRAT_AGENCY_CA_FILE"):
            read({"TANGRAT_AGENCY_CA_FILE": str(path)})

    good = Authority().as_pem(tmp_path)
    assert read({"TANGRAT_AGENCY_CA_FILE": str(good)}).agency_ca_file == str(good)


async def test_the_house_asks_its_agencies_with_the_authorities_it_was_told_of(
    tmp_path, sandbox_url, mongodb_uri, clock, nation
):
    authority = Authority()
    settings = read({
        "TANGRAT_SANDBOX_PORT": sandbox_url.rpartition(":")[2], "TANGRAT_MONGODB_URI": mongodb_uri,
        "TANGRAT_DATA_DIR": str(tmp_path), "TANGRAT_AGENCY_CA_FILE": str(authority.as_pem(tmp_path)),
    })  # fmt: skip
    async with behind_tls(sandbox_url, *authority.issue(tmp_path)) as (address, _):
        house = House(settings, process="test")
        reply = await house.http.request("GET", f"{address}/healthz", deadline_s=5)
        await house.http.close()
        await house.outside.close()
        await house.push.close()
        await house.store.close()

    assert reply.status == 200


# It comes and goes


async def test_an_agency_that_flaps_is_left_alone_probed_by_one_and_taken_back(gateways, asking, switch):
    through = gateways(deadline_s=3.0)
    people = range(1, 11)
    for number in people:
        assert (await (await asking(number, through)).ask(VEHICLES)).state == "OK"
    switch("POST", "faults", {"agency": "dlt", "fault": "error", "status": 500})

    def hits() -> int:
        return sum(one["hits"] for one in switch("GET", "faults")["faults"])

    async def everybody() -> list[Any]:
        return await asyncio.gather(*[(await asking(number, through)).ask(VEHICLES) for number in people])

    for _ in range(3):  # half of the last calls failed: it opens
        answers = await everybody()
    assert {(one.state, one.problem.code) for one in answers} == {("STALE", "AGENCY_DOWN")}
    before = hits()
    assert {one.state for one in await everybody()} == {"STALE"}
    assert hits() == before  # at once, and nobody asked it

    newcomer = await (await asking(12, through)).ask(VEHICLES)
    assert (newcomer.state, newcomer.problem.code) == ("UNAVAILABLE", "AGENCY_DOWN")

    await asyncio.sleep(newcomer.problem.retry_after_s)
    await until_asked(hits, before, everybody)
    assert hits() == before + 1  # one asked for all, and found it ill

    switch("DELETE", "faults")
    async with asyncio.timeout(30):
        while "OK" not in {one.state for one in await everybody()}:  # noqa: ASYNC110 -- it is we who have to ask
            await asyncio.sleep(0.1)
    assert {one.state for one in await everybody()} == {"OK"}


async def until_asked(hits: Callable[[], int], before: int, ask: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(30):
        while hits() == before:
            await ask()
            await asyncio.sleep(0.1)


async def test_in_the_nightly_window_what_was_said_before_is_shown_and_why(gateways, asking, switch):
    through = gateways()
    before = await (await asking(WORKER, through)).ask(sso.INSURED)
    switch("POST", "faults", {"agency": "sso", "fault": "refreshing"})

    answer = await (await asking(WORKER, through)).ask(sso.INSURED)
    stranger = await (await asking(7, through)).ask(sso.INSURED)

    assert (answer.state, answer.value, answer.fetched_at) == ("STALE", before.value, before.fetched_at)
    assert (stranger.state, stranger.value) == ("UNAVAILABLE", None)
    for one in (answer, stranger):
        assert one.problem.code == "AGENCY_REFRESHING"
        assert one.problem.message == SAID["AGENCY_REFRESHING"]
        assert one.problem.retry_after_s > 0


async def test_tokens_that_end_in_the_middle_of_a_fan_out_cost_nobody_an_answer(gateways, asking, switch):
    through = gateways(deadline_s=8.0)
    asked = (dopa.PERSON, dopa.FAMILY, sso.INSURED, sso.OLD_AGE, nhso.RIGHTS)
    insured = [5, 7, 8]
    before = await asking(1, through)
    await asyncio.gather(*map(before.ask, asked))  # signed in
    switch("POST", "latency", {"dopa": 120, "sso": 120, "gdx": 120})
    askings = [await asking(number, through) for number in insured for _ in range(4)]
    looks = [asyncio.create_task(one.ask(each)) for one in askings for each in asked]
    await asyncio.sleep(0.06)  # under way, and not yet answered

    forgotten = await asyncio.to_thread(switch, "DELETE", "tokens")
    answers = await asyncio.gather(*looks)

    assert min(forgotten["gdx"], forgotten["dopa"], forgotten["sso"]) >= 1
    assert Counter(one.state for one in answers) == {"OK": len(looks)}


async def test_agencies_that_hang_at_full_load_do_not_slow_the_others(gateways, asking, switch):
    """Five agencies of one host hang with all the calls that each may have, and a sixth answers everybody."""
    hanging = [PLAIN[name] for name in ("dlt.get_vehicles", "dol.list_parcels", "ect.get_polling", "gpf.get_member",
                                        "bot.get_credit")]  # fmt: skip
    through = gateways(deadline_s=6.0)
    for each in hanging:
        switch("POST", "faults", {"agency": each.agency, "fault": "slow", "delay_ms": 30_000})
    askings = [await asking(number, through) for number in range(200, 245)]

    stuck = [asyncio.create_task(one.ask(each)) for one in askings for each in hanging]
    await asyncio.sleep(0.2)
    well = await asyncio.gather(*(one.ask(nhso.RIGHTS) for one in askings))
    still = sum(not task.done() for task in stuck)
    lost = await asyncio.gather(*stuck)

    assert {one.state for one in well} <= {"OK", "NOT_FOUND"}
    assert still > len(hanging)  # they hung all the while
    assert {one.problem.code for one in lost} <= {"AGENCY_TIMEOUT", "AGENCY_BUSY", "AGENCY_DOWN"}
    hits = [fault["hits"] for fault in switch("GET", "faults")["faults"]]
    assert all(0 < count <= 40 for count in hits), hits  # never more in flight than a bulkhead has places
    assert sum(hits) > 128  # more than a pool of connections per host would have had


# Nothing is left behind


@dataclass(slots=True)
class Memory:
    """Bytes that Python holds, beyond what it held at the beginning."""

    grown: int = 0
    peak: int = 0


@contextmanager
def traced() -> Iterator[Memory]:
    memory = Memory()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield memory
    finally:
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        memory.grown, memory.peak = after - before, peak - before


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def sockets() -> int:
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except OSError:  # closed in the meantime
            continue
    return found


MIXED: tuple[dict[str, Any], ...] = (
    {"fault": "slow", "delay_ms": 5_000}, {"fault": "down"}, {"fault": "lying"}, {"fault": "dripping"},
    {"fault": "html"}, {"fault": "malformed"}, {"fault": "truncated"}, {"fault": "reset"},
    {"fault": "error", "status": 500}, {"fault": "error", "status": 429}, {"fault": "huge"}, {"fault": "duplicate_key"},
    {"fault": "wrong_type"}, {"fault": "refreshing"},
)  # fmt: skip


@pytest.mark.parametrize("calls", [400, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_memory_stays_flat_over_faulty_calls(
    gateways, http, settings, clock, asking, person, switch, caplog, calls
):
    caplog.set_level(logging.CRITICAL)  # what pytest keeps of the log is not what we hold
    through = gateways(deadline_s=0.5)
    doors = {one.asked_through: one for one in OPERATIONS if one.is_read and not one.takes}
    asked = list(doors.values())
    ways = itertools.cycle(MIXED)
    me = await person(WORKER)

    async def one_round() -> int:
        """Every door once, its breaker closed again, over the same connections and sign-ins."""
        switch("DELETE", "faults")
        for agency in dict.fromkeys(one.agency for one in asked):
            switch("POST", "faults", {"agency": agency, **next(ways)})
        through._calls = Calls(connected, metrics=through._metrics, deadline_s=0.5)
        asking = through.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST)
        answers = await asyncio.gather(*map(asking.ask, asked))
        assert {one.state for one in answers} <= {"UNAVAILABLE", "NOT_ALLOWED", "NOT_FOUND", "OK"}
        return sum(one.state != "OK" for one in answers)

    connected = [*connect(settings, http, CATALOGUE, clock=clock, deadline_s=0.5).adapters]
    for _ in range(4):
        await one_round()
    await settled(through)
    tasks, open_sockets, held = len(asyncio.all_tasks()), sockets(), resident()

    done = 0
    with traced() as memory:
        while done < calls:
            done += await one_round()
        await settled(through)

    assert len(asyncio.all_tasks()) <= tasks + 2
    assert sockets() <= open_sockets + len(asked)  # those that are kept open to be used again
    assert memory.grown < 4 * 2**20  # however many calls
    assert resident() - held < 64 * 2**20
    assert not through._flights
    assert not through._under_way


async def settled(through: Any) -> None:
    """What is under way has ended, and the sockets that were given up are closed."""
    async with asyncio.timeout(30):
        while through._under_way:  # noqa: ASYNC110 -- it rings no bell
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
