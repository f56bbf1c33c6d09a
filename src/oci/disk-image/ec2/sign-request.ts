import { createHash, createHmac } from 'node:crypto'

export interface AwsCredentials {
  accessKeyId: string
  secretAccessKey: string
  /** Of credentials that end after a while. */
  sessionToken?: string
}

export interface UnsignedRequest {
  method: string
  url: string
  /** Besides those that signing adds; names in lower case. */
  headers: Record<string, string>
  body: Uint8Array
}

export interface Signing {
  credentials: AwsCredentials
  region: string
  service: 'ec2' | 's3'
  at: Date
}

/**
 * The headers of a request, signed: its body, its query and all of these headers. Source: AWS, "Create a signed AWS API
 * request" (Signature Version 4). Paths hold letters, digits and `/ - . _` alone, so that no encoding differs.
 */
export function signRequest(request: UnsignedRequest, signing: Signing): Record<string, string> {
  const { credentials, region, service, at } = signing
  const url = new URL(request.url)
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '')
  const bodyHash = sha256(request.body)
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-date': time,
    ...(service === 's3' ? { 'x-amz-content-sha256': bodyHash } : {}),
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    request.method,
    url.pathname,
    canonicalQuery(url),
    ...names.map((name) => `${name}:${headers[name]!.trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n')
  const scope = [time.slice(0, 8), region, service, 'aws4_request']
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(Buffer.from(canonical))].join('\n')
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`
  for (const part of scope) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const parts = [
    `Credential=${credentials.accessKeyId}/${scope.join('/')}`,
    `SignedHeaders=${names.join(';')}`,
    `Signature=${signature}`,
  ]
  return { ...headers, authorization: `AWS4-HMAC-SHA256 ${parts.join(', ')}` }
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([left, leftValue], [right, rightValue]) => (`${left}=${leftValue}` < `${right}=${rightValue}` ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Everything but what RFC 3986 calls unreserved. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
