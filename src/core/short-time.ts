/** `2026-11-21 21:52`, in UTC, of a time as ISO 8601 writes it: for tables that people read. Nothing of a time that is not there. */
export function shortTime(at: string | undefined): string {
  return at?.slice(0, 16).replace('T', ' ') ?? ''
}
