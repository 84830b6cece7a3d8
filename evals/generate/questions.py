r"""Questions that rules can ask about an article, each with the words that answer it.

candidates = ask_about(article, Names([article.text]))

There is no parser: a rule is a pattern that reads well in almost every sentence that it matches,
and passes over the others. `evals/generate.py` decides which candidates become cases.
"""

import re
from collections.abc import Callable, Iterator

from ...index.article import Article
from .names import FULL_NAME, HONORIFIC, NAME, OFFICE, ROLE, Names
from .page import (
    Candidate,
    Page,
    also_called,
    clause,
    finite,
    first_name,
    is_participle,
    page_of,
    past_of,
)

_LONGEST_EVIDENCE = 500  # characters: what a reviewer reads at a glance
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_YEAR = r"(?:1[5-9]|20)\d\d"
_DATE = rf"(?:\d{{1,2}} {_MONTH}(?:,? {_YEAR})?|{_MONTH} \d{{1,2}}(?:, {_YEAR})?|{_MONTH} {_YEAR})"
_ABOUT = r"(?:(?:by|more than|about|around|nearly|over|at least|almost|some|roughly) )*"
_SCALE = r"(?:\s?(?:million|billion|trillion|mn|bn|tn|m|k)\b)?"
_SMALL = r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty)"
_CURRENCY = r"(?:euros|dollars|pounds|yen|yuan|roubles|rupees|crowns|francs|cents|pence)"
_COUNT = rf"(?:\d[\d,.]*(?<![,.]){_SCALE}|{_SMALL}\b{_SCALE})(?!\s?%)"
_MONEY = (
    rf"(?:(?:US|A|C)?[$£€]\s?\d[\d,.]*(?<![,.]){_SCALE}"
    rf"|\d[\d,.]*(?<![,.]){_SCALE} {_CURRENCY}\b)"
)
_SUBJECT = rf"(?P<subject>(?:The )?(?:{HONORIFIC} )?{NAME})"
_ASIDE = r"(?:, (?!who|which)[^,.;\n]{3,60},)?"
_PLAIN = (
    r"(?!(?:of|in|at|to|for|from|on|as|by|with|and|or|his|her|its|their|the|a|an|more|across|per"
    r"|worldwide|against|every|that|which|who|including|million|billion)\b)"
)
_HELD_NO_MORE = re.compile(
    r"\b(?:former|ex|then|new|acting|deputy|vice|late|assistant|interim|incoming|outgoing|future"
    r"|next|old|one-time|under-\d+|A|youth|women's|team|shadow|honorary|life)[- ]$",
    re.IGNORECASE,
)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Lemmas of deeds by which one person can be told from all others.
_DEEDS = _words(
    """win direct write found co-found head lead chair succeed marry design invent
    launch buy sell acquire captain coach create compose discover open host present
    receive voice edit publish record sue appoint paint chronicle conduct portray run
    own represent join leave quit retire translate sign lose donate earn build establish
    develop command rescue shoot murder kill sing coin organise unveil"""
)
_MAKING = _words(
    """direct write found co-found create design produce compose develop invent host present play
    voice edit paint publish build launch establish coin organise"""
)
# What somebody does for longer than the day of the article.
_STANDING = _words("head lead chair own edit host present voice represent captain coach run")
# Of these, "Who has ...?" or "How many ... did X ...?" says too little, or is no deed.
_NO_DEEDS = _words(
    "be have do say meet hand turn get go come want need see think add tell make take must"
)


Rule = Callable[[Page], Iterator[Candidate]]


def ask_about(article: Article, names: Names) -> list[Candidate]:
    """Every question that the rules ask about an article; evidence is verbatim and not too long."""
    page = page_of(article, names)
    asked = (candidate for rule in RULES for candidate in rule(page))
    return [found for found in asked if len(found.evidence) <= _LONGEST_EVIDENCE]


# Who

