/**
 * `node:http`, without an import: that reads all which the module exports, and for its `WebSocket` Node loads a second client for
 * HTTP, which nobody here asks for: 2 MiB of a controller's memory (bench/README.md, Registry).
 */
export const http = process.getBuiltinModule('node:http')
