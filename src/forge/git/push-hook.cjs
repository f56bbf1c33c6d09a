// Run by git as pre-receive and post-receive: asks the controller, prints what it says, ends with its verdict.
// Plain CommonJS with nothing loaded but net, since the person who pushes waits for it to start.
'use strict'
const { connect } = require('node:net')
const { resolve } = require('node:path')

const hook = process.argv[2]
let updates = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text) => (updates += text))
process.stdin.on('end', ask)

function ask() {
  const socket = connect(process.env.LARDER_PUSH_GATE)
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('connect', () => socket.write(JSON.stringify(question()) + '\n'))
  socket.on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) hear(JSON.parse(line))
  })
  socket.on('error', (error) => leave(`Larder cannot be asked (${error.code}); nothing was accepted.`))
  socket.on('end', () => leave('Larder went away before it had answered; nothing was accepted.'))
}

function question() {
  const environment = {}
  for (const name of ['GIT_QUARANTINE_PATH', 'GIT_OBJECT_DIRECTORY']) {
    if (process.env[name]) environment[name] = resolve(process.env[name])
  }
  const alternates = process.env.GIT_ALTERNATE_OBJECT_DIRECTORIES
  if (alternates) environment.GIT_ALTERNATE_OBJECT_DIRECTORIES = alternates
  return { hook, key: process.env.LARDER_PUSH_KEY, updates: updates.split('\n').filter(Boolean), environment }
}

function hear(message) {
  if (message.line !== undefined) process.stderr.write(message.line + '\n')
  if (message.exit !== undefined) process.exit(message.exit)
}

function leave(line) {
  process.stderr.write((hook === 'post-receive' ? 'Larder did not say what comes of this push.' : line) + '\n')
  process.exit(1)
}
