/**
 * What is opened, or the reason of the signal as soon as nobody waits for it any more: a forge that is asked for files may
 * take minutes. What comes after that is closed.
 */
export function openUnlessAborted<T extends { close(): void }>(
  open: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(signal.reason as Error)
    if (signal.aborted) {
      abandon()
      return
    }
    signal.addEventListener('abort', abandon, { once: true })
    open()
      .then((opened) => {
        if (signal.aborted) opened.close()
        else resolve(opened)
      }, reject)
      .finally(() => signal.removeEventListener('abort', abandon))
  })
}
