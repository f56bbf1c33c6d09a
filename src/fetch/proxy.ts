/** HTTP proxies in the manner of curl and wget. '' or absent: none. */
export interface ProxySettings {
  /** For `http:` addresses: `http://proxy.example.org:3128`. */
  http?: string
  /** For `https:` addresses. */
  https?: string
  /** Hosts that are asked directly: `localhost,.example.org,10.0.0.1:8080`, or `*`. */
  no?: string
}

/** Reads http_proxy, https_proxy and no_proxy. Lower case wins; HTTP_PROXY is read too. */
export function proxyFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()] ?? ''
  return { http: read('http_proxy'), https: read('https_proxy'), no: read('no_proxy') }
}
