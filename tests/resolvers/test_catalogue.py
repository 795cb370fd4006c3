from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from lifeevents.catalogue.model import Catalogue
from resolvers.catalogue import LifeStageCode
from tests.resolvers.conftest import Graph


async def test_the_life_stages_come_in_order_with_their_events(graph: Graph, catalogue: Catalogue) -> None:
    data = await graph.ask("{ lifeStages { code order title { th en } lifeEvents { code } services { code } } }")

    assert [stage["code"] for stage in data["lifeStages"]] == [one.code.upper() for one in catalogue.life_stages]
    assert [stage["order"] for stage in data["lifeStages"]] == sorted(one.order for one in catalogue.life_stages)
    assert sum(len(stage["services"]) for stage in data["lifeStages"]) == len(catalogue.services)


def test_every_stage_of_the_catalogue_is_one_of_the_graph(catalogue: Catalogue) -> None:
    assert {one.value for one in LifeStageCode} == {one.code for one in catalogue.life_stages}


async def test_a_text_is_said_in_the_readers_language(graph: Graph) -> None:
    query = '{ lifeEvent(code: "birth_of_child") { title { th en said } } }'
    english = graph.with_headers(Accept_Language="en-GB,en;q=0.9,th;q=0.2")

    by_default = (await graph.ask(query))["lifeEvent"]["title"]
    in_english = (await english.ask(query))["lifeEvent"]["title"]

    assert by_default == {"th": "มีลูก", "en": "Birth of a child", "said": "มีลูก"}
    assert in_english["said"] == "Birth of a child"


async def test_a_life_event_tells_its_steps(graph: Graph) -> None:
    data = await graph.ask(
        """{ lifeEvent(code: "birth_of_child") { stage { code } beginning reportedBy { code }
             steps { order service { code agency { code } } dependsOn onlyIf { level kind text { en } } } } }"""
    )

    event = data["lifeEvent"]
    assert event["stage"] == {"code": "BIRTH"}
    assert event["reportedBy"] == {"code": "moph"}
    assert [step["order"] for step in event["steps"]] == sorted(step["order"] for step in event["steps"])
    late = next(step for step in event["steps"] if step["service"]["code"] == "late_birth_registration")
    assert late["onlyIf"][0]["text"]["en"] == "child's age in days more than 15 days"


async def test_a_service_tells_everything_about_itself(graph: Graph, catalogue: Catalogue) -> None:
    everything = """query ($after: String) { publicServices(first: 15, after: $after) { totalCount
      pageInfo { hasNextPage endCursor } edges { node {
        id code title { th en said } summary { said } agency { code name { said } } stage { code } kind status scope
        validFrom validTo legalBasis { act yearBe section }
        requirements { level kind text { said } operator values }
        deadline { kind rule length { said } anchor { said } hours yearlyDay periods { opens closes } closesRight }
        evidence { code title { said } holder { code } mustBring isPrefilled } fees { name { said } value unit { code } }
        typicalDuration { said } channels { code name { said } } requires { code } lifeEvents { code }
        notes traps sources sourceKind confidence asOf } } } }"""
    amounts = """query ($after: String) { publicServices(first: 25, after: $after) {
      pageInfo { hasNextPage endCursor } edges { node { code amounts {
        name { said } item value atLeast atMost choices formula parameter { code values { value validFrom } }
        tiersBy { path } tiers { label value } unit { code } per { code } validFrom validTo conditions { text { said } }
        isTopUp } } } } }"""

    seen: list[dict[str, Any]] = []
    for query in (everything, amounts):
        after, seen = None, []
        while True:
            page = (await graph.ask(query, after=after))["publicServices"]
            seen += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert [one["code"] for one in seen] == [one.code for one in catalogue.services]

    allowance = next(one for one in seen if one["code"] == "old_age_allowance")
    assert "600" in [amount["value"] for amount in allowance["amounts"]]


async def test_a_second_page_begins_where_the_first_ended(graph: Graph, catalogue: Catalogue) -> None:
    query = """query ($after: String) { lifeEvents(first: 5, after: $after) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { code } } } }"""

    first = (await graph.ask(query))["lifeEvents"]
    second = (await graph.ask(query, after=first["pageInfo"]["endCursor"]))["lifeEvents"]

    codes = [edge["node"]["code"] for page in (first, second) for edge in page["edges"]]
    assert codes == [one.code for one in catalogue.life_events[:10]]
    assert first["pageInfo"]["hasNextPage"]
    assert not first["pageInfo"]["hasPreviousPage"]
    assert second["pageInfo"]["hasPreviousPage"]
    assert second["pageInfo"]["startCursor"] == second["edges"][0]["cursor"]
    assert first["totalCount"] == len(catalogue.life_events)


async def test_an_empty_list_is_a_list(graph: Graph) -> None:
    data = await graph.ask(
        """{ publicServices(agency: "nobody") { totalCount edges { node { code } }
             pageInfo { hasNextPage startCursor endCursor } } }"""
    )

    assert data["publicServices"] == {
        "totalCount": 0,
        "edges": [],
        "pageInfo": {"hasNextPage": False, "startCursor": None, "endCursor": None},
    }


async def test_what_the_catalogue_does_not_have_is_null(graph: Graph) -> None:
    data = await graph.ask('{ lifeEvent(code: "nothing") { code } publicService(code: "") { code } }')

    assert data == {"lifeEvent": None, "publicService": None}