_QUOTED = r"(?<!\w)[“\"](?P<quote>[A-Z][^“”\"\n]{30,250}[,.!?])[”\"]"
_SPEAKER = rf"(?P<name>{FULL_NAME})"
_SAYS = r"(?:said|says|added|explained|warned|told)"
_SPEAKING = (
    re.compile(rf"{_QUOTED},? {_SAYS} [^.\"“”\n]{{0,60}}?{_SPEAKER}"),
    re.compile(rf"{_QUOTED}(?<!\.[\"”]),? {_SPEAKER}(?:, [^.\"“”\n]{{3,60}},)? {_SAYS}\b"),
    re.compile(rf"{_SPEAKER}(?:, [^.\"“”\n,]{{3,60}},)? {_SAYS}: ?{_QUOTED}"),
)


# What stands before a quotation that somebody else was said to say.
_INTRODUCED = re.compile(r"[:,]\s?$")


def _who_said(page: Page) -> Iterator[Candidate]:
    for pattern in _SPEAKING:
        for match in pattern.finditer(page.article.text):
            person = page.person(match["name"])
            quote = re.split(r"(?<=[a-z0-9][.!?]) ", match["quote"])[0].rstrip(",.")
            named = first_name(quote.partition(" ")[2], page.names)
            is_told = match.start("quote") < match.start("name") and _INTRODUCED.search(
                page.article.text[: match.start()]
            )
            if person and named and not is_told and 7 <= len(quote.split()) <= 30:
                evidence = page.around(*match.span())
                asked = f'Who said: "{quote}"?'
                yield Candidate(
                    asked,
                    person,
                    "speaker",
                    "who said a quotation",
                    named,
                    quote,
                    page.article.id,
                    evidence,
                    also_called(person),
                    person,
                )


_IN_OFFICE = re.compile(rf"(?P<of>{NAME})(?:[’']s)? (?P<office>{OFFICE}),? (?P<name>{FULL_NAME})")
_NO_HOLDER = re.compile(r"(?:Ex|Former|Then|New|Deputy|Vice|Acting)\b", re.IGNORECASE)
_OFFICE_OF = re.compile(
    rf"(?P<name>{FULL_NAME}), (?:the )?(?P<office>{OFFICE}) (?:of|at) (?:the )?(?P<of>{NAME})[,.]"
)


def _who_holds_office(page: Page) -> Iterator[Candidate]:
    for pattern in (_IN_OFFICE, _OFFICE_OF):
        for sentence, match in page.matches(pattern):
            person, of, office = (
                page.person(match["name"]),
                page.subject(match["of"]),
                match["office"],
            )
            before = [sentence[: match.start(group)] for group in ("of", "office")]
            is_part = re.search(
                r"[A-Z]\w* (?:and|of|&) $|-$|[’']s $"
                r"|\b(?:as|become|becomes|becoming|named|appointed)(?: the)? $",
                before[0],
            )
            if not person or not of or is_part or any(map(_HELD_NO_MORE.search, before)):
                continue
            if not page.names.person(of) and not _NO_HOLDER.match(of):
                asks = f"{office} {of}"
                yield _who(page, sentence, f"Who is the {of} {office}?", person, "office", of, asks)


_WHO_CLAUSE = re.compile(rf"(?P<name>{FULL_NAME}), who (?P<verb>[a-z]+) (?P<rest>[^\n]+)")
_FULL_NAME_DID = re.compile(
    rf"^(?:[A-Z][a-z-]+ (?:[a-z-]+ ){{1,3}})?(?P<name>{FULL_NAME}) (?P<verb>[a-z]+) "
    r"(?P<rest>[^\n]+)"
)


