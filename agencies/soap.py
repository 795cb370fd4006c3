"""SOAP 1.1, as the older half of the state still speaks it: an envelope out, and an answer read like any other.

Requests are short, so they are written by hand. Answers are somebody else's XML: no DTD, so no entity can swell or lead
to a file, and an end to how deep and how many elements may be. What comes out is made of dicts, lists and texts under
the local names, so that a `Reading` reads it and it can be kept like JSON; namespaces and attributes are nobody's facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from agencies.dialect import served
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AnswerMalformed
from foundation.http import Reply

_DEEPEST = 32
_MOST_ELEMENTS = 20_000
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class SoapFault(AgencyDown):
    """The service says itself that it could not. `fault_code` and `fault_text` are its own words, not for the log."""

    def __init__(self, fault_code: str, fault_text: str) -> None:
        super().__init__("a SOAP fault")
        self.fault_code = fault_code  # its local part: Client, Server, …
        self.fault_text = fault_text


def envelope(operation: str, fields: Mapping[str, str], *, namespace: str) -> bytes:
    """The request: `operation` of `namespace` with its fields, in their order."""
    inner = "".join(f"<t:{name}>{escape(_without_signs(value))}</t:{name}>" for name, value in fields.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{_ENVELOPE}" xmlns:t={quoteattr(namespace)}>'
        f"<soap:Body><t:{operation}>{inner}</t:{operation}></soap:Body></soap:Envelope>"
    ).encode()


def headers(action: str = "") -> dict[str, str]:
    """What goes with an envelope; many services look at SOAPAction, and all demand that it is there."""
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}


def opened_soap(reply: Reply) -> Reading:
    """The one element in the answer's body: `<getThisResponse>…`. Where a fault stands there, SoapFault.

    A fault comes with HTTP 500 (SOAP 1.1, section 6.2), so it is looked for before the status is believed.
    """
    if reply.status != 500:
        served(reply)
    try:
        body = _read(reply.body)
    except AnswerMalformed:
        served(reply)
        raise
    if "Fault" in body:
        fault = body["Fault"] if type(body["Fault"]) is dict else {}
        code, text = (fault.get(name) for name in ("faultcode", "faultstring"))
        raise SoapFault(_local(code if type(code) is str else ""), text if type(text) is str else "")
    served(reply)
    if len(body) != 1:
        raise AnswerMalformed(f"{len(body)} elements in the SOAP body")
    return Reading(next(iter(body.values())) or {})


def listed(reading: Reading, *names: str) -> list[Reading]:
    """An element that may stand there never, once or many times: XML writes a list of one like a single thing."""
    found = reading.raw(*names)
    return [Reading(one) for one in (found if type(found) is list else [found]) if one is not None]


def _read(body: bytes) -> dict[str, Any]:
    tree = _Tree()
    try:
        parser = DefusedXMLParser(target=tree, forbid_dtd=True)
        parser.feed(body)
        parser.close()
    except (ParseError, DefusedXmlException, LookupError, ValueError) as exc:  # LookupError: an unknown encoding
        raise AnswerMalformed(f"not XML that is read here: {type(exc).__name__}") from exc
    envelope = tree.root.get("Envelope")
    found = envelope.get("Body") if type(envelope) is dict else None
    if type(found) is not dict:
        raise AnswerMalformed("not a SOAP envelope")
    return found


class _Tree:
    """Takes the parser's events and keeps what they tell, without a tree of elements in between."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[dict[str, Any], list[str], bool]] = [(self.root, [], False)]
        self._elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if len(self._open) > _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise AnswerMalformed("XML deeper or longer than any answer")
        self._open.append(({}, [], attributes.get(_NIL) in ("true", "1")))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, tag: str) -> None:
        children, texts, is_nil = self._open.pop()
        value: Any = children or "".join(texts).strip() or None
        into, name = self._open[-1][0], _local(tag)
        if name not in into:
            into[name] = None if is_nil else value
        elif type(into[name]) is list:
            into[name].append(value)
        else:
            into[name] = [into[name], value]

    def close(self) -> None:
        """Nothing is left to tell."""


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def _without_signs(text: str) -> str:
    """XML has no way to write most control characters."""
    return "".join(sign for sign in text if sign.isprintable())
