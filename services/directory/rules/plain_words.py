"""What people call specialties, where the code list calls them otherwise.

Owns the list, and the stem by which forms of one word are one: psychologist, psychologists, psychology. Refuses names
of people: a word stands here only if hardly anybody is called so.
"""

from __future__ import annotations

import re

from concord_formats.names import searchable

# The forms that a word of a specialty comes in: cardiologist, cardiology; pediatrician, pediatrics.
_ENDING = re.compile(r"(?:icians|ician|ists|ist|ics|ic|ians|ian|ies|ions|ion|y|ing|ors|or|s)$")
_SHORTEST_STEM = 4


def stem(word: str) -> str:
    """A word without its ending, where enough of it is left."""
    bare = _ENDING.sub("", word)
    return bare if len(bare) >= _SHORTEST_STEM else word


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words."""
    return tuple(stem(word) for word in searchable(text).split() if word not in _FILLERS)


_FILLERS = frozenset(["and", "or", "of", "the", "a", "an", "for", "in", "with", "not", "including"])

# Beginnings of codes: `103T` is every psychologist. Those of one call are found by any of its words.
_CALLED = {
    "103T 103G": "psychologist, psychology, psychotherapist phd",
    "103T 103G 102L 2084P08 2084A0401 2084F0202 2084B0040 363LP0808 364SP0808": "psych, psychs, psychiatric provider",
    "2084P08 2084A0401 2084F0202 2084B0040": "psychiatrist, psychiatry, psychiatric doctor",
    "363LP0808 364SP0808 163WP08": "psychiatric nurse, mental health nurse",
    "363LP0808": "pmhnp, psychiatric nurse practitioner, psych np",
    "101Y": "counselor, counseling",
    "101YM0800 101YP2500 101Y00000": "lpc, lmhc, lpcc, licensed counselor",
    "1041": "social worker, social work",
    "1041C0700": "lcsw, licsw, clinical social worker",
    "106H": "lmft, mft, family therapist, marriage counselor, couples therapist, couple therapist",
    "101Y 102L 103T 1041C 106H": "therapist, therapy, psychotherapist, psychotherapy, talk therapy",
    "101Y 102L 103 104 106 163WP08 2084P 2084F 2084B 363LP0808 364SP0808 251S 261QM08 283Q": (
        "mental health, behavioral health, behavioural health, mental health clinician, behavioral health clinician"
    ),
    "101YA 103TA0400 163WA0400 207LA0401 207QA0401 207RA0401 2083A0300 2084A0401 2084P0802 261QM2800 261QR0405 3245": (
        "addiction, addictions, substance use, substance abuse, substance use disorder, sud, alcohol, "
        "drug and alcohol, addiction treatment, recovery, suboxone, buprenorphine, opioid use"
    ),
    "207LA0401 207QA0401 207RA0401 2083A0300 2084A0401 2084P0802": (
        "addiction medicine, addiction doctor, addiction physician, addictionologist, addiction specialist"
    ),
    "101YA": (
        "addiction counselor, substance use counselor, substance abuse counselor, drug counselor, alcohol counselor"
    ),
    "261QM2800": "methadone, methadone clinic, otp, opioid treatment program",
    "261QR0405 3245": "rehab, detox, substance use program, substance abuse program, addiction program",
    "261QM08 251S": "mental health clinic, mental health center, community mental health, behavioral health agency",
    "103K 106S": "behavior analyst, bcba, applied behavior analysis",
    "103TC2200 2084P0804": "child psych, child mental health, adolescent mental health",
    "103TC2200": "child psychologist, adolescent psychologist, pediatric psychologist",
    "2084P0804": "child psychiatrist, adolescent psychiatrist, pediatric psychiatrist",
    "103G": "neuropsychologist, neuropsychology, neuropsych",
    "175T": "peer specialist, peer support, peer counselor",
    "171M": "case manager, care coordinator, care manager",
    "207Q00000 207R00000 208D00000 208000000 363LF0000 363LP2300 261QP2300": (
        "primary care, pcp, primary care physician, primary care provider"
    ),
    "207Q 208D": "gp, general practitioner, family doctor, family physician, family practice, family medicine",
    "207R00000": "internist, internal medicine",
    "208000 363LP0200": "peds, pediatrician, pediatrics, paediatrician, children's doctor",
    "163W 164": "nurse, rn, nursing",
    "363L": "nurse practitioner, np, arnp, aprn",
    "363A": "physician assistant, physician associate, pa-c",
    "207RC": "cardiologist, cardiology, heart doctor, cardio",
    "207N": "dermatologist, dermatology, derm, skin doctor",
    "2084N0400": "neurologist, neurology, neuro",
    "207T": "neurosurgeon, neurosurgery",
    "207RE0101": "endocrinologist, endocrinology, diabetes doctor",
    "207RG0100": "gastroenterologist, gastroenterology",
    "207RH 207RX0202": "oncologist, oncology, hematologist, hematology, cancer doctor",
    "207RN0300": "nephrologist, nephrology, kidney doctor",
    "207RP1001": "pulmonologist, pulmonology, lung doctor",
    "207RR0500": "rheumatologist, rheumatology",
    "207RI0200": "infectious disease, hiv specialist",
    "207V": "ob, obgyn, ob gyn, gynecologist, obstetrician, gyn",
    "207W": "ophthalmologist, ophthalmology, eye doctor",
    "207X": "orthopedist, orthopedics, orthopedic surgeon, ortho",
    "207Y": "ent, ear nose and throat, otolaryngologist",
    "2086": "surgeon, surgery, general surgeon",
    "2088": "urologist, urology",
    "2081": "physiatrist, pm r, rehabilitation physician",
    "207LP2900 208VP 2081P2900 2084P2900": "pain, pain medicine, pain management, pain specialist",
    "2251": "physical therapist, physiotherapist, physical therapy",
    "225X": "occupational therapist, occupational therapy",
    "235Z": "speech therapist, speech therapy, slp",
    "133V": "dietitian, dietician, nutritionist",
    "1223": "dentist, dental",
    "1835 3336": "pharmacist, pharmacy, drugstore",
    "213E": "podiatrist, podiatry, foot doctor",
    "282N": "hospital",
    "283Q": "psychiatric hospital",
    "207P": "emergency medicine, emergency physician",
    "207RG0300 207QG0300": "geriatrician, geriatrics, geriatric medicine",
    "367A": "midwife",
}  # fmt: skip
PLAIN = {stems(said): tuple(codes.split()) for codes, words in _CALLED.items() for said in words.split(",")}
"""The beginnings of codes, by the stems of what people call them."""

__all__ = ["PLAIN", "stem", "stems"]
