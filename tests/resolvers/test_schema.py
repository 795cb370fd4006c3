"""The graph's promise: what it looks like, that all of it is explained, and that the printed copy is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
    validate_schema,
)

from resolvers.schema import print_schema


@pytest.fixture(scope="module")
def printed() -> GraphQLSchema:
    return build_schema(print_schema())


def test_the_printed_schema_is_what_the_code_says(project: Path) -> None:
    assert (project / "schema.graphql").read_text(encoding="utf-8") == print_schema()


def test_printing_it_twice_gives_the_same(printed: GraphQLSchema) -> None:
    assert print_schema() == print_schema()
    assert validate_schema(printed) == []


def _unexplained(schema: GraphQLSchema) -> Iterator[str]:
    for name, kind in schema.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        if not kind.description:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, one in kind.values.items() if not one.description)
        if isinstance(kind, GraphQLInputObjectType):
            yield from (f"{name}.{value}" for value, one in kind.fields.items() if not one.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, one in kind.fields.items():
                if not one.description:
                    yield f"{name}.{field}"
                yield from (f"{name}.{field}({arg})" for arg, given in one.args.items() if not given.description)


def test_everything_is_explained(printed: GraphQLSchema) -> None:
    assert list(_unexplained(printed)) == []


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("Query.me", "Citizen"),
        ("Query.lifeStages", "[LifeStage!]!"),
        ("Query.lifeEvents", "LifeEventTypeConnection!"),
        ("Query.lifeEvent", "LifeEventType"),
        ("Query.publicServices", "PublicServiceConnection!"),
        ("Query.publicService", "PublicService"),
        ("Query.agencies", "[Agency!]!"),
        ("Query.sentCheck", "SentCheck"),
        ("Query.node", "Node"),
        ("Query.nodes", "[Node]!"),
        ("Citizen.profile", "ProfileAnswer!"),
        ("Citizen.household", "HouseholdAnswer!"),
        ("Citizen.socialSecurity", "SocialSecurityAnswer!"),
        ("Citizen.healthcare", "HealthcareAnswer!"),
        ("Citizen.inbox", "NotificationConnection!"),
        ("Citizen.preferences", "Preferences!"),
        ("Citizen.devices", "[Device!]!"),
        ("Citizen.accessRecords", "AccessRecordConnection!"),
        ("SocialSecurityAnswer.value", "SocialSecurity"),
        ("AgencyAnswer.agency", "Agency!"),
        ("AgencyAnswer.state", "AnswerState!"),
        ("AgencyAnswer.asOf", "DateTime"),
        ("AgencyAnswer.fetchedAt", "DateTime"),
        ("AgencyAnswer.problem", "Problem"),
    ],
)
def test_what_was_promised_is_there(place: str, kind: str, printed: GraphQLSchema) -> None:
    parent, field = place.split(".")
    owner = printed.type_map[parent]
    assert isinstance(owner, GraphQLObjectType | GraphQLInterfaceType)

    assert str(owner.fields[field].type) == kind


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("Query.lifeEvents(stage)", "LifeStageCode"),
        ("Query.publicServices(search)", "String"),
        ("Query.publicServices(agency)", "String"),
        ("Query.publicServices(kind)", "ServiceKind"),
        ("Query.publicServices(first)", "Int"),
        ("Query.publicServices(after)", "String"),
        ("Query.nodes(ids)", "[ID!]!"),
        ("Citizen.inbox(unreadOnly)", "Boolean!"),
        ("Citizen.accessRecords(first)", "Int"),
    ],
)
def test_what_was_promised_can_be_asked_so(place: str, kind: str, printed: GraphQLSchema) -> None:
    path, argument = place.rstrip(")").split("(")
    owner = printed.type_map[path.split(".")[0]]
    assert isinstance(owner, GraphQLObjectType)

    given = owner.fields[path.split(".")[1]].args[argument]
    assert str(given.type) == kind
    assert not isinstance(given.type, GraphQLNonNull) or argument == "ids" or given.default is not None


def test_every_answer_of_an_agency_has_a_value_that_may_be_missing(printed: GraphQLSchema) -> None:
    answers = printed.get_implementations(printed.type_map["AgencyAnswer"]).objects  # type: ignore[arg-type]

    assert len(answers) >= 9
    assert not [one.name for one in answers if isinstance(one.fields["value"].type, GraphQLNonNull)]


def test_nothing_shows_an_identity_number(printed: GraphQLSchema, schema: strawberry.Schema) -> None:
    text = str(schema).lower()

    for name in ("citizenid", "personnumber", "pid:", "identitynumber: "):
        assert name not in text.replace("maskedidentitynumber: ", "").replace("appid: ", "")
