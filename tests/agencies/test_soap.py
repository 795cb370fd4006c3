"""SOAP answers: read like any other, and hostile XML ends before it costs anything."""

from __future__ import annotations

import time

import pytest

from agencies.soap import SoapFault, envelope, headers, listed, opened_soap
from agencies.trouble import AgencyDown, AgencyRefused, AnswerMalformed
from foundation.http import Reply

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body>{}</s:Body></s:Envelope>'
)
FAULT = "<s:Fault><faultcode>s:Server</faultcode><faultstring>out of order</faultstring></s:Fault>"


def reply(body: str | bytes, status: int = 200) -> Reply:
    return Reply(status=status, headers={}, body=body if isinstance(body, bytes) else body.encode())


def test_an_answer_is_read_by_its_local_names():
    inner = '<n:Said xmlns:n="urn:x"><n:name> ไทย </n:name><n:none/><n:nil xsi:nil="true">x</n:nil></n:Said>'

    said = opened_soap(reply(ENVELOPE.format(inner)))

    assert (said.text("name"), said.maybe_text("none"), said.maybe_text("nil")) == ("ไทย", None, None)
    assert said.content == {"name": "ไทย", "none": None, "nil": None}  # as JSON can keep it


def test_a_list_of_none_of_one_and_of_many_is_a_list():
    for count in range(4):
        jobs = "".join(f"<job><no>{at}</no></job>" for at in range(count))
        said = opened_soap(reply(ENVELOPE.format(f"<Said>{jobs}<x>1</x></Said>")))

        assert [job.number("no") for job in listed(said, "job")] == list(range(count))


def test_an_answer_in_the_older_thai_encoding_is_read():
    body = '<?xml version="1.0" encoding="TIS-620"?>' + ENVELOPE.format("<Said><name>ไทย</name></Said>")

    assert opened_soap(reply(body.encode("tis-620"))).text("name") == "ไทย"


def test_a_fault_is_the_agencys_own_trouble_whatever_its_status():
    for status in (200, 500):
        with pytest.raises(SoapFault) as fault:
            opened_soap(reply(ENVELOPE.format(FAULT), status))

        assert (fault.value.fault_code, fault.value.fault_text) == ("Server", "out of order")
        assert "out of order" not in str(fault.value)  # the log gets none of their words


@pytest.mark.parametrize(
    ("body", "status", "trouble"),
    [
        ("<html>", 500, AgencyDown), ('{"code":"WS500"}', 500, AgencyDown), (ENVELOPE.format("<a>1</a>"), 500, AgencyDown),
        (ENVELOPE.format("<a>1</a>"), 503, AgencyDown), ("", 429, AgencyDown), ("", 401, AgencyRefused),
    ],
)  # fmt: skip
def test_a_status_counts_where_there_is_no_fault(body, status, trouble):
    with pytest.raises(trouble):
        opened_soap(reply(body, status))


@pytest.mark.parametrize(
    "body",
    [
        "", "{}", "<html>", "<a/>", ENVELOPE.format(""), ENVELOPE.format("<a/><b/>"), ENVELOPE.format("text"),
        ENVELOPE.format("<Said><a>")[:90], '<?xml version="1.0" encoding="nonsense"?><a/>', b"\x00\xff\xfe",
        '<!DOCTYPE a [<!ENTITY b "c">]>' + ENVELOPE.format("<a>&b;</a>"),
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">' + ENVELOPE.format("<a/>"),
        ENVELOPE.format("<a>&unknown;</a>"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_malformed(body):
    with pytest.raises(AnswerMalformed):
        opened_soap(reply(body))


@pytest.mark.parametrize(
    "inner", ["<a>" * 100_000, "<a>" * 40 + "</a>" * 40, "<Said>" + "<a/>" * 100_000 + "</Said>", "<a><b>" * 60_000],
    ids=["endless", "deep", "wide", "both"],
)  # fmt: skip
def test_an_answer_without_measure_is_refused_at_once(inner):
    began = time.perf_counter()

    with pytest.raises(AnswerMalformed):
        opened_soap(reply(ENVELOPE.format(inner)))

    assert time.perf_counter() - began < 1


def test_what_is_asked_can_not_break_out_of_its_element():
    asked = envelope("getThis", {"name": "</t:name><t:x>&\x00\n"}, namespace='urn:x"><y')

    said = opened_soap(reply(asked))

    assert said.content == {"name": "</t:name><t:x>&"}
    assert headers("do")["SOAPAction"] == '"do"'
