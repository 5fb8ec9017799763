"""The judge of approvals, as a table: what people did, what could be learnt, and what follows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.gates.approvals import ApprovalRequirement, Approvals, Stale, Standing, candidates, judge, opinions
from dhash_guard.records.review import Fact, Known, PullFacts, Push, Review, ReviewFacts, ReviewState

HEAD, OLD = "a" * 40, "b" * 40
YES, NO, UNKNOWN = (
    Fact(known=Known.YES, source="team API"),
    Fact(known=Known.NO),
    Fact(known=Known.UNKNOWN, reason="403", cure="?"),
)
STATES = {
    "+": ReviewState.APPROVED, "-": ReviewState.CHANGES_REQUESTED, "~": ReviewState.COMMENTED,
    "!": ReviewState.DISMISSED, "?": ReviewState.PENDING,
}  # fmt: skip
PULL = PullFacts(
    number=7, author="ada", head_sha=HEAD, head_ref="change", head_repository="o/r", base_ref="main", open=True, merged=False
)  # fmt: skip


def reviews(story: str) -> tuple[Review, ...]:
    """`grace+ linus-old ada~`: who, what, of which commit (else the head), ten seconds apart or `@5`; `#5` is an id."""
    found = []
    for place, word in enumerate(story.split(), 1):
        who, sign, commit, number, at = re.fullmatch(r"([\w\[\]-]*?)([+!~?]|-)(old)?(?:#(\d+))?(?:@(\d+))?", word).groups()  # type: ignore[union-attr]
        state = STATES[sign]
        found.append(
            Review(
                id=int(number or place),
                author=who,
                bot=who.endswith("[bot]"),
                state=state,
                commit=OLD if commit else HEAD,
                at=None if state is ReviewState.PENDING else float(at or 10 * place),
            )
        )
    return tuple(found)


def told(story: str, asked: ApprovalRequirement, **known: Any) -> Approvals:
    """Everybody may write and is known, but for those who are named in `known`."""
    people = {review.author.casefold() for review in reviews(story)}
    rights = dict.fromkeys(people, YES) | dict.fromkeys(known.get("readers", "").split(), NO)
    rights |= dict.fromkeys(known.get("dark", "").split(), UNKNOWN)
    teams = {
        team: dict.fromkeys(people, UNKNOWN if members == "unseen" else NO)
        | (dict.fromkeys(members.split(), YES) if members != "unseen" else {})
        for team, members in known.get("teams", {}).items()
    }
    return judge(
        ReviewFacts(
            pull=evolve(PULL, requested=tuple(known.get("requested", "").split()), author=known.get("author", "ada")),
            reviews=reviews(story),
            push=known.get("push", Push(at=15.0, by="ada")),
            writers=rights,
            members=teams,
            vouched=known.get("vouched", {}),
        ),
        asked,
    )


def two(stale: Stale = Stale.HEAD_SHA, **teams: int) -> ApprovalRequirement:
    return ApprovalRequirement(at_least=2, teams=teams, stale=stale)


def one(stale: Stale = Stale.HEAD_SHA, **teams: int) -> ApprovalRequirement:
    return ApprovalRequirement(at_least=1, teams=teams, stale=stale)


V, M, U = Standing.VERIFIED, Standing.MISSING, Standing.UNVERIFIABLE
LAST, IGNORE = Stale.LAST_PUSH, Stale.IGNORE

CASES: list[tuple[str, str, ApprovalRequirement, dict[str, Any], Standing]] = [
    # how many
    ("nobody", "", two(), {}, M),
    ("one of two", "grace+", two(), {}, M),
    ("two of two", "grace+ linus+", two(), {}, V),
    ("three of two", "grace+ linus+ eve+", two(), {}, V),
    ("the same person twice", "grace+ grace+", two(), {}, M),
    ("the same person in other letters", "grace+ Grace+", two(), {}, M),
    ("none asked but a team", "grace+", ApprovalRequirement(at_least=0, teams={"ops": 1}), {"teams": {"ops": "grace"}}, V),
    ("three hundred comments between", "grace+ " + "eve~ " * 300 + "linus+", two(), {}, V),
    # latest opinion
    ("a comment after an approval leaves it", "grace+ grace~", one(), {}, V),
    ("comments alone", "grace~ linus~", one(), {}, M),
    ("changes after an approval", "grace+ grace-", one(), {}, M),
    ("changes after an approval block the others' too", "grace+ linus+ eve+ eve-", two(), {}, M),
    ("an approval after changes", "grace- grace+", one(), {}, V),
    ("a comment after changes leaves them", "linus+ grace- grace~", one(), {}, M),
    ("changes of somebody else", "grace+ linus-", one(), {}, M),
    ("changes that were dismissed", "grace+ linus!", one(), {}, V),
    ("an approval that was dismissed", "grace!", one(), {}, M),
    ("dismissed, then approved", "grace! grace+", one(), {}, V),
    ("approved, then a dismissed opinion", "grace+ grace!", one(), {}, M),
    ("a pending review is none", "grace?", one(), {}, M),
    ("a pending review after an approval leaves it", "grace+ grace?", one(), {}, V),
    ("listed in another order", "grace-@20 grace+@30 linus+@10", two(), {}, V),
    ("listed in another order, changes last", "grace-@30 grace+@20 linus+@10", one(), {}, M),
    ("the same second, the later id wins", "grace+#1@10 grace-#2@10", one(), {}, M),
    ("the same second, listed backwards", "grace-#1@10 grace+#2@10", one(), {}, V),
    ("one review on two pages", "grace+#1@10 linus+#2@20 linus+#2@20", two(), {}, V),
    ("dismissed between two pages", "grace+#1@10 grace!#1@10", one(), {}, M),
    ("dismissed between two pages, listed backwards", "grace!#1@10 grace+#1@10", one(), {}, M),
    # who
    ("the author", "ada+", one(), {}, M),
    ("the author in other letters", "ADA+", one(), {}, M),
    ("the author beside one other", "ada+ grace+", two(), {}, M),
    ("the author asks for changes: no voice", "grace+ ada-", one(), {}, V),
    ("a bot", "helper[bot]+", one(), {}, M),
    ("a bot asks for changes: no voice", "grace+ helper[bot]-", one(), {}, V),
    ("an account without the bot's name", "renovate+", one(), {}, V),
    ("a deleted account", "+", one(), {}, M),
    ("two deleted accounts are nobody", "+ +", two(), {}, M),
    ("github's ghost", "ghost+ Ghost+", one(), {}, M),
    ("a deleted account asks for changes", "grace+ -", one(), {}, V),
    ("a deleted author, an approval of a person", "grace+", one(), {"author": ""}, V),
    ("a deleted author, an approval of a deleted account", "+", one(), {"author": ""}, M),
    ("without write access", "eve+", one(), {"readers": "eve"}, M),
    ("without write access beside two with", "eve+ grace+ linus+", two(), {"readers": "eve"}, V),
    ("changes without write access do not block", "grace+ eve-", one(), {"readers": "eve"}, V),
    ("rights unknown", "grace+", one(), {"dark": "grace"}, U),
    ("rights unknown of one more than needed", "grace+ linus+ eve+", two(), {"dark": "eve"}, V),
    ("rights unknown of one, and still too few", "grace+", two(), {"dark": "grace"}, M),
    ("changes of somebody whose rights are unknown", "grace+ linus-", one(), {"dark": "linus"}, U),
    ("changes known and unknown", "grace+ linus- eve-", one(), {"dark": "linus"}, M),
    ("asked to review again", "grace+", one(), {"requested": "grace"}, M),
    ("asked to review again, in other letters", "grace+", one(), {"requested": "Grace"}, M),
    ("somebody else is asked", "grace+", one(), {"requested": "linus"}, V),
    ("asked again after changes: they still block", "linus+ grace-", one(), {"requested": "grace"}, M),
    # stale by the head
    ("an older commit", "grace+old", one(), {}, M),
    ("an older commit, then the head", "grace+old grace+", one(), {}, V),
    ("an older commit beside one of the head", "grace+old linus+", two(), {}, M),
    ("the head, then an older commit: the latest counts", "grace+ grace+old", one(), {}, M),
    ("stale changes still block", "grace+ linus-old", one(), {}, M),
    ("a comment on the head does not renew", "grace+old grace~", one(), {}, M),
    ("stale and rights unknown: it is out either way", "grace+old", one(), {"dark": "grace"}, M),
    # stale by the last push
    ("after the push", "eve~ grace+", one(LAST), {}, V),
    ("after the push, of an older page", "eve~ grace+old", one(LAST), {}, V),
    ("before the push", "grace+", one(LAST), {}, M),
    ("before a force-push back to the same commit", "grace+@10", one(LAST), {"push": Push(at=99.0, by="ada")}, M),
    ("in the second of the push, of the head", "grace+@15", one(LAST), {}, V),
    ("in the second of the push, of an older commit", "grace+old@15", one(LAST), {}, M),
    ("by the one who pushed last", "eve~ grace+", one(LAST), {"push": Push(at=15.0, by="Grace")}, M),
    ("by the one who pushed last, beside another", "eve~ grace+ linus+", one(LAST), {"push": Push(at=15.0, by="grace")}, V),
    ("nobody tells the push", "eve~ grace+", one(LAST), {"push": Push(reason="403", cure="?")}, U),
    ("nobody tells the push, and too few", "grace+", two(LAST), {"push": Push(reason="403")}, M),
    ("pushed by nobody known", "eve~ grace+", one(LAST), {"push": Push(at=15.0)}, V),
    # never stale
    ("old is fine", "grace+old linus+old", two(IGNORE), {}, V),
    ("old is fine, dismissed is not", "grace+old linus!old", two(IGNORE), {}, M),
    ("old is fine, the author is not", "ada+old grace+old", two(IGNORE), {}, M),
    ("no time of a push is needed", "grace+", one(IGNORE), {"push": Push(reason="403")}, V),
    # teams
    ("one of ops", "grace+ linus+", two(ops=1), {"teams": {"ops": "grace"}}, V),
    ("nobody of ops", "grace+ linus+", two(ops=1), {"teams": {"ops": "eve"}}, M),
    ("two of ops asked, one there", "grace+ linus+", two(ops=2), {"teams": {"ops": "grace"}}, M),
    ("a member who is stale", "grace+old linus+ eve+", two(ops=1), {"teams": {"ops": "grace"}}, M),
    ("a member who asks for changes", "grace- linus+ eve+", two(ops=1), {"teams": {"ops": "grace"}}, M),
    ("the author is a member", "ada+ grace+", one(ops=1), {"teams": {"ops": "ada"}}, M),
    ("a member without write access", "grace+ eve+", one(ops=1), {"teams": {"ops": "eve"}, "readers": "eve"}, M),
    ("a member whose rights are unknown", "grace+ eve+", one(ops=1), {"teams": {"ops": "eve"}, "dark": "eve"}, U),
    ("the team cannot be seen", "grace+ linus+", two(ops=1), {"teams": {"ops": "unseen"}}, U),
    ("the team cannot be seen, and nobody approves", "", two(ops=1), {"teams": {"ops": "unseen"}}, M),
    ("the team was not asked about", "grace+ linus+", two(ops=1), {}, U),
    ("two teams", "grace+ linus+", two(ops=1, qa=1), {"teams": {"ops": "grace", "qa": "linus"}}, V),
    ("one person for two teams", "grace+ linus+", two(ops=1, qa=1), {"teams": {"ops": "grace", "qa": "grace"}}, V),
    ("two teams, one unseen", "grace+ linus+", two(ops=1, qa=1), {"teams": {"ops": "grace", "qa": "unseen"}}, U),
    ("two teams, one unseen, one missing", "grace+ linus+", two(ops=1, qa=1), {"teams": {"ops": "", "qa": "unseen"}}, M),
    ("a rule vouches", "grace+ linus+", two(ops=1), {"teams": {"ops": "unseen"}, "vouched": {"ops": YES}}, V),
    ("a rule does not vouch", "grace+ linus+", two(ops=1), {"teams": {"ops": "unseen"}, "vouched": {"ops": UNKNOWN}}, U),
    ("no rule helps against a no", "grace+ linus+", two(ops=1), {"teams": {"ops": ""}, "vouched": {"ops": YES}}, M),
    ("a rule does not replace the number", "grace+", two(ops=1), {"teams": {"ops": "unseen"}, "vouched": {"ops": YES}}, M),
]  # fmt: skip


@pytest.mark.parametrize(
    ("story", "asked", "known", "standing"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_table(story: str, asked: ApprovalRequirement, known: dict[str, Any], standing: Standing) -> None:
    answer = told(story, asked, **known)
    assert answer.standing is standing, answer
    for requirement in answer.requirements:
        if requirement.standing is not V:
            assert requirement.cure, "says what to do"
            assert requirement.reason or requirement.standing is M


def test_the_table_is_long_and_its_names_differ() -> None:
    assert len(CASES) >= 60
    assert len({case[0] for case in CASES}) == len(CASES)


def test_what_does_not_count_is_named_with_its_reason() -> None:
    answer = told("ada+ helper[bot]+ eve+ linus+old grace+ +", two(), readers="eve")
    assert answer.counted == ("grace",)
    assert {left.author: left.why for left in answer.left_out} == {
        "ada": "the author",
        "helper[bot]": "a bot",
        "eve": "may not write to the repository",
        "linus": f"approved {OLD[:12]}, the head is {HEAD[:12]}",
        "ghost": "the account was deleted",
    }


def test_nobody_is_asked_about_whose_voice_does_not_matter() -> None:
    assert candidates(reviews("ada+ helper[bot]+ eve~ linus! grace+ Margaret-"), PULL) == ["grace", "margaret"]


STORIES = st.lists(
    st.tuples(st.sampled_from(["grace", "linus", "eve", "ada", ""]), st.sampled_from("+-~!"), st.booleans()), max_size=12
)


@given(STORIES, st.data())
def test_knowing_less_never_helps(story: list[tuple[str, str, bool]], data: st.DataObject) -> None:
    """Whatever is not known can turn verified into unverifiable, and never anything into verified."""
    text = " ".join(f"{who}{sign}{'old' if old else ''}" for who, sign, old in story)
    dark = " ".join(data.draw(st.sets(st.sampled_from(["grace", "linus", "eve"]))))
    team = {"teams": {"ops": data.draw(st.sampled_from(["grace", "grace linus", ""]))}}
    full, less = told(text, two(ops=1), **team), told(text, two(ops=1), dark=dark, **team)
    unseen = told(text, two(ops=1), teams={"ops": "unseen"})
    for answer in (less, unseen):
        if answer.standing is V:
            assert full.standing is V
        if full.standing is V:
            assert answer.standing is not M


@given(STORIES, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(story: list[tuple[str, str, bool]], random: Any) -> None:
    text = " ".join(f"{who}{sign}{'old' if old else ''}" for who, sign, old in story)
    listed = list(reviews(text))
    before = opinions(listed)
    random.shuffle(listed)
    assert opinions(listed) == before


def test_what_is_asked_for_where_nothing_is_said() -> None:
    assert ApprovalRequirement().at_least == 2
    assert ApprovalRequirement().stale is Stale.HEAD_SHA


def test_those_who_count_are_named_in_the_order_in_which_they_approved() -> None:
    assert told("grace+@30 linus+@10 eve+@20", two()).counted == ("linus", "eve", "grace")
    assert told("grace+#9@10 linus+#3@10", two()).counted == ("linus", "grace"), "in the same second, by the id"


@pytest.mark.parametrize(("name", "flagged"), [("helper[bot]", False), ("helper", True), ("Helper[BOT]", False)])
def test_a_bot_is_one_by_its_name_or_by_what_github_says(name: str, flagged: bool) -> None:
    review = evolve(reviews("grace+")[0], author=name, bot=flagged)
    facts = ReviewFacts(
        pull=PULL, reviews=(review,), push=Push(), writers={name.casefold(): YES}, members={}, vouched={}
    )  # fmt: skip
    answer = judge(facts, one())
    assert (answer.counted, [left.why for left in answer.left_out]) == ((), ["a bot"])


def requirement(answer: Approvals, name: str) -> Any:
    return next(one for one in answer.requirements if one.name == name)


def test_at_most_three_reasons_are_given() -> None:
    """Of four people; and how many more are to be asked."""
    unsure = requirement(told("ann+ ben+ cat+ dan+", two(), dark="ann ben cat dan"), "approvals")
    assert unsure.reason == "ann: 403; ben: 403; cat: 403"
    out = requirement(
        told("ann+ ben+ cat+ dan+ eve+", ApprovalRequirement(at_least=4), readers="ann ben cat dan"), "approvals"
    )
    assert out.reason.count(";") == 2
    assert (out.found, out.asked, out.cure) == (1, 4, "Ask for 3 more.")


def test_who_asks_for_changes_is_named_and_whether_that_is_sure() -> None:
    sure = requirement(told("grace+ linus- eve-", one()), "changes-requested")
    assert (sure.found, sure.asked, sure.by) == (2, 0, ("linus", "eve"))
    assert sure.reason == "linus, eve asked for changes"
    assert sure.cure == "Whoever asked approves, or the review is dismissed."
    unsure = requirement(told("grace+ linus-", one(), dark="linus"), "changes-requested")
    assert (unsure.reason, unsure.cure) == ("linus asked for changes (403)", "?")


def test_a_team_is_vouched_for_by_the_sources_of_those_who_count() -> None:
    listed = Fact(known=Known.YES, source="the list")
    plain = Fact(known=Known.YES)
    members = {"ops": {"grace": YES, "linus": listed, "eve": plain}}
    writers = dict.fromkeys(members["ops"], YES)
    facts = ReviewFacts(
        pull=PULL, reviews=reviews("linus+old grace+ eve+"), push=Push(), writers=writers, members=members, vouched={}
    )  # fmt: skip
    found = requirement(judge(facts, one(ops=1)), "team ops")
    assert (found.by, found.source) == (("grace", "eve"), "team API"), "linus is in the team, and his approval is old"


@pytest.mark.parametrize(("ours", "theirs", "cure"), [("?", "!", "?"), ("", "!", "!"), ("?", "", "?")])
def test_the_cure_of_a_team_is_the_one_that_is_known(ours: str, theirs: str, cure: str) -> None:
    facts = ReviewFacts(
        pull=PULL, reviews=reviews("grace+"), push=Push(), writers={"grace": YES},
        members={"ops": {"grace": Fact(known=Known.UNKNOWN, reason="403", cure=ours)}},
        vouched={"ops": Fact(known=Known.UNKNOWN, reason="no rule", cure=theirs)},
    )  # fmt: skip
    found = requirement(judge(facts, one(ops=1)), "team ops")
    assert (found.standing, found.cure) == (U, cure)
    assert found.reason.endswith("; no rule")


def test_a_reason_that_is_known_is_told_and_else_our_own() -> None:
    for reason, text in (("403", "grace: 403"), ("", "grace: nobody tells when the last push was")):
        unsure = told("grace+", one(LAST), push=Push(reason=reason, cure="?"))
        assert requirement(unsure, "approvals").reason == text
    for reason, text in (("left it", "grace: left it"), ("", "grace: is no member")):
        facts = ReviewFacts(
            pull=PULL, reviews=reviews("grace+"), push=Push(), writers={"grace": YES},
            members={"ops": {"grace": Fact(known=Known.NO, reason=reason)}}, vouched={},
        )  # fmt: skip
        assert requirement(judge(facts, one(ops=1)), "team ops").reason == text