def _who_did(page: Page) -> Iterator[Candidate]:
    for pattern in (_WHO_CLAUSE, _FULL_NAME_DID):
        for sentence, match in page.matches(pattern):
            person, rest, verb = (
                page.person(match["name"]),
                page.clause(match["rest"]),
                match["verb"],
            )
            about = first_name(rest or "", page.names)
            auxiliary, lemma = finite(verb)
            is_deed = lemma in (_DEEDS if auxiliary == "did" else _STANDING)
            if person and rest and about and is_deed:
                asks = f"{verb} {rest}"
                yield _who(page, sentence, f"Who {asks}?", person, "deed", about, asks)


_BY = re.compile(
    rf"(?P<subject>(?:[Tt]he )?{NAME})(?:,| was| were| is|, which was) (?P<verb>[a-z]+) by "
    rf"(?:(?:former )?{ROLE} )?(?P<name>{FULL_NAME})"
)


def _who_made(page: Page) -> Iterator[Candidate]:
    for sentence, match in page.matches(_BY):
        person, subject = page.person(match["name"]), page.subject(match["subject"])
        lemma, past = past_of(match["verb"])
        is_clear = lemma in _MAKING and (lemma != "play" or " " in (subject or ""))
        if person and subject and is_clear:
            asks = f"{past} {subject}"
            yield _who(page, sentence, f"Who {asks}?", person, "maker", subject, asks)


def _who(
    page: Page, sentence: str, question: str, person: str, rule: str, subject: str, asks: str
) -> Candidate:
    also = also_called(person)
    return Candidate(question, person, "name", rule, subject, asks, page.article.id, sentence, also)


# How many, how much, how old

_VERB = r"(?:(?P<aux>has|have) )?(?P<verb>[a-z]+)"
_HOW_MANY = re.compile(
    rf"^{_SUBJECT}{_ASIDE} {_VERB} {_ABOUT}(?P<answer>{_COUNT}) "
    rf"(?P<noun>(?:{_PLAIN}[a-z-]+ ){{0,2}}{_PLAIN}(?!{_CURRENCY})(?:people|[a-z-]+s)"
    rf"(?: of {_PLAIN}[a-z]+)?)(?P<rest>(?: (?:in|at|to|for|from|on|a|with|against|worldwide|per"
    r"|across|every)\b|[.,;]|$)[^\n]*)"
)
_NOT_COUNTED = re.compile(
    r"\b(?:times|points|minutes|hours|days|weeks|months|years|places|wickets|ones|others)\b"
)


def _how_many(page: Page) -> Iterator[Candidate]:
    for sentence, match in page.matches(_HOW_MANY):
        is_now = bool(match["aux"]) or finite(match["verb"])[0] == "does"
        is_now = is_now and finite(match["verb"])[1] in (None, "employ", "own", "operate", "run")
        rest = page.clause(match["rest"], shortest=0 if is_now else 2)
        if rest is not None and not _NOT_COUNTED.search(match["noun"]):
            yield from _did(page, sentence, match, f"How many {match['noun']}", rest, "number")


_HOW_MUCH = re.compile(
    rf"^{_SUBJECT}{_ASIDE} {_VERB} {_ABOUT}(?P<answer>{_MONEY})"
    rf"(?: \((?P<also>{_MONEY})[^()]*\))? (?P<rest>(?:for|to|in|on|from|of)\b[^\n]+)"
)
_FOR_HOW_MUCH = re.compile(
    rf"^{_SUBJECT}{_ASIDE} {_VERB} (?P<rest>[^\n,.;]+?) for {_ABOUT}(?P<answer>{_MONEY})"
    rf"(?: \((?P<also>{_MONEY})[^()]*\))?"
)


_MOVES = re.compile(r"(?:rose|fell|grew|dropped|jumped|increased|climbed|slipped|gained|lost)\b")
_TRADES = ("buy", "sell", "acquire", "purchase", "join", "sign", "license", "lease")


