import { LarderError } from '../core/index.ts'

const schemes = new Set(['http:', 'https:', 'file:'])

/** Reads an address. FETCH_URL_REFUSED when it is malformed or neither `http:`, `https:` nor local `file:`. */
export function parseFetchUrl(text: string): URL {
  const url = URL.parse(text)
  if (!url) {
    throw new LarderError('FETCH_URL_REFUSED', {
      message: `${redactUrl(text)} is no address`,
      hint: 'write it as http://host/path, https://host/path or file:///path',
    })
  }
  if (!schemes.has(url.protocol) || (url.protocol === 'file:' && url.host !== '')) {
    throw new LarderError('FETCH_URL_REFUSED', {
      message: `${redactUrl(text)}: addresses of this kind are not supported`,
      hint: 'http:, https: and local file: addresses are',
    })
  }
  return url
}

/** The address without user, password and query values: fit for messages and logs. */
export function redactUrl(address: string | URL): string {
  const url = URL.parse(String(address))
  if (!url) return String(address).replace(/\/\/[^/@\s]*@/g, '//***@')
  if (url.username !== '' || url.password !== '') {
    url.username = '***'
    url.password = ''
  }
  if (url.search !== '') url.search = '?***'
  return url.href
}

/** What transfers are counted by: `host:port`, '' for local files. */
export function hostOf(address: string): string {
  return URL.parse(address)?.host ?? ''
}