async def test_services_are_narrowed_by_all_that_is_said(graph: Graph, catalogue: Catalogue) -> None:
    data = await graph.ask(
        """{ publicServices(agency: "sso", kind: BENEFIT, lifeEvent: "birth_of_child") {
             edges { node { code kind agency { code } lifeEvents { code } } } } }"""
    )

    nodes = [edge["node"] for edge in data["publicServices"]["edges"]]
    assert nodes
    assert all(one["agency"]["code"] == "sso" and one["kind"] == "BENEFIT" for one in nodes)
    assert all({"code": "birth_of_child"} in one["lifeEvents"] for one in nodes)


async def test_life_events_are_narrowed_to_a_stage(graph: Graph) -> None:
    data = await graph.ask("{ lifeEvents(stage: DEATH) { edges { node { stage { code } } } } }")

    assert data["lifeEvents"]["edges"]
    assert {edge["node"]["stage"]["code"] for edge in data["lifeEvents"]["edges"]} == {"DEATH"}


@pytest.mark.parametrize(
    "search",
    [
        "ว่างงาน",
        "เงินทดแทนกรณีว่างงาน",
        "unemployment",
        "sso_unemployment_benefit",
        "  UNEMPLOYMENT   benefit ",
        "ว่าง\u200bงาน",  # with a zero-width space
    ],
)
async def test_a_search_finds_words_in_either_language(search: str, graph: Graph) -> None:
    data = await graph.ask("query ($s: String) { publicServices(search: $s) { edges { node { code } } } }", s=search)

    assert "sso_unemployment_benefit" in [edge["node"]["code"] for edge in data["publicServices"]["edges"]]


async def test_a_search_reads_sara_am_however_it_is_typed(graph: Graph, catalogue: Catalogue) -> None:
    composed = next(one.title.th for one in catalogue.services if "ำ" in one.title.th)
    decomposed = composed.replace("ำ", "ํา")
    query = "query ($s: String) { publicServices(search: $s) { edges { node { code } } } }"

    found = await graph.ask(query, s=composed)

    assert decomposed != composed
    assert found["publicServices"]["edges"]
    assert await graph.ask(query, s=decomposed) == found
    assert await graph.ask(query, s=unicodedata.normalize("NFD", composed)) == found


@pytest.mark.parametrize("first", [0, -1, 101, 2147483647])
async def test_a_page_outside_its_bounds_is_refused(first: int, graph: Graph) -> None:
    reply = await graph.reply("query ($n: Int) { publicServices(first: $n) { edges { node { code } } } }", n=first)

    (error,) = reply.json()["errors"]
    assert error["extensions"] == {"code": "BAD_INPUT", "field": "first"}
    assert "1 ถึง 100" in error["message"]
    assert error["path"] == ["publicServices"]


async def test_a_cursor_of_another_list_is_refused(graph: Graph) -> None:
    events = await graph.ask("{ lifeEvents(first: 1) { pageInfo { endCursor } } }")
    cursor = events["lifeEvents"]["pageInfo"]["endCursor"]
    query = "query ($a: String) { publicServices(after: $a) { edges { cursor } } }"

    assert await graph.code(query, a=cursor) == "BAD_INPUT"
    assert await graph.code(query, a="nonsense") == "BAD_INPUT"
    assert await graph.code(query, a="") == "BAD_INPUT"


async def test_a_search_that_is_too_long_is_refused(graph: Graph) -> None:
    assert (
        await graph.code("query ($s: String) { publicServices(search: $s) { totalCount } }", s="ก" * 201) == "BAD_INPUT"
    )


async def test_agencies_say_whether_they_can_be_asked(graph: Graph, catalogue: Catalogue) -> None:
    data = await graph.ask("{ agencies { id code name { th } ministry { en } dataHeld { said } status } }")

    assert [one["code"] for one in data["agencies"]] == [one.id for one in catalogue.agencies]
    assert [one["code"] for one in data["agencies"] if one["status"] == "NOT_CONNECTED"] == []


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ('{ found: publicService(code: "birth_registration") { id } }', "PublicService"),
        ('{ found: lifeEvent(code: "birth_of_child") { id } }', "LifeEventType"),
        ("{ found: lifeStages { id } }", "LifeStage"),
        ("{ found: agencies { id } }", "Agency"),
    ],
)
async def test_an_id_leads_back_to_its_thing(query: str, kind: str, graph: Graph) -> None:
    found = (await graph.ask(query))["found"]
    there = found[0]["id"] if isinstance(found, list) else found["id"]

    data = await graph.ask("query ($id: ID!) { node(id: $id) { __typename id } }", id=there)

    assert data == {"node": {"__typename": kind, "id": there}}


async def test_several_ids_lead_back_in_their_order(graph: Graph) -> None:
    agency = (await graph.ask("{ agencies { id } }"))["agencies"][3]["id"]
    stage = (await graph.ask("{ lifeStages { id } }"))["lifeStages"][0]["id"]

    data = await graph.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Agency { code } ... on LifeStage { order } } }",
        ids=[stage, "nonsense", agency],
    )

    assert data["nodes"][0] == {"id": stage, "order": 1}
    assert data["nodes"][1] is None
    assert data["nodes"][2]["id"] == agency
