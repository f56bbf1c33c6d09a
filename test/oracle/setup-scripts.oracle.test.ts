import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { renderAptScript } from '../../src/app/http/setup/apt-script.ts'
import { renderAuthorityScript } from '../../src/app/http/setup/authority-script.ts'
import { renderRpmScript } from '../../src/app/http/setup/rpm-script.ts'

const mirror = { mirror: 'base', url: 'http://127.0.0.1:7420/setup/base' }
const certificate = execFileSync(
  'openssl',
  ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=lab', '-keyout', '/dev/null'],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
)

test.each([
  ['apt', renderAptScript({ ...mirror, deb822: "Types: deb\nURIs: http://127.0.0.1/it's $(here)\n" })],
  ['dnf', renderRpmScript({ ...mirror, repo: "[base]\nname=it's `here`\n" })],
  ['the authority', renderAuthorityScript({ certificate, registry: 'lab.example:5000' })],
])('the script for %s is clean to shellcheck', (_name, script) => {
  expect(script).toMatch(/^#!\/bin\/sh\n/)
  execFileSync('shellcheck', ['--shell=sh', '--severity=style', '-'], { input: script })
})
