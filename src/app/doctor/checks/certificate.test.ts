import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { openAuthority } from '../../tls/authority.ts'
import { judgeCertificate } from './certificate.ts'

const dayMs = 24 * 3600_000
let folder = ''
let pem = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-certificate-'))
  const authority = await openAuthority({ folder, site: 'campus', clock: systemClock })
  pem = (await authority.certify(['registry.example.org'])).certificate
})
afterAll(() => rm(folder, { recursive: true }))

const judge = (text: string, inDays = 0) =>
  judgeCertificate(text, { path: '/given.crt', now: new Date(Date.now() + inDays * dayMs), hint: 'Renew it.' })

it.each([
  [0, []],
  [370, []],
  [380, [{ severity: 'warning', subject: 'TLS', hint: 'Renew it.' }]],
  [400, [{ severity: 'error', message: expect.stringMatching(/no client takes it/) as string }]],
])('in %i days', (days, expected) => {
  expect(judge(pem, days)).toMatchObject(expected)
})

it.each(['', 'no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
  '%j is told',
  (text) => {
    expect(judge(text)).toMatchObject([{ severity: 'error', message: '/given.crt is no certificate.' }])
  },
)
