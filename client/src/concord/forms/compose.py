"""What a form says, section by section, as blocks in the patient's language.

Owns the order of the form and which texts stand in it. Refuses to look like anything: `as_text` and `as_pdf` do that,
and both say the same because both read what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from concord_formats.plain_words import plain, plain_opening
from concord_formats.vocabulary import ConsentType, ExpiryEvent, FormStatement, SignerAuthority

from .blocks import Blank, Block, Heading, Items, Mark, Paragraph, Sheet
from .filled import tidy
from .fit import OWN_NOTES
from .form import Form, FormParty, Practice
from .statements import in_order
from .texts import LAW, Texts, texts


def compose(form: Form) -> Sheet:
    """The whole form."""
    say = texts(form.language)
    blocks = (
        *_patient(form, say),
        *_parties(form, say),
        *_information(form, say),
        Heading(say.say("heading", "purposes")),
        _words(form.purposes, form),
        *_duration(form, say),
        *_rights(form, say),
        *_signature(form, say),
    )
    return Sheet(
        language=form.language,
        title=plain_opening(form.type, form.language),
        subtitle=say.say("law", form.type),
        blocks=blocks,
        foot=say.say("foot", "reference", reference=form.reference, version=form.version),
        page=say.tables["foot"]["page"],
    )


def place(practice: Practice, say: Texts) -> Items:
    """Where to write to, as a list."""
    phone = [say.say("line", "phone", phone=tidy(practice.phone))] if practice.phone else []
    return Items((tidy(practice.name), tidy(practice.address), *phone))


def _patient(form: Form, say: Texts) -> Iterable[Block]:
    yield Heading(say.say("heading", "patient"))
    yield Paragraph(say.say("line", "name", name=tidy(form.patient_name)))
    if form.birth_date is not None:
        yield Paragraph(say.say("line", "birth-date", date=say.day(form.birth_date)))
    yield Paragraph(say.say("line", "me"))


def _parties(form: Form, say: Texts) -> Iterable[Block]:
    to = "recipient-tpo" if form.type is ConsentType.PART_2_TPO else "recipient"
    yield Heading(say.say("heading", "discloser"))
    yield Paragraph(say.say("line", "discloser"))
    yield _party(form.discloser, say)
    yield Heading(say.say("heading", "recipient"))
    yield Paragraph(say.say("line", to))
    yield _party(form.recipient, say)
    yield Paragraph(say.say("line", "mutual" if form.mutual else "one-way"))


def _party(party: FormParty, say: Texts) -> Items:
    address = [say.say("line", "address", address=tidy(party.address))] if party.address else []
    organization = [tidy(party.organization)] if party.organization else []
    return Items((tidy(party.name), *organization, *address))


def _information(form: Form, say: Texts) -> Iterable[Block]:
    yield Heading(say.say("heading", "information"))
    own = OWN_NOTES.get(form.type)
    topics = form.sensitivity - {own}
    if own is not None:
        yield _words([own], form)
        yield Paragraph(say.say("notice", form.type))
    yield Paragraph(say.say("line", "notes-kinds" if own else "kinds"))
    yield _words(form.information, form)
    if topics:
        yield Paragraph(say.say("line", "notes-topics" if own else "topics"))
        yield _words(topics, form)


def _duration(form: Form, say: Texts) -> Iterable[Block]:
    yield Heading(say.say("heading", "duration"))
    sentences = [
        say.say("line", "starts", date=say.day(form.valid_from)),
        say.say("line", "ends", date=say.day(form.valid_until)),
    ]
    if form.expires_on is ExpiryEvent.NONE:
        sentences.append(say.say("line", "no-event"))
    elif form.expires_on is not None:
        sentences.append(say.say("line", "ends-on-event", event=plain(form.expires_on, form.language)))
    yield Paragraph(" ".join(sentences))


def _rights(form: Form, say: Texts) -> Iterable[Block]:
    yield Heading(say.say("heading", "rights"))
    for statement in in_order(form.type):
        yield Paragraph(say.statement(statement, form.type))
        if statement is FormStatement.HOW_TO_REVOKE:
            yield place(form.practice, say)
            yield Paragraph(say.say("notice", "page"))
    if LAW[form.type] == "part-2":
        yield Paragraph(say.say("notice", "proceedings"))
    yield Paragraph(say.say("notice", "copy"))


def _signature(form: Form, say: Texts) -> Iterable[Block]:
    yield Heading(say.say("heading", "signature"), whole=True)
    yield Paragraph(say.say("line", "sign-here"))
    signer = form.representative
    if signer is not None:
        yield Paragraph(say.say("line", "represented", name=tidy(signer.name)))
        yield Paragraph(say.say("line", "authority", authority=plain(signer.authority, form.language)))
    signature = say.say("blank", "signature-representative" if signer else "signature-patient")
    yield Blank(signature, beside=say.say("blank", "date"))
    yield Blank(say.say("blank", "printed-name"))
    if signer is None:
        yield Paragraph(say.say("blank", "authority"))
        yield Items(tuple(plain(each, form.language) for each in SignerAuthority), Mark.BOX)
    yield Blank(say.say("blank", "witness"))
    yield Items((say.say("blank", "copy"),), Mark.BOX)


def _words(words: Iterable[StrEnum], form: Form) -> Items:
    """Words of one list in the vocabulary's own order, so that two forms with the same terms read the same."""
    chosen = list(words)
    order: Sequence[StrEnum] = list(type(chosen[0]))
    return Items(tuple(plain_opening(each, form.language) for each in order if each in chosen))
