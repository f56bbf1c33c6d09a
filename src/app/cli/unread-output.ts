/**
 * Whoever reads what is printed may leave before the end of it, as `head` does: Node says so by an error that would end
 * the process with a trace of calls. Other errors of the stream are thrown.
 */
export function tolerateUnread(stream: NodeJS.WritableStream, onUnread: () => void = () => {}): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    onUnread()
  })
}
