#!/usr/bin/env bash
# Writes certificates for tests and local trials into Certs/out, which git ignores: good ones, and
# one of each kind that a peer has to refuse. Nothing of it is a secret, nothing of it is for use.
# Does nothing when all is there and fresh; --force writes them again.
set -euo pipefail
cd "$(dirname "$0")"

# Tests run in several processes: one of them writes, the others wait and find all fresh.
exec 9<make-certs.sh
flock 9

out=out
# Written last, with a hash of what the certificates are made from.
stamp=$out/stamp
inputs=$(cat make-certs.sh ca.cnf leaf.cnf | sha256sum)
month_seconds=$((30 * 24 * 3600))
if [ "${1:-}" != --force ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$inputs" ] &&
  openssl x509 -in "$out/server.crt" -noout -checkend "$month_seconds" >/dev/null; then
  exit 0
fi

rm -rf "$out"
mkdir -p "$out"
log=$out/openssl.log
trap 'echo "make-certs: openssl failed, see Certs/$log:" >&2; tail -5 "$log" >&2' ERR

key() { # name [parameters of genpkey]
  local name=$1
  shift
  [ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1
  openssl genpkey "$@" -out "$out/$name.key" 2>>"$log"
}

request() { # name, common name
  openssl req -new -config leaf.cnf -key "$out/$1.key" -subj "/O=Tern tests/CN=$2" \
    -out "$out/$1.csr" 2>>"$log"
}

# Its own data base a CA: `openssl ca` is the only command that can date a certificate freely.
authority() { # name
  mkdir -p "$out/$1.ca"
  : >"$out/$1.ca/index.txt"
  echo 01 >"$out/$1.ca/serial"
}

sign() { # name, signing CA, section of leaf.cnf, first day, last day
  openssl ca -batch -notext -config ca.cnf -name "$2" -extfile leaf.cnf -extensions "$3" \
    -startdate "$4" -enddate "$5" -in "$out/$1.csr" -out "$out/$1.crt" 2>>"$log"
}

root() { # name, common name
  key "$1"
  openssl req -x509 -new -config leaf.cnf -extensions root -key "$out/$1.key" -days 3650 \
    -subj "/O=Tern tests/CN=$2" -out "$out/$1.crt" 2>>"$log"
  authority "$1"
}

leaf() { # name, common name, section, CA, first day, last day, [parameters of genpkey]
  key "$1" "${@:7}"
  request "$1" "$2"
  sign "$1" "$4" "$3" "$5" "$6"
  # What a peer sends: its own certificate first, then those up to the root, without it.
  cp "$out/$1.crt" "$out/$1-chain.crt"
  [ "$4" != intermediate ] || cat "$out/intermediate.crt" >>"$out/$1-chain.crt"
}

day() { date --utc --date "$1" +%Y%m%d%H%M%SZ; }
past=$(day '-2 years')
yesterday=$(day '-1 day')
# Far away, for what is made today is still in use next week.
next_years=$(day '+4 years')
later=$(day '+5 years')

root ca 'Tern test root'
root unknown-ca 'A root that nobody trusts'

key intermediate
request intermediate 'Tern test intermediate'
sign intermediate ca intermediate "$past" "$later"
authority intermediate

leaf server localhost server intermediate "$yesterday" "$later"
leaf server-rsa localhost server intermediate "$yesterday" "$later" \
  -algorithm RSA -pkeyopt rsa_keygen_bits:2048
# Another name, for a server that has several certificates and picks one by what is asked for.
leaf second second.example second intermediate "$yesterday" "$later"
leaf client 'test client' client intermediate "$yesterday" "$later"

# The server's in the other forms that a key may have.
openssl x509 -in "$out/server.crt" -outform DER -out "$out/server.der" 2>>"$log"
openssl pkcs8 -topk8 -nocrypt -in "$out/server.key" -outform DER -out "$out/server.key.der" 2>>"$log"
# The passphrase is "tern".
openssl pkcs8 -topk8 -in "$out/server.key" -passout pass:tern \
  -out "$out/server-encrypted.key" 2>>"$log"

# Each wrong in one way only.
leaf expired localhost server intermediate "$past" "$yesterday"
leaf expired-client 'test client' client intermediate "$past" "$yesterday"
leaf not-yet-valid localhost server intermediate "$next_years" "$later"
leaf wrong-host elsewhere.example wrong_host intermediate "$yesterday" "$later"
leaf wrong-usage localhost client_for_localhost intermediate "$yesterday" "$later"
leaf unknown localhost server unknown-ca "$yesterday" "$later"
leaf unknown-client 'test client' client unknown-ca "$yesterday" "$later"
# 1024 bits: refused at OpenSSL's security level 2, Debian's default.
leaf weak-key localhost server intermediate "$yesterday" "$later" \
  -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key self-signed
openssl req -x509 -new -config leaf.cnf -extensions self_signed -key "$out/self-signed.key" \
  -days 3650 -subj '/O=Tern tests/CN=localhost' -out "$out/self-signed.crt" 2>>"$log"
cp "$out/self-signed.crt" "$out/self-signed-chain.crt"

rm -rf "$out"/*.csr "$out"/*.ca "$log"
echo "$inputs" >"$stamp"
echo "make-certs: Certificates are in Certs/out"
