import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { signRequest } from '../../src/oci/disk-image/ec2/sign-request.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret/of+this test' }

it.each<{ service: 'ec2' | 's3'; method: string; path: string; body: string }>([
  { service: 'ec2', method: 'POST', path: '/', body: 'Action=DescribeImages&Version=2016-11-15&Name=a%20b' },
  { service: 'ec2', method: 'GET', path: '/?Action=DescribeImages&Version=2016-11-15', body: '' },
  { service: 's3', method: 'PUT', path: '/bucket/larder/0123.raw?partNumber=1&uploadId=abc', body: 'the part' },
])('signs $service $method $path as curl does', async ({ service, method, path, body }) => {
  const server = createServer((request, response) => {
    request.resume()
    server.emit('seen', request.headers)
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  try {
    const seen = once(server, 'seen')
    const { accessKeyId, secretAccessKey } = credentials
    const login = ['--user', `${accessKeyId}:${secretAccessKey}`, '--aws-sigv4', `aws:amz:eu-central-1:${service}`]
    // S3 wants to be told the digest, which this curl leaves to its user.
    const digest = `x-amz-content-sha256: ${createHash('sha256').update(body).digest('hex')}`
    if (service === 's3') login.push('-H', digest)
    const content = body === '' ? [] : ['--data-binary', body, '-H', 'content-type: text/plain']
    await execa('curl', ['--silent', '--show-error', '--noproxy', '*', '-X', method, ...login, ...content, url])
    const [headers] = (await seen) as [IncomingHttpHeaders]

    const authorization = headers.authorization!
    const names = /SignedHeaders=([^,]+)/.exec(authorization)![1]!.split(';')
    const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]))
    const time = String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z')
    const ours = signRequest(
      { method, url, headers: signed, body: Buffer.from(body) },
      { credentials, region: 'eu-central-1', service, at: new Date(time) },
    )
    expect(ours['authorization']?.replaceAll(' ', '')).toBe(authorization.replaceAll(' ', ''))
  } finally {
    server.close()
  }
})