def _how_much(page: Page) -> Iterator[Candidate]:
    for pattern, asked in ((_HOW_MUCH, "How much"), (_FOR_HOW_MUCH, "For how much")):
        for sentence, match in page.matches(pattern):
            is_trade = finite(match["verb"]) in [("did", lemma) for lemma in _TRADES]
            is_clear = is_trade or pattern is _HOW_MUCH and not _MOVES.match(match["verb"])
            if (rest := page.clause(match["rest"])) and is_clear:
                yield from _did(page, sentence, match, asked, rest, "money")


_PERCENT = re.compile(
    rf"^{_SUBJECT}(?P<of>[’']s (?:[a-z-]+ ){{0,3}}?(?!ha[sv]e?\b)[a-z]+) (?P<aux>)"
    r"(?P<verb>rose|fell|grew|dropped|jumped|increased|climbed|declined|slipped|shrank|expanded|gained|surged)"
    rf" {_ABOUT}(?P<answer>\d[\d.]*\s?%)(?P<rest>[^\n]*)"
)


def _by_what_percentage(page: Page) -> Iterator[Candidate]:
    for sentence, match in page.matches(_PERCENT):
        if rest := page.clause(match["rest"]):
            yield from _did(page, sentence, match, "By what percentage", rest, "percent")


_AGED = (
    re.compile(rf"(?P<name>(?:{HONORIFIC} )?{FULL_NAME}), (?P<answer>\d\d),"),
    re.compile(
        rf"\b(?P<answer>\d\d)-year-old (?:(?:{ROLE}|[a-z]+(?:er|or|ist|ess|man)) )?"
        rf"(?P<name>{FULL_NAME})"
    ),
)
_DEAD = re.compile(r"\b(?:died|dead|deaths?|killed|murder\w*|shot|stabbed|late)\b")


def _how_old(page: Page) -> Iterator[Candidate]:
    for pattern in _AGED:
        for sentence, match in page.matches(pattern):
            if person := page.person(match["name"]):
                asked = f"How old {'was' if _DEAD.search(sentence) else 'is'} {person}?"
                yield _plain(page, sentence, asked, match["answer"], "age", person, person)


# When, where

_WHEN = rf"(?:in|on) (?P<answer>{_DATE}|{_YEAR})"
_DID_WHEN = re.compile(
    rf"^{_SUBJECT}(?:{_ASIDE}|, who|, which) (?P<aux>)(?P<verb>[a-z]+) (?P<rest>[^\n,.;]+?) {_WHEN}"
    r"(?=[,.] ?[^\d ]|\.?$)"
)
_TOLD_ALONE = ("founded", "born", "formed", "created", "built", "established", "launched")
_WHEN_DID = re.compile(
    rf"^(?:In|On) (?P<answer>{_DATE}|{_YEAR}),? (?P<subject>(?:the )?(?:{HONORIFIC} )?{NAME}) "
    r"(?P<aux>)(?P<verb>[a-z]+) (?P<rest>[^\n]+)"
)
_WAS_WHEN = re.compile(
    rf"^{_SUBJECT}(?:{_ASIDE}|, who|, which) (?P<was>was|were) (?P<rest>[a-z]+(?: [^\n,.;]+?)?)"
    rf" {_WHEN}"
    r"(?=[,.] ?[^\d ]|\.?$| by\b)"
)


def _when(page: Page) -> Iterator[Candidate]:
    for sentence, match in page.matches(_DID_WHEN):
        rest = page.clause(match["rest"])
        is_whole = clause(match["rest"]) == match["rest"]
        is_whole = is_whole and not re.search(rf"{_YEAR}|\buntil\b", match["rest"])
        is_whole = is_whole and bool(re.search(r"[A-Z\d]|(?:\w+ ){4}", match["rest"]))
        if rest and is_whole and finite(match["verb"])[0] == "did":
            yield from _did(page, sentence, match, _asks_when(match["answer"]), rest, "date")
    for sentence, match in page.matches(_WHEN_DID):
        if rest := page.clause(match["rest"]):
            yield from _did(page, sentence, match, _asks_when(match["answer"]), rest, "date")
    for sentence, match in page.matches(_WAS_WHEN):
        rest, subject = page.clause(match["rest"], shortest=1), page.subject(match["subject"])
        is_whole = clause(match["rest"], shortest=1) == match["rest"]
        if subject and rest and is_whole and _says_enough(rest):
            asked = f"{_asks_when(match['answer'])} {match['was']} {subject} {rest}?"
            asks = f"{subject} {rest.split()[0]}"
            yield _plain(page, sentence, asked, match["answer"], "date", subject, asks)


