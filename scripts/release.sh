#!/bin/sh
# Builds the files of a release.
set -eu

usage="Usage: scripts/release.sh [--check]
  --check  builds them twice, in another folder, time zone, language and umask, and fails if
           they differ
Builds the last commit, in a clone that it removes, and puts these files into dist: the functions'
archives and their SBOMs in CycloneDX's format, the CloudFormation template, LICENSE, NOTICE and
SHA256SUMS. The same commit and JDK give the same bytes. Needs a JDK 25, Maven and Node.js."
check=
. "$(dirname "$0")/lib.sh"
read_options "$@"
cd "$(dirname "$0")/.."

need git "It clones the commit."
need mvn "Maven 3.8 or newer builds the functions."
need node "Node.js 20 or newer describes the stack."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Builds the commit in the folder $1, and puts the files into its folder dist.
build() (
  git -c advice.detachedHead=false clone --quiet . "$1"
  cd "$1"
  mvn --batch-mode --quiet --no-transfer-progress --projects lambda,tokens,infrastructure \
    --also-make --activate-profiles release -Dstyle.color=never -Dmaven.test.skip=true package >&2
  mkdir dist
  cp lambda/target/function.zip dist/rotation-function.zip
  cp tokens/target/function.zip dist/token-function.zip
  cp LICENSE NOTICE dist
  node scripts/sbom.mjs lambda lambda/src/main/assembly/libraries.xml >dist/rotation-function.cdx.json
  node scripts/sbom.mjs tokens lambda/src/main/assembly/libraries.xml >dist/token-function.cdx.json
  # Use the JDK that Maven found; the one on the PATH may be older. The CDK would check each of the
  # stacks that the template is merged from; the tests check the template.
  CDK_VALIDATION=false target/jdk/bin/java -XX:TieredStopAtLevel=1 \
    -cp "infrastructure/target/classes:$(cat infrastructure/target/class-path)" \
    keyrotation.infrastructure.ReleaseTemplate "$version" dist/momento-key-rotation.template.json >&2
  cd dist
  sha256sum LICENSE NOTICE momento-key-rotation.template.json rotation-function.cdx.json \
    rotation-function.zip token-function.cdx.json token-function.zip >SHA256SUMS
)

version=$(sed -n 's|^  <version>\(.*\)</version>$|\1|p' pom.xml)
[ -z "$(git status --porcelain)" ] || echo "Changes that are not committed are left out." >&2
echo "Building the release $version ..." >&2
build "$work/release"
if [ -n "$check" ]; then
  echo "Building it again ..." >&2
  (
    umask 077
    export TZ=Asia/Tokyo LC_ALL=C
    build "$work/a/release/in another folder"
  )
  diff -r "$work/release/dist" "$work/a/release/in another folder/dist" >&2 \
    || fail "The two builds differ. Nothing was put into dist."
  echo "The two builds are the same." >&2
fi
rm -rf dist
mv "$work/release/dist" dist
for file in dist/*; do
  wc -c "$file"
done | awk '{ printf "%10.1f kB  %s\n", $1 / 1000, $2 }'
