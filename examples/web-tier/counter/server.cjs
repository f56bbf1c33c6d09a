// A counter as a REST service over PostgreSQL, and the page that shows it. PORT, PGHOST and their like say where.
'use strict'
const { readFileSync } = require('node:fs')
const { createServer } = require('node:http')
const { hostname } = require('node:os')
const { join } = require('node:path')
const { Pool } = require('pg') // of Debian: package node-pg

const version = readFileSync(join(__dirname, 'version'), 'utf8').trim()
const files = {
  '/': { type: 'text/html; charset=utf-8', body: readFileSync(join(__dirname, 'public/index.html')) },
  '/page.js': { type: 'text/javascript; charset=utf-8', body: readFileSync(join(__dirname, 'public/page.js')) },
}
const database = new Pool({ max: 16, connectionTimeoutMillis: 20_000, query_timeout: 20_000 })
// A connection that is lost while nobody uses it is made again by the next request.
database.on('error', (error) => console.error(error.message))

const routes = {
  // It listens once its database was there. A database that is away is no reason to have no counter at all.
  'GET /healthz': async () => ({ ready: true }),
  'GET /api/count': () => count('select value from counter'),
  'POST /api/count': () => count('update counter set value = value + 1 returning value'),
}

async function count(query) {
  const { rows } = await database.query(query)
  return { count: Number(rows[0].value), version, machine: hostname() }
}

async function answer(request, response) {
  const path = new URL(request.url, 'http://counter').pathname
  const file = request.method === 'GET' && Object.hasOwn(files, path) ? files[path] : undefined
  if (file !== undefined) return response.writeHead(200, { 'content-type': file.type }).end(file.body)
  const name = `${request.method} ${path}`
  if (!Object.hasOwn(routes, name)) return response.writeHead(404).end()
  const body = JSON.stringify(await routes[name]())
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(`${body}\n`)
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error.message)
    response.writeHead(503).end()
  })
})

// What has begun is finished; then it ends.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})

async function start() {
  await database.query('create table if not exists counter (one boolean primary key check (one), value bigint not null)')
  await database.query('insert into counter values (true, 0) on conflict do nothing')
  server.listen(Number(process.env.PORT ?? 8080))
}

// Two that begin at once may be in each other's way, and the database may begin later.
function startOrWait() {
  start().catch((error) => {
    console.error(error.message)
    setTimeout(startOrWait, 1000)
  })
}
startOrWait()
