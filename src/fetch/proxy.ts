/** HTTP proxies in the manner of curl and wget. '' or absent: none. */
export interface ProxySettings {
  /** For `http:` addresses: `http://proxy.example.org:3128`; without a scheme it is http. */
  http?: string
  /** For `https:` addresses. Default: as for `http:`. */
  https?: string
  /** Hosts that are asked directly: `localhost,.example.org,10.0.0.1:8080`, or `*`. */
  no?: string
}

/** Reads http_proxy, https_proxy and no_proxy. Lower case wins; HTTP_PROXY is read too. */
export function proxyFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()] ?? ''
  return { http: read('http_proxy'), https: read('https_proxy'), no: read('no_proxy') }
}
