import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../core/digest.ts'
import { signRequest, type Signing } from './sign-request.ts'

const signing: Signing = {
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret of this test' },
  region: 'eu-central-1',
  service: 's3',
  at: new Date('2026-11-21T10:11:12.345Z'),
}
const request = {
  method: 'PUT',
  url: 'http://127.0.0.1:9000/bucket/larder/a.raw?partNumber=1&uploadId=x~y%2Bz',
  headers: { 'x-amz-meta-note': '  two   spaces ' },
  body: Buffer.from('part'),
}

function signatureOf(changes: { request?: Partial<typeof request>; signing?: Partial<Signing> } = {}): string {
  const headers = signRequest({ ...request, ...changes.request }, { ...signing, ...changes.signing })
  return /Signature=([0-9a-f]{64})$/.exec(headers['authorization']!)![1]!
}

describe('signRequest', () => {
  it('says who signed, when, for what, and which headers', () => {
    const headers = signRequest(request, signing)
    expect(headers).toMatchObject({
      host: '127.0.0.1:9000',
      'x-amz-date': '20261121T101112Z',
      'x-amz-content-sha256': digestOf(Buffer.from('part')).slice('sha256:'.length),
    })
    expect(headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261121\/eu-central-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-note, Signature=/,
    )
  })

  it.each([
    ['method', { request: { method: 'POST' } }],
    ['path', { request: { url: request.url.replace('a.raw', 'b.raw') } }],
    ['query', { request: { url: request.url.replace('=1', '=2') } }],
    ['header', { request: { headers: { 'x-amz-meta-note': 'other' } } }],
    ['body', { request: { body: Buffer.from('parts') } }],
    ['time', { signing: { at: new Date('2026-11-21T10:11:13Z') } }],
    ['region', { signing: { region: 'eu-west-1' } }],
    ['secret', { signing: { credentials: { ...signing.credentials, secretAccessKey: 'another' } } }],
  ])('signs the %s', (_, changes) => {
    expect(signatureOf(changes)).not.toBe(signatureOf())
  })

  it('is the same for a query in another order, and for spaces that mean nothing', () => {
    const url = 'http://127.0.0.1:9000/bucket/larder/a.raw?uploadId=x~y%2Bz&partNumber=1'
    expect(signatureOf({ request: { url, headers: { 'x-amz-meta-note': 'two spaces' } } })).toBe(signatureOf())
  })

  it('carries the token of credentials that end', () => {
    const credentials = { ...signing.credentials, sessionToken: 'token' }
    const headers = signRequest(request, { ...signing, credentials })
    expect(headers['x-amz-security-token']).toBe('token')
    expect(headers['authorization']).toContain('x-amz-security-token')
  })
})
