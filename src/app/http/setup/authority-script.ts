import { X509Certificate } from 'node:crypto'
import { quoteWord } from './shell-text.ts'

/**
 * Makes a machine trust the authority of this site: the system's own list, and that of a Docker engine for this
 * registry, which then need not be started again.
 */
export function renderAuthorityScript({ certificate, registry }: { certificate: string; registry: string }): string {
  const { fingerprint256 } = new X509Certificate(certificate)
  return `#!/bin/sh
# Makes this machine trust the authority of the site, SHA-256 ${fingerprint256}
set -eu
certificate=${quoteWord(certificate)}
if [ -d /usr/local/share/ca-certificates ]; then
  printf '%s' "$certificate" > /usr/local/share/ca-certificates/larder.crt
  update-ca-certificates
elif [ -d /etc/pki/ca-trust/source/anchors ]; then
  printf '%s' "$certificate" > /etc/pki/ca-trust/source/anchors/larder.crt
  update-ca-trust extract
else
  echo 'larder: no list of authorities is known on this system: neither ca-certificates nor ca-trust' >&2
  exit 1
fi
if [ -d /etc/docker ]; then
  mkdir -p /etc/docker/certs.d/${quoteWord(registry)}
  printf '%s' "$certificate" > /etc/docker/certs.d/${quoteWord(registry)}/ca.crt
fi
echo 'This machine trusts the authority of the site now.'
`
}
