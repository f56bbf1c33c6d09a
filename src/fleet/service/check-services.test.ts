import { describe, expect, it } from 'vitest'
import { formatProblem, parseSiteFile, subDocument, validate, type CheckContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { serviceGrammar } from './service-grammar.ts'
import { servicesSchema } from './service-schema.ts'

const head = 'machines: { web-1: {}, web-2: {}, lb: {} }\nimages: { list: images.json }\nservices:\n'
const images =
  '[{ "service_name": "counter", "version": "1" }, { "service_name": "disk", "type": "AMI", "version": "1" }]'

/** What is wrong with the services of a site of these machines and images. */
async function problemsOf(services: string): Promise<string[]> {
  const text = head + services
  const { document } = parseSiteFile(Buffer.from(text), 'larder.yaml')
  const section = subDocument(document!, ['services'])
  const { value, problems } = validate(servicesSchema, section)
  if (value === undefined) return problems.map(formatProblem)
  const files = {
    'larder.yaml': text,
    'images.json': images,
    'secrets/db.age': 'x',
    'files/app.service': '[Service]\n',
  }
  const context: Partial<CheckContext> = {
    files: memoryFiles(files),
    site: { images: { list: 'images.json' } },
    declared: { machines: ['web-1', 'web-2', 'lb'] },
    documentAt: (path) => subDocument(document!, path),
    positionOf: (path, part) => ({ file: 'larder.yaml', ...document!.positionOf(path, part) }),
  }
  return (await serviceGrammar().check(value, context as CheckContext)).map(formatProblem)
}

const both = 'machines: [web-1, web-2]'

describe('checkServices', () => {
  it.each([
    `  counter: { image: counter, ${both}, port: 8080, ready: { http: /healthz } }\n`,
    `  counter:
    image: counter
    ${both}
    port: 8080
    environment: { DATABASE: "{{machines.lb.address}}", NOTE: "a \\"b\\" $c %d" }
    secrets: { PASSWORD: db }
    drain: 0s
    ready_timeout: 10m
    balance: { on: [lb], response_timeout: 5m, up_timeout: 90s, hosts: [counter.example.org], tls: { certificate: db, redirect_from: 80 }, sticky: true }
`,
    `  a: { image: counter, ${both}, port: 1, balance: { on: [lb], mode: tcp, hosts: [a.example.org], tls: {} } }\n`,
    `  web: { unit: nginx.service, ${both}, port: 80 }\n  app: { unit: { source: files/app.service }, ${both}, port: 81 }\n`,
  ])('finds nothing wrong with %s', async (services) => {
    expect(await problemsOf(services)).toEqual([])
  })

  it.each([
    [
      `  a: { image: counter, ${both}, port: 1, ready_timeout: 0s }\n`,
      'larder.yaml:4:74: "ready_timeout": at least 1s',
    ],
    [
      `  a: { image: counter, ${both}, port: 1, balance: { on: [lb], up_timeout: 2h } }\n`,
      'larder.yaml:4:92: "up_timeout": at most 1h',
    ],
    [`  a: { ${both}, port: 1 }\n`, 'larder.yaml:4:6: "a": what it runs is missing: image, or unit'],
    [
      `  a: { image: counter, unit: x.service, ${both}, port: 1 }\n`,
      'larder.yaml:4:30: "unit": it runs an image already: one of image and unit is needed',
    ],
    [
      `  a: { image: countr, ${both}, port: 1 }\n`,
      'larder.yaml:4:15: there is no image "countr"; expected the name of one that is declared: did you mean counter?',
    ],
    [
      `  a: { image: disk, ${both}, port: 1 }\n`,
      'larder.yaml:4:15: there is no image "disk"; expected the name of one that is declared',
    ],
    [
      '  a: { image: counter, machines: [web-1, web-3], port: 1 }\n',
      'larder.yaml:4:42: there is no machine "web-3"; expected the name of one that is declared: did you mean web-1?',
    ],
    [
      '  a: { image: counter, machines: [web-1, web-1], port: 1 }\n',
      'larder.yaml:4:42: web-1 is there twice; expected each machine once',
    ],
    [
      '  a: { image: counter, machines: [web-1], port: 1 }\n',
      'larder.yaml:4:34: warning: a runs on one machine, and is away while that is rolled; expected two machines or more',
    ],
    [
      `  a: { image: counter, ${both}, port: 1 }\n  b: { image: counter, machines: [lb, web-2], port: 1 }\n`,
      'larder.yaml:5:53: port 1 of web-2 is that of a already; expected another port',
    ],
    [
      `  a: { unit: b.service, ${both}, port: 1 }\n  b: { image: counter, machines: [web-2, lb], port: 2 }\n`,
      'larder.yaml:5:3: b.service of web-2 runs a already; expected a unit for each service',
    ],
    [
      `  a: { image: counter, machines: [web-1, lb], port: 80, balance: { on: [lb] } }\n`,
      'larder.yaml:4:66: port 80 of lb, where clients come, is what a listens on; expected another port',
    ],
    [
      `  a: { image: counter, ${both}, port: 1, secrets: { P: bd } }\n`,
      'larder.yaml:4:68: there is no secret "bd"; expected a file secrets/bd.age: did you mean db?',
    ],
    [`  a: { unit: x.service, ${both}, port: 1, secrets: { P: bd } }\n`, 'larder.yaml:4:74: there is no secret "bd"'],
    [
      `  a: { image: counter, ${both}, port: 1, environment: { P: "{{nothing}}" } }\n`,
      'larder.yaml:4:77: nothing is called "nothing" here: machine, machines, site are there',
    ],
    [
      `  a: { image: counter, ${both}, port: 1, environment: { P: "{{#secrets.db}}x{{/secrets.db}}" } }\n`,
      'larder.yaml:4:77: secrets are not there: `secrets` sets variables to them',
    ],
    [
      `  a: { unit: { source: files/none.service }, ${both}, port: 1 }\n`,
      'larder.yaml:4:24: there is no file "files/none.service" in the site',
    ],
    [
      `  a: { image: counter, ${both}, port: 1, balance: { on: [lp], tls: { certificate: bd } } }\n`,
      'larder.yaml:4:75: there is no machine "lp"; expected the name of one that is declared: did you mean lb?',
    ],
    [
      `  a: { image: counter, ${both}, port: 1, balance: { on: [lb], port: 80, tls: { certificate: db, redirect_from: 80 } } }\n`,
      'larder.yaml:4:129: clients come by TLS to port 80 themselves; expected another port, such as 80 beside 443',
    ],
    [
      `  a: { image: counter, machines: [web-1, lb], port: 8404, balance: { on: [lb] } }\n`,
      'larder.yaml:4:53: port 8404 of lb is where it tells of itself, as a load balancer; expected another port',
    ],
    ...['sticky: true', 'hosts: [a.example.org]', 'path: /a'].map((idle): [string, string] => [
      `  a: { image: counter, ${both}, port: 1, balance: { on: [lb], mode: tcp, ${idle} } }\n`,
      `larder.yaml:4:${92 + idle.indexOf(' ')}: warning: connections are handed on as they are (mode: tcp), and "${idle.split(':')[0]!}" does nothing; expected mode: http, or nothing here`,
    ]),
    [
      `  a: { image: counter, ${both}, port: 1, balance: { on: [lb], mode: tcp, tls: { certificate: db, redirect_from: 80 } } }\n`,
      'larder.yaml:4:130: warning: connections are handed on as they are (mode: tcp), and "redirect_from" does nothing; expected mode: http, or nothing here',
    ],
    [`  a: { image: counter, ${both}, port: 1, drain: 2h }\n`, 'larder.yaml:4:66: "drain": at most 1h'],
    [
      `  A: { image: counter, ${both}, port: 1 }\n`,
      'larder.yaml:4:3: the name "A": small letters, digits and - make the name of a service, at most 40',
    ],
  ])('%s', async (services, problem) => {
    expect((await problemsOf(services))[0]).toBe(problem)
  })
})