def _says_enough(rest: str) -> bool:
    """Whether what was done is told by a participle alone, or more is said of it."""
    verb, _, more = rest.partition(" ")
    return is_participle(verb) and (bool(more) or verb in _TOLD_ALONE)


def _asks_when(answer: str) -> str:
    return "In which year" if answer.isdigit() else "When"


_BASED = (
    re.compile(
        rf"(?P<subject>{NAME}),? (?:which is |is |are )?based in (?P<answer>{NAME})\b"
        r"(?!(?: and|,) [A-Z])"
    ),
    re.compile(
        rf"(?<![A-Za-z] )(?P<answer>{NAME})-based (?:{_PLAIN}[a-z-]+ ){{0,3}}(?P<subject>{NAME})"
        r"(?=\.|, which| (?:is|are|was|has|have|had|will|also|which|[a-z]+ed|[a-z]+s|said)\b)"
    ),
)


_WORKER = (
    r"(?:blogger|writer|author|journalist|artist|analyst|agent|lawyer|attorney|singer|musician"
    r"|podcaster|designer|activist|novelist|poet|comedian|consultant|economist|strategist)"
)
_NO_PLACE = re.compile(r"(?:ish|ese|[ie]an|French|German|Dutch|Swiss|^.{1,3})$|\.")


def _where_based(page: Page) -> Iterator[Candidate]:
    for pattern in _BASED:
        for sentence, match in page.matches(pattern):
            subject = page.subject(match["subject"])
            place = match["answer"].removeprefix("The ")
            before = sentence[: match.start("subject")]
            is_part = re.search(rf"\d\w* $|\b{_WORKER} $", before)
            if (
                subject
                and not is_part
                and not _NO_PLACE.search(place)
                and not page.names.person(subject)
            ):
                asked = f"Where is {subject} based?"
                yield _plain(page, sentence, asked, place, "place", subject, subject)


RULES: tuple[Rule, ...] = (
    _who_said,
    _who_holds_office,
    _who_did,
    _who_made,
    _how_many,
    _how_much,
    _by_what_percentage,
    _how_old,
    _when,
    _where_based,
)


# The words of a question


def _did(
    page: Page, sentence: str, match: re.Match[str], ask: str, rest: str, kind: str
) -> Iterator[Candidate]:
    """A question with "did", "does" or "has", where subject and verb are clear."""
    subject, (auxiliary, lemma) = page.subject(match["subject"]), finite(match["verb"])
    groups = match.groupdict()
    if match["aux"]:
        auxiliary, lemma = match["aux"], match["verb"] if is_participle(match["verb"]) else None
    if subject is None or lemma is None or lemma in _NO_DEEDS:
        return
    who = f"{subject}{groups.get('of') or ''}"
    asked = " ".join(f"{ask} {auxiliary} {who} {lemma} {rest}".split()) + "?"
    asks = f"{ask} {who} {lemma}"
    also = (groups["also"],) if groups.get("also") else ()
    yield _plain(page, sentence, asked, match["answer"], kind, subject, asks, also)


def _plain(
    page: Page,
    sentence: str,
    question: str,
    answer: str,
    kind: str,
    subject: str,
    asks: str,
    also: tuple[str, ...] = (),
) -> Candidate:
    return Candidate(question, answer, kind, kind, subject, asks, page.article.id, sentence, also)
